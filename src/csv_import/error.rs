//! What stops an import as a whole. What is wrong with one row is a `BadRow`, not an error.

use noctule_domain::SafeText;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CsvError {
    #[error("{file} can not be read: {why}")]
    Unreadable { file: SafeText, why: SafeText },
    #[error("the file is empty: a header line with the names of the columns is wanted")]
    Empty,
    #[error("the header line is not UTF-8: save the file as UTF-8")]
    HeaderNotUtf8,
    #[error("line 1: there is no column '{name}'{hint} (known: {known})")]
    UnknownColumn { name: SafeText, hint: String, known: String },
    #[error("line 1: the column '{0}' stands there twice")]
    TwiceColumn(SafeText),
    #[error("line 1: the column {0} is missing")]
    MissingColumn(String),
    #[error("line {line}: this row is longer than {max} bytes: most likely a quotation mark is not closed")]
    RowTooLong { line: u64, max: u64 },
}

impl From<CsvError> for crate::exit::Failure {
    fn from(error: CsvError) -> Self {
        Self::new(crate::exit::Exit::Usage, error.to_string())
    }
}
