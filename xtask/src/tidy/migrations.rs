//! Released migrations are never edited: a store that ran the old text would differ from one that runs the new. Their checksums stand
//! in xtask/migrations.sha256; `seal-migrations` adds those that are about to be released.

use crate::root;
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

const SEALS: &str = "xtask/migrations.sha256";

pub(super) fn check(root: &Path, files: &[String]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for (name, sum) in sealed(root)? {
        match std::fs::read(root.join(&name)) {
            Err(_) => findings.push(format!("{name}: this migration is released and has gone")),
            Ok(bytes) if checksum(&bytes) != sum => {
                findings.push(format!("{name}: this migration is released and was edited; write a new one instead"));
            }
            Ok(_) => {}
        }
    }
    for name in migrations(files) {
        let file = name.rsplit('/').next().unwrap_or(name);
        if !file.as_bytes().first_chunk::<4>().is_some_and(|digits| digits.iter().all(u8::is_ascii_digit)) {
            findings.push(format!("{name}: a migration's name begins with four digits"));
        }
    }
    Ok(findings)
}

pub fn seal(root: &Path) -> Result<()> {
    let files = root::files(root)?;
    let mut seals = sealed(root)?;
    let findings = check(root, &files)?;
    if !findings.is_empty() {
        bail!("{}", findings.join("\n"));
    }
    for name in migrations(&files) {
        let bytes = std::fs::read(root.join(name))?;
        seals.entry(name.clone()).or_insert_with(|| checksum(&bytes));
    }
    let text: String = seals.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
    std::fs::write(root.join(SEALS), text).with_context(|| format!("{SEALS} can not be written"))?;
    println!("{} migration(s) are sealed", seals.len());
    Ok(())
}

fn migrations(files: &[String]) -> impl Iterator<Item = &String> {
    files.iter().filter(|name| name.ends_with(".sql") && name.contains("/migrations/"))
}

fn sealed(root: &Path) -> Result<BTreeMap<String, String>> {
    let text = match std::fs::read_to_string(root.join(SEALS)) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("{SEALS} can not be read")),
    };
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let (sum, name) = line.split_once("  ").with_context(|| format!("{SEALS}: '{line}' is not a checksum and a path"))?;
            Ok((name.to_owned(), sum.to_owned()))
        })
        .collect()
}

fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edited_or_lost_migration_is_found_and_a_new_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("xtask")).unwrap();
        std::fs::create_dir_all(root.join("storage/migrations")).unwrap();
        let first = "storage/migrations/0001_a.sql";
        std::fs::write(root.join(first), "CREATE").unwrap();
        seal(root).unwrap();
        let files = root::files(root).unwrap();
        assert!(check(root, &files).unwrap().is_empty());
        std::fs::write(root.join("storage/migrations/0002_b.sql"), "NEW").unwrap();
        assert!(check(root, &root::files(root).unwrap()).unwrap().is_empty());
        std::fs::write(root.join(first), "CHANGED").unwrap();
        assert!(check(root, &files).unwrap()[0].contains("edited"));
        std::fs::remove_file(root.join(first)).unwrap();
        assert!(check(root, &[]).unwrap()[0].contains("gone"));
    }
}
