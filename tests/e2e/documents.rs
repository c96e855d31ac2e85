//! What the documents say is what the program does: commands parse, causes have their words, screens are named as they are.

use noctule_domain::radius::ErrorCause;
use std::path::Path;

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

const DOCUMENTS: [&str; 4] = ["README.md", "docs/operating.md", "docs/troubleshooting.md", "docs/security.md"];

#[test]
fn every_error_cause_stands_in_troubleshooting_as_the_program_says_it() {
    let text = read("docs/troubleshooting.md");
    for cause in ErrorCause::known() {
        let row = format!("| {} | {} | {} |", cause.0, cause.name().unwrap(), cause.advice());
        assert!(text.contains(&row), "missing or stale: {row}");
    }
}

#[test]
fn every_command_in_a_block_of_code_is_one_that_the_program_knows() {
    let mut found = 0;
    for document in DOCUMENTS {
        for block in read(document).split("```").skip(1).step_by(2) {
            let Some((language, lines)) = block.split_once('\n') else { continue };
            if language != "sh" {
                continue;
            }
            for line in lines.lines() {
                let line = line.split(" #").next().unwrap().trim().trim_start_matches("target/release/");
                let line = line.split(['|', '>']).next().unwrap();
                if !line.starts_with("noctule") {
                    continue;
                }
                found += 1;
                let words = shlex::split(line).unwrap_or_else(|| panic!("{document}: {line}"));
                if let Err(error) = noctule::cli::command().try_get_matches_from(words) {
                    assert!(!error.use_stderr(), "{document}: {line}: {error}");
                }
            }
        }
    }
    assert!(found > 10, "only {found} commands were found");
}

#[test]
fn links_between_documents_lead_to_files_that_exist() {
    for document in DOCUMENTS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(document).parent().unwrap().to_path_buf();
        for link in read(document).split("](").skip(1).filter_map(|rest| rest.split(')').next().map(str::to_owned)) {
            let file = link.split('#').next().unwrap();
            if !file.is_empty() && !file.starts_with("http") {
                assert!(folder.join(file).exists(), "{document}: {link}");
            }
        }
    }
}
