//! Canonical JSON: the members of every object in the order of their names, nothing between. The same bytes for the same value, whatever
//! wrote it. Written straight from what is to be told, without a tree of values in between: every operation is told of twice.

use serde::ser::{self, Error as _, Serialize};
use serde_json::{Error, Result, Value};
use std::borrow::Cow;

/// Appends the text of `value`.
pub(crate) fn write<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<()> {
    value.serialize(Canonical { out })
}

struct Canonical<'a> {
    out: &'a mut Vec<u8>,
}

fn plain<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<()> {
    serde_json::to_writer(out, value)
}

/// The members of an object until its end is known.
struct Object<'a> {
    out: &'a mut Vec<u8>,
    members: Vec<(Cow<'static, str>, Vec<u8>)>,
    key: Option<String>,
    /// The object is the value of this variant.
    variant: bool,
}

impl<'a> Object<'a> {
    fn new(out: &'a mut Vec<u8>, members: usize) -> Self {
        Self { out, members: Vec::with_capacity(members), key: None, variant: false }
    }

    fn of_variant(out: &'a mut Vec<u8>, variant: &'static str, members: usize) -> Result<Self> {
        out.push(b'{');
        plain(out, variant)?;
        out.push(b':');
        Ok(Self { variant: true, ..Self::new(out, members) })
    }

    fn member<T: Serialize + ?Sized>(&mut self, key: Cow<'static, str>, value: &T) -> Result<()> {
        let mut text = Vec::with_capacity(32);
        write(&mut text, value)?;
        self.members.push((key, text));
        Ok(())
    }

    fn close(mut self) -> Result<()> {
        self.members.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        self.out.push(b'{');
        for (at, (key, text)) in self.members.iter().enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            plain(self.out, key)?;
            self.out.push(b':');
            self.out.extend_from_slice(text);
        }
        self.out.push(b'}');
        if self.variant {
            self.out.push(b'}');
        }
        Ok(())
    }
}

struct Array<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
    variant: bool,
}

impl Array<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        write(self.out, value)
    }

    fn close(self) -> Result<()> {
        self.out.extend_from_slice(if self.variant { b"]}" } else { b"]" });
        Ok(())
    }
}

macro_rules! plainly {
    ($($method:ident $type:ty),+ $(,)?) => {
        $(fn $method(self, value: $type) -> Result<()> {
            plain(self.out, &value)
        })+
    };
}

impl<'a> ser::Serializer for Canonical<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Array<'a>;
    type SerializeTuple = Array<'a>;
    type SerializeTupleStruct = Array<'a>;
    type SerializeTupleVariant = Array<'a>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = Object<'a>;

    plainly!(
        serialize_bool bool, serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64, serialize_u8 u8, serialize_u16 u16,
        serialize_u32 u32, serialize_u64 u64, serialize_f32 f32, serialize_f64 f64, serialize_char char, serialize_str &str,
        serialize_bytes &[u8],
    );

    fn serialize_none(self) -> Result<()> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<()> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<()> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<()> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(self, _: &'static str, _: u32, variant: &'static str, value: &T) -> Result<()> {
        let mut object = Object::new(self.out, 1);
        object.member(variant.into(), value)?;
        object.close()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Array<'a>> {
        self.out.push(b'[');
        Ok(Array { out: self.out, first: true, variant: false })
    }

    fn serialize_tuple(self, len: usize) -> Result<Array<'a>> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Array<'a>> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Array<'a>> {
        self.out.push(b'{');
        plain(self.out, variant)?;
        self.out.extend_from_slice(b":[");
        Ok(Array { out: self.out, first: true, variant: true })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Object<'a>> {
        Ok(Object::new(self.out, len.unwrap_or(8)))
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Object<'a>> {
        Ok(Object::new(self.out, len))
    }

    fn serialize_struct_variant(self, _: &'static str, _: u32, variant: &'static str, len: usize) -> Result<Object<'a>> {
        Object::of_variant(self.out, variant, len)
    }
}

macro_rules! lists {
    ($($which:ident $method:ident),+ $(,)?) => {
        $(impl ser::$which for Array<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                self.item(value)
            }

            fn end(self) -> Result<()> {
                self.close()
            }
        })+
    };
}

lists!(
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
);

macro_rules! objects {
    ($($which:ident),+) => {
        $(impl ser::$which for Object<'_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
                self.member(Cow::Borrowed(key), value)
            }

            fn end(self) -> Result<()> {
                self.close()
            }
        })+
    };
}

objects!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Object<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        match serde_json::to_value(key)? {
            Value::String(name) => {
                self.key = Some(name);
                Ok(())
            }
            other => Err(Error::custom(format!("{other} is no name of a member"))),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let key = self.key.take().ok_or_else(|| Error::custom("a value without its key"))?;
        self.member(Cow::Owned(key), value)
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use noctule_domain::lifecycle::{Enforcement, OperationOptions, Progress, StepKind};
    use serde::Serialize;
    use std::collections::BTreeMap;

    fn text<T: Serialize>(value: &T) -> String {
        let mut out = Vec::new();
        write(&mut out, value).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// By way of a tree, whose objects are in the order of their names.
    fn by_tree<T: Serialize>(value: &T) -> String {
        fn sorted(value: &Value) -> String {
            match value {
                Value::Object(map) => {
                    let members: BTreeMap<_, _> = map.iter().collect();
                    let members: Vec<_> =
                        members.into_iter().map(|(key, item)| format!("{}:{}", Value::from(key.as_str()), sorted(item))).collect();
                    format!("{{{}}}", members.join(","))
                }
                Value::Array(items) => format!("[{}]", items.iter().map(sorted).collect::<Vec<_>>().join(",")),
                plain => plain.to_string(),
            }
        }
        sorted(&serde_json::to_value(value).unwrap())
    }

    #[derive(Serialize)]
    enum Kind {
        Unit,
        New(u8),
        Pair(u8, Option<&'static str>),
        Named { z: bool, a: f64 },
    }

    #[derive(Serialize)]
    struct Whole {
        z: Vec<Kind>,
        options: OperationOptions,
        progress: Progress,
        steps: [StepKind; 2],
        nested: BTreeMap<String, serde_json::Value>,
        pair: (i64, char),
        unit: (),
        a: Option<Vec<u64>>,
    }

    #[test]
    fn what_is_written_straight_is_what_a_sorted_tree_says() {
        let nested = serde_json::json!({ "z": 1, "a\"b": [{ "c": null, "b": "\u{1f}\u{fc}" }, []], "e": {} });
        let whole = Whole {
            z: vec![Kind::Unit, Kind::New(3), Kind::Pair(1, None), Kind::Pair(2, Some("x")), Kind::Named { z: true, a: 0.5 }],
            options: OperationOptions { reason: Some("un\npaid".into()), ..OperationOptions::default() },
            progress: Progress { before: Some((Enforcement::Observed, None)), ..Progress::default() },
            steps: [StepKind::NasCoa, StepKind::AaaWrite],
            nested: serde_json::from_value(nested).unwrap(),
            pair: (-4, '\u{e9}'),
            unit: (),
            a: Some(vec![u64::MAX]),
        };
        assert_eq!(text(&whole), by_tree(&whole));
        assert!(text(&whole).starts_with(r#"{"a":[18446744073709551615],"nested":{"a\"b":"#));
    }

    #[test]
    fn only_texts_are_names() {
        assert_eq!(text(&BTreeMap::from([("b", 1), ("a", 2)])), r#"{"a":2,"b":1}"#);
        let numbered = BTreeMap::from([((1, 2), "x")]);
        assert!(write(&mut Vec::new(), &numbered).is_err());
    }
}
