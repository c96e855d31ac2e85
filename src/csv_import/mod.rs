//! CSV import: a stream of rows, each checked on its own, every bad one reported with its line and reason. Nothing of a file is trusted:
//! texts become `SafeText`, names that the network obeys are refused when they are not clean, secrets are references.

mod columns;
mod docs;
mod error;
mod fields;
mod kinds;
mod literal;
mod reader;
mod report;

pub use columns::{Column, columns};
pub use docs::markdown;
pub use error::CsvError;
pub use fields::Fields;
pub use kinds::{Known, nas, subscriber, task, technician};
pub use literal::{LiteralSecrets, Written};
pub use reader::{MAX_ROW, Rows};
pub use report::{BadRow, MAX_SHOWN, Report};
