//! Attributes of a request as a profile writes them: by name or by numbers, with place holders. What a name stands for, and whether a value
//! fits, is the RADIUS client's to say.

use crate::words;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

words!(
    /// How a value is written into an attribute.
    ValueKind {
        Text = "text",
        /// Four octets.
        Integer = "integer",
        Ipv4Address = "ipv4_address",
        Ipv6Address = "ipv6_address",
        /// RFC 3162 section 2.3.
        Ipv6Prefix = "ipv6_prefix",
        /// Hexadecimal digits.
        Octets = "octets",
    }
);

/// An attribute of a request: by name (`name = "Mikrotik-Rate-Limit"`), or by numbers (`type`, and `vendor` for a vendor's). With both the
/// name is the one of the journal. Place holders in the value are filled in from the subscriber row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeTemplate {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Attribute type; within the vendor when `vendor` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<u32>,
    /// Tag octet (RFC 2868), for attributes that carry one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<u8>,
    pub value: AttributeValue,
}

/// `"a text"`, `5`, or with its kind said: `{ ipv6_prefix = "{prefix}" }`, `{ integer = "{download_kbps}" }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeValue {
    /// `None`: what the name asks for, and text where that is not known.
    pub kind: Option<ValueKind>,
    pub text: String,
}

impl AttributeValue {
    pub fn text(text: impl Into<String>) -> Self {
        Self { kind: Some(ValueKind::Text), text: text.into() }
    }
}

impl Serialize for AttributeValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(kind) = self.kind else { return serializer.serialize_str(&self.text) };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(kind.word(), &self.text)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for AttributeValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Value)
    }
}

/// A text or a whole number.
struct Plain(String, bool);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let AttributeValue { kind, text } = deserializer.deserialize_any(Value)?;
        Ok(Self(text, kind.is_some()))
    }
}

struct Value;

impl<'de> Visitor<'de> for Value {
    type Value = AttributeValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a whole number, or a table such as { ipv6_prefix = \"{prefix}\" }")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<AttributeValue, E> {
        Ok(AttributeValue { kind: None, text: text.to_owned() })
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<AttributeValue, E> {
        Ok(AttributeValue { kind: Some(ValueKind::Integer), text: number.to_string() })
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<AttributeValue, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(number), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AttributeValue, A::Error> {
        let Some(word) = map.next_key::<String>()? else { return Err(A::Error::invalid_length(0, &self)) };
        let kind: ValueKind = word.parse().map_err(|unknown: crate::words::UnknownWord| A::Error::custom(unknown))?;
        let Plain(text, number) = map.next_value()?;
        if number && kind != ValueKind::Integer {
            return Err(A::Error::custom(format_args!("a value of the kind {kind} stands in quotation marks")));
        }
        if let Some(more) = map.next_key::<String>()? {
            return Err(A::Error::custom(format_args!("one value, and '{more}' is a second")));
        }
        Ok(AttributeValue { kind: Some(kind), text })
    }
}
