//! `gen`: documents that are made from the code. They are checked in; `--check` fails when one is stale.

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::path::Path;

/// Folders in which every file is generated: one that nothing makes any more is stale too.
const WHOLE_FOLDERS: [&str; 1] = ["docs/man"];

/// Path relative to the root, and content.
fn documents() -> Result<BTreeMap<String, Vec<u8>>> {
    let mut all = BTreeMap::new();
    all.insert("docs/cli.md".to_owned(), noctule::cli::markdown().into_bytes());
    all.insert("docs/config.md".to_owned(), noctule::config::markdown().into_bytes());
    all.insert("docs/csv.md".to_owned(), noctule::csv_import::markdown().into_bytes());
    all.insert("docs/nas-profiles.md".to_owned(), noctule::commands::nas_profiles_markdown().into_bytes());
    all.insert("docs/keys.md".to_owned(), noctule_ui::action::keys_markdown().into_bytes());
    all.insert("assets/keymap.toml".to_owned(), noctule_ui::action::default_keymap_toml().into_bytes());
    for (name, page) in noctule::commands::man_pages().context("man pages")? {
        all.insert(format!("docs/man/{name}"), page);
    }
    Ok(all)
}

pub fn run(root: &Path, check: bool) -> Result<()> {
    let documents = documents()?;
    let mut stale = Vec::new();
    for (name, content) in &documents {
        let path = root.join(name);
        if std::fs::read(&path).ok().as_ref() == Some(content) {
            continue;
        }
        stale.push(name.clone());
        if !check {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(&path, content).with_context(|| format!("{} can not be written", path.display()))?;
        }
    }
    for folder in WHOLE_FOLDERS {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else { continue };
        for entry in entries {
            let name = format!("{folder}/{}", entry?.file_name().to_string_lossy());
            if !documents.contains_key(&name) {
                if !check {
                    std::fs::remove_file(root.join(&name))?;
                }
                stale.push(name);
            }
        }
    }
    match (check, stale.is_empty()) {
        (_, true) => println!("generated documents are fresh ({})", documents.len()),
        (true, false) => bail!("stale: {}; run `cargo xtask gen` and commit", stale.join(", ")),
        (false, false) => println!("wrote {}", stale.join(", ")),
    }
    Ok(())
}
