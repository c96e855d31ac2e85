//! The fields of one row, taken by the name of their column. Every getter answers with a reason that names the column; a reason never
//! repeats a secret.

use super::columns::Column;
use csv::ByteRecord;
use noctule_domain::geo::LatLng;
use noctule_domain::text::MAX_TEXT;
use noctule_domain::words::UnknownWord;
use noctule_domain::{SafeText, Timestamp};
use std::str::FromStr;

/// How the end of a text that was cut by [`SafeText`] says so.
const CUT: &str = "…";

/// One row. An empty field is no value.
#[derive(Debug)]
pub struct Fields<'a> {
    columns: &'a [&'static Column],
    texts: Vec<&'a str>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(columns: &'a [&'static Column], record: &'a ByteRecord) -> Result<Self, String> {
        if record.len() != columns.len() {
            let plural = if record.len() == 1 { "" } else { "s" };
            return Err(format!("has {} field{plural}, the header has {}", record.len(), columns.len()));
        }
        let mut texts = Vec::with_capacity(record.len());
        for (column, raw) in columns.iter().zip(record) {
            let text = std::str::from_utf8(raw).map_err(|_| format!("{}: not UTF-8", column.name))?;
            // Refused rather than cut: what is not kept has to be said before it is lost. A text that was cut elsewhere ends so.
            let cut = text.len() <= MAX_TEXT + CUT.len() && text.ends_with(CUT);
            if text.len() > MAX_TEXT && !cut {
                return Err(format!("{}: has {} bytes, {MAX_TEXT} at most", column.name, text.len()));
            }
            texts.push(text);
        }
        Ok(Self { columns, texts })
    }

    /// The field without white space around it.
    pub fn raw(&self, name: &str) -> Option<&'a str> {
        self.exact(name).map(str::trim).filter(|text| !text.is_empty())
    }

    /// The field to the letter.
    pub fn exact(&self, name: &str) -> Option<&'a str> {
        let place = self.columns.iter().position(|column| column.name == name)?;
        self.texts.get(place).copied().filter(|text| !text.is_empty())
    }

    /// What a row is to have: the value of the file, or what is there already when the file has no such column.
    pub fn keep<T>(&self, name: &str, value: T, there: Option<T>) -> T {
        match there {
            Some(there) if !self.columns.iter().any(|column| column.name == name) => there,
            _ => value,
        }
    }

    pub fn text(&self, name: &str) -> Option<SafeText> {
        self.raw(name).map(SafeText::new)
    }

    pub fn required(&self, name: &str) -> Result<SafeText, String> {
        self.text(name).ok_or_else(|| format!("{name}: is empty"))
    }

    /// A name that other rows and commands refer to: clean and short, or refused.
    pub fn key(&self, name: &str) -> Result<SafeText, String> {
        let raw = self.raw(name).ok_or_else(|| format!("{name}: is empty"))?;
        if raw.len() > 120 {
            return Err(format!("{name}: has {} bytes, 120 at most", raw.len()));
        }
        if !SafeText::is_clean(raw) {
            return Err(format!("{name}: holds control or invisible characters: {}", SafeText::bounded(raw, 80)));
        }
        Ok(SafeText::new(raw))
    }

    /// Anything that parses; the reason says what was wanted.
    pub fn parsed<T: FromStr>(&self, name: &str, wanted: &str) -> Result<Option<T>, String> {
        self.raw(name).map(|raw| raw.parse().map_err(|_| format!("{name}: '{}' is not {wanted}", SafeText::bounded(raw, 60)))).transpose()
    }

    pub fn number<T>(&self, name: &str, range: std::ops::RangeInclusive<T>) -> Result<Option<T>, String>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        let (from, to) = (range.start(), range.end());
        let wanted = format!("a number from {from} to {to}");
        match self.parsed::<T>(name, &wanted)? {
            // NaN is in no range.
            Some(value) if !range.contains(&value) => Err(format!("{name}: {value} is not {wanted}")),
            value => Ok(value),
        }
    }

    pub fn word<T: FromStr<Err = UnknownWord>>(&self, name: &str) -> Result<Option<T>, String> {
        self.raw(name)
            .map(|raw| {
                raw.to_ascii_lowercase().parse().map_err(|unknown: UnknownWord| {
                    let hint = crate::near::hint(raw, unknown.known.iter().copied());
                    format!("{name}: {unknown}{hint}")
                })
            })
            .transpose()
    }

    pub fn flag(&self, name: &str) -> Result<Option<bool>, String> {
        self.raw(name)
            .map(|raw| match raw.to_ascii_lowercase().as_str() {
                "yes" | "y" | "true" | "1" => Ok(true),
                "no" | "n" | "false" | "0" => Ok(false),
                _ => Err(format!("{name}: '{}' is neither yes nor no", SafeText::bounded(raw, 40))),
            })
            .transpose()
    }

    pub fn position(&self, lat: &str, lng: &str) -> Result<Option<LatLng>, String> {
        match (self.parsed::<f64>(lat, "a number of degrees")?, self.parsed::<f64>(lng, "a number of degrees")?) {
            (None, None) => Ok(None),
            (Some(a), Some(b)) => LatLng::new(a, b).map(Some).ok_or_else(|| format!("{lat}, {lng}: {a}, {b} is not on the earth")),
            _ => Err(format!("{lat} and {lng} go together")),
        }
    }

    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, String> {
        let time = self.parsed::<chrono::DateTime<chrono::FixedOffset>>(name, "an RFC 3339 time as in 2026-11-23T08:30:00Z")?;
        Ok(time.map(|t| t.to_utc()))
    }

    /// Minutes after midnight, from HH:MM.
    pub fn clock(&self, name: &str) -> Result<Option<u16>, String> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        let minutes = raw.split_once(':').and_then(|(hours, minutes)| {
            let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
            (hours <= 24 && minutes < 60 && hours * 60 + minutes <= 1440).then_some(hours * 60 + minutes)
        });
        minutes.map(Some).ok_or_else(|| format!("{name}: '{}' is not a time as in 08:30", SafeText::bounded(raw, 40)))
    }

    /// Several values, separated by semicolons.
    pub fn list(&self, name: &str) -> Vec<SafeText> {
        let items = self.raw(name).unwrap_or_default().split(';').map(str::trim).filter(|item| !item.is_empty());
        items.take(64).map(SafeText::new).collect()
    }
}
