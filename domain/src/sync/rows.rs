//! Rows on their way from the centre to the local cache, packed as they came: a million of them must not become a million small
//! allocations. The form is that of a PostgreSQL binary tuple: for each column a length (4 bytes, big-endian, -1 is none) and its bytes.

use super::{Kind, Table};
use uuid::Uuid;

/// Microseconds between 1970-01-01, where the local store counts from, and 2000-01-01, where PostgreSQL does.
const EPOCH_US: i64 = 946_684_800_000_000;

/// Rows of one table, packed one behind the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    pub table: Table,
    count: u32,
    data: Vec<u8>,
}

/// A row that is not what its table's columns say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a row of {table} is not as it should be (column {column}): {why}")]
pub struct BadRow {
    pub table: Table,
    pub column: &'static str,
    pub why: &'static str,
}

/// Packs rows.
#[derive(Debug)]
pub struct RowsBuilder(Rows);

impl RowsBuilder {
    pub fn new(table: Table, bytes: usize) -> Self {
        Self(Rows { table, count: 0, data: Vec::with_capacity(bytes) })
    }

    /// A whole tuple: lengths and values of every column, without the leading count of columns.
    pub fn push_tuple(&mut self, tuple: &[u8]) {
        self.0.count += 1;
        self.0.data.extend_from_slice(tuple);
    }

    /// The next value of the row under way; call once per column, then `end_row`.
    pub fn push_value(&mut self, value: Option<&[u8]>) {
        match value {
            None => self.0.data.extend_from_slice(&(-1i32).to_be_bytes()),
            Some(bytes) => {
                self.0.data.extend_from_slice(&i32::try_from(bytes.len()).unwrap_or(i32::MAX).to_be_bytes());
                self.0.data.extend_from_slice(bytes);
            }
        }
    }

    pub fn end_row(&mut self) {
        self.0.count += 1;
    }

    pub fn count(&self) -> u32 {
        self.0.count
    }

    pub fn bytes(&self) -> usize {
        self.0.data.len()
    }

    pub fn finish(self) -> Rows {
        self.0
    }
}

impl Rows {
    pub fn empty(table: Table) -> Self {
        Self { table, count: 0, data: Vec::new() }
    }

    pub fn len(&self) -> u32 {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Reads row after row into `row`, which is reused; stops at the first that is damaged.
    pub fn read<'a>(&'a self, mut each: impl FnMut(&Row<'a>) -> Result<(), BadRow>) -> Result<(), BadRow> {
        let columns = self.table.columns();
        let mut row = Row { table: self.table, values: vec![None; columns.len()] };
        let mut rest = self.data.as_slice();
        for _ in 0..self.count {
            for (at, value) in row.values.iter_mut().enumerate() {
                let damaged = |why| BadRow { table: self.table, column: columns[at].name, why };
                let (length, after) = rest.split_first_chunk::<4>().ok_or(damaged("it ends too early"))?;
                let length = i32::from_be_bytes(*length);
                rest = after;
                *value = match usize::try_from(length) {
                    Ok(length) if length <= rest.len() => {
                        let (bytes, after) = rest.split_at(length);
                        rest = after;
                        Some(bytes)
                    }
                    Ok(_) => return Err(damaged("it ends too early")),
                    Err(_) if length == -1 => None,
                    Err(_) => return Err(damaged("a length below zero")),
                };
            }
            each(&row)?;
        }
        Ok(())
    }
}

/// One row. Values by the number of the column in `Table::columns`.
#[derive(Debug)]
pub struct Row<'a> {
    table: Table,
    values: Vec<Option<&'a [u8]>>,
}

impl<'a> Row<'a> {
    fn bad(&self, at: usize, why: &'static str) -> BadRow {
        BadRow { table: self.table, column: self.table.columns().get(at).map_or("?", |c| c.name), why }
    }

    pub fn table(&self) -> Table {
        self.table
    }

    pub fn raw(&self, at: usize) -> Option<&'a [u8]> {
        self.values.get(at).copied().flatten()
    }

    pub fn kind(&self, at: usize) -> Option<Kind> {
        self.table.columns().get(at).map(|column| column.kind)
    }

    fn fixed<const N: usize>(&self, at: usize) -> Result<Option<[u8; N]>, BadRow> {
        self.raw(at).map(|bytes| bytes.try_into().map_err(|_| self.bad(at, "not as long as its kind"))).transpose()
    }

    pub fn text(&self, at: usize) -> Result<Option<&'a str>, BadRow> {
        self.raw(at).map(|bytes| std::str::from_utf8(bytes).map_err(|_| self.bad(at, "not UTF-8"))).transpose()
    }

    pub fn uuid(&self, at: usize) -> Result<Option<Uuid>, BadRow> {
        Ok(self.fixed::<16>(at)?.map(Uuid::from_bytes))
    }

    pub fn int(&self, at: usize) -> Result<Option<i64>, BadRow> {
        Ok(self.fixed::<8>(at)?.map(i64::from_be_bytes))
    }

    pub fn real(&self, at: usize) -> Result<Option<f64>, BadRow> {
        Ok(self.fixed::<8>(at)?.map(f64::from_be_bytes))
    }

    pub fn bool(&self, at: usize) -> Result<Option<bool>, BadRow> {
        Ok(self.fixed::<1>(at)?.map(|[byte]| byte != 0))
    }

    /// Microseconds since 1970-01-01 UTC, as the local store keeps times.
    pub fn time_us(&self, at: usize) -> Result<Option<i64>, BadRow> {
        Ok(self.int(at)?.map(|us| us.saturating_add(EPOCH_US)))
    }

    /// The row's id: column 0 of every table.
    pub fn id(&self) -> Result<Uuid, BadRow> {
        self.uuid(0)?.ok_or_else(|| self.bad(0, "missing"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_row_comes_out_as_it_went_in() {
        let id = Uuid::from_u128(7);
        let mut builder = RowsBuilder::new(Table::Sessions, 64);
        for value in
            [Some(id.as_bytes().as_slice()), None, Some(b"s-1"), None, None, Some(&0i64.to_be_bytes()), None, None, None, None, None]
        {
            builder.push_value(value);
        }
        builder.end_row();
        let rows = builder.finish();
        let mut seen = 0;
        rows.read(|row| {
            seen += 1;
            assert_eq!((row.id()?, row.text(2)?, row.time_us(5)?), (id, Some("s-1"), Some(EPOCH_US)));
            Ok(())
        })
        .expect("sound");
        assert_eq!(seen, 1);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut builder = RowsBuilder::new(Table::Nas, 0);
            builder.push_tuple(&bytes);
            let _ = builder.finish().read(|row| { for at in 0..20 { let _ = (row.text(at), row.int(at), row.time_us(at), row.uuid(at), row.bool(at)); } Ok(()) });
        }
    }
}
