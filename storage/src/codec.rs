//! Between rows and types: times, identifiers, words, JSON. A value that does not fit is an error, never a panic and never a guess.

use chrono::{DateTime, SubsecRound};
use ipnet::Ipv6Net;
use noctule_domain::geo::LatLng;
use noctule_domain::subscriber::Username;
use noctule_domain::{SafeText, Timestamp};
use rusqlite::Row;
use rusqlite::types::{FromSql, Type};
use serde::{Serialize, de::DeserializeOwned};
use std::str::FromStr;
use uuid::Uuid;

/// The store keeps microseconds; every time that enters is cut to them, so that what is returned equals what is stored.
pub(crate) fn cut(at: Timestamp) -> Timestamp {
    at.trunc_subsecs(6)
}

pub(crate) fn us(at: Timestamp) -> i64 {
    at.timestamp_micros()
}

pub(crate) fn opt_us(at: Option<Timestamp>) -> Option<i64> {
    at.map(us)
}

pub(crate) fn bytes(id: Uuid) -> [u8; 16] {
    *id.as_bytes()
}

pub(crate) fn json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}

/// First and last address of a prefix; empty for none.
pub(crate) fn bounds(prefix: Option<Ipv6Net>) -> (Vec<u8>, Vec<u8>) {
    match prefix {
        Some(net) => (net.network().octets().to_vec(), net.broadcast().octets().to_vec()),
        None => (Vec::new(), Vec::new()),
    }
}

/// Takes the columns of a row one after the other, in the order of the SELECT.
pub(crate) struct Take<'r> {
    row: &'r Row<'r>,
    at: usize,
}

type Res<T> = rusqlite::Result<T>;

impl<'r> Take<'r> {
    pub(crate) fn new(row: &'r Row<'r>) -> Self {
        Self { row, at: 0 }
    }

    /// Begins at a column further on.
    pub(crate) fn new_at(row: &'r Row<'r>, at: usize) -> Self {
        Self { row, at }
    }

    pub(crate) fn get<T: FromSql>(&mut self) -> Res<T> {
        self.at += 1;
        self.row.get(self.at - 1)
    }

    fn str_with<T>(&mut self, make: impl FnOnce(&str) -> Result<T, String>) -> Res<T> {
        self.at += 1;
        let text = self.row.get_ref(self.at - 1)?.as_str().map_err(|e| bad(self.at - 1, e.to_string()))?;
        make(text).map_err(|e| bad(self.at - 1, e))
    }

    fn opt_str_with<T>(&mut self, make: impl FnOnce(&str) -> Result<T, String>) -> Res<Option<T>> {
        self.at += 1;
        let text = self.row.get_ref(self.at - 1)?.as_str_or_null().map_err(|e| bad(self.at - 1, e.to_string()))?;
        text.map(make).transpose().map_err(|e| bad(self.at - 1, e))
    }

    pub(crate) fn text(&mut self) -> Res<SafeText> {
        self.str_with(|t| Ok(SafeText::new(t)))
    }

    pub(crate) fn opt_text(&mut self) -> Res<Option<SafeText>> {
        self.opt_str_with(|t| Ok(SafeText::new(t)))
    }

    /// An empty text is none.
    pub(crate) fn filled_text(&mut self) -> Res<Option<SafeText>> {
        self.str_with(|t| Ok((!t.is_empty()).then(|| SafeText::new(t))))
    }

    /// A word of an enum, an address, a prefix, …
    pub(crate) fn parsed<T: FromStr>(&mut self) -> Res<T>
    where
        T::Err: std::fmt::Display,
    {
        self.str_with(|t| t.parse::<T>().map_err(|e| e.to_string()))
    }

    pub(crate) fn parsed_username(&mut self) -> Res<Username> {
        self.str_with(|t| Username::new(t).map_err(|e| e.to_string()))
    }

    pub(crate) fn opt_parsed<T: FromStr>(&mut self) -> Res<Option<T>>
    where
        T::Err: std::fmt::Display,
    {
        self.opt_str_with(|t| t.parse::<T>().map_err(|e| e.to_string()))
    }

    pub(crate) fn json<T: DeserializeOwned>(&mut self) -> Res<T> {
        self.str_with(|t| serde_json::from_str(t).map_err(|e| e.to_string()))
    }

    pub(crate) fn uuid(&mut self) -> Res<Uuid> {
        self.get::<[u8; 16]>().map(Uuid::from_bytes)
    }

    pub(crate) fn opt_uuid(&mut self) -> Res<Option<Uuid>> {
        Ok(self.get::<Option<[u8; 16]>>()?.map(Uuid::from_bytes))
    }

    pub(crate) fn time(&mut self) -> Res<Timestamp> {
        let value: i64 = self.get()?;
        DateTime::from_timestamp_micros(value).ok_or_else(|| bad(self.at - 1, format!("{value} is not a time")))
    }

    pub(crate) fn opt_time(&mut self) -> Res<Option<Timestamp>> {
        let value: Option<i64> = self.get()?;
        value.map(|v| DateTime::from_timestamp_micros(v).ok_or_else(|| bad(self.at - 1, format!("{v} is not a time")))).transpose()
    }

    /// Two columns.
    pub(crate) fn position(&mut self) -> Res<Option<LatLng>> {
        let (lat, lng): (Option<f64>, Option<f64>) = (self.get()?, self.get()?);
        match (lat, lng) {
            (Some(lat), Some(lng)) => LatLng::new(lat, lng).map(Some).ok_or_else(|| bad(self.at - 1, "a position out of range".into())),
            _ => Ok(None),
        }
    }

    pub(crate) fn count(&mut self) -> Res<u64> {
        let value: i64 = self.get()?;
        u64::try_from(value).map_err(|e| bad(self.at - 1, e.to_string()))
    }
}

pub(crate) fn bad(column: usize, why: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, why.into())
}
