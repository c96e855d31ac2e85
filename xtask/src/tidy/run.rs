//! Runs every check and counts.

use super::{arrows, migrations, sources};
use crate::root;
use anyhow::{Result, bail};
use std::path::Path;

pub fn run(root: &Path) -> Result<()> {
    let files = root::files(root)?;
    let mut findings = arrows::check(root)?;
    let mut looked_at = 0;
    for name in &files {
        // What is not text (pictures, archives) is of no interest here.
        if let Ok(text) = std::fs::read_to_string(root.join(name)) {
            looked_at += 1;
            findings.extend(sources::check(name, &text));
        }
    }
    findings.extend(migrations::check(root, &files)?);
    if findings.is_empty() {
        println!("tidy: {looked_at} files are in order");
        return Ok(());
    }
    for finding in &findings {
        println!("{finding}");
    }
    bail!("{} finding(s)", findings.len())
}
