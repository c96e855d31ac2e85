//! docs/csv.md, made from the table of columns.

use super::columns::columns;
use super::reader::MAX_ROW;
use super::report::MAX_SHOWN;
use crate::cli::ImportKind;
use std::fmt::Write;

/// The reference of CSV files in Markdown.
pub fn markdown() -> String {
    let mut out = format!(
        "# CSV files\n\n<!-- Made by `cargo xtask gen` from src/csv_import. Do not edit: the build fails when this file is stale. -->\n\n\
         `noctule import subscribers|nas|technicians|tasks FILE.csv`. UTF-8, with or without a byte order mark; separated by commas,\n\
         semicolons or tabs (the header line tells); fields in double quotes where they hold the separator, a quote (doubled) or a line\n\
         break. The first line names the columns, in any order; a column that is not in the table is an error with the nearest name. An\n\
         empty field is no value. A row has at most {MAX_ROW} bytes.\n\n\
         Every bad row is reported with its line and reason (the first {MAX_SHOWN} are shown, all are counted). One bad row and nothing is\n\
         stored, unless `--skip-bad`; `--dry-run` checks everything and stores nothing. Control characters in texts are made visible; in a\n\
         user name they are refused, because an altered name would be somebody else's session.\n\n\
         A row whose first column is in the store already updates that row: a column that is not in the file keeps what is there, an empty\n\
         field clears it. State and prefix of a subscriber, status of a technician, status and technician of a task are never changed by an\n\
         import once the row is there. The same first column twice in one file is a bad row.\n\n\
         `noctule export` writes the same columns, so that an export can be imported again (subscribers that are revoking, revoked or failed\n\
         are stages of an operation: into another store they go as pending). Spreadsheet programs may take a text that\n\
         begins with `=`, `+`, `-` or `@` for a formula: import files as text there.\n"
    );
    for kind in [ImportKind::Subscribers, ImportKind::Nas, ImportKind::Technicians, ImportKind::Tasks] {
        let _ = write!(out, "\n## {}\n\n| column | | meaning |\n|---|---|---|\n", kind.word());
        for column in columns(kind) {
            let _ = writeln!(out, "| `{}` | {} | {} |", column.name, if column.required { "required" } else { "" }, column.help);
        }
    }
    out
}
