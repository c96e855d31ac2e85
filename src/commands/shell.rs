//! Completions and man pages, from the definition of the command line.

use super::Out;
use crate::cli::command;
use crate::exit::{Exit, Failure};
use noctule_domain::SafeText;
use std::path::Path;

pub fn completions(shell: clap_complete::Shell, out: &mut Out) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "noctule", &mut script);
    out.raw(&script)?;
    Ok(Exit::Ok)
}

/// Every page: file name and roff text.
pub fn man_pages() -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut root = command();
    root.build();
    let mut pages = Vec::new();
    collect(&root, "noctule", &mut pages)?;
    Ok(pages)
}

fn collect(command: &clap::Command, name: &str, pages: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).title(name.to_uppercase()).render(&mut page)?;
    pages.push((format!("{name}.1"), page));
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        collect(sub, &format!("{name}-{}", sub.get_name()), pages)?;
    }
    Ok(())
}

pub fn man(dir: Option<&Path>, out: &mut Out) -> Result<Exit, Failure> {
    let pages = man_pages()?;
    let Some(dir) = dir else {
        if let Some((_, page)) = pages.first() {
            out.raw(page)?;
        }
        return Ok(Exit::Ok);
    };
    let unwritable = |error: std::io::Error| {
        Failure::new(Exit::Usage, format!("man pages can not be written into {}: {error}", SafeText::new(&dir.to_string_lossy())))
    };
    std::fs::create_dir_all(dir).map_err(unwritable)?;
    for (name, page) in &pages {
        std::fs::write(dir.join(name), page).map_err(unwritable)?;
    }
    out.line(format!("wrote {} pages into {}", pages.len(), SafeText::new(&dir.to_string_lossy())))?;
    Ok(Exit::Ok)
}
