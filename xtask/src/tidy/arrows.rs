//! Which crate may import which: the arrows of ARCHITECTURE.md, read from `cargo metadata`.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::path::Path;
use std::process::Command;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `null`, `dev` or `build`.
    kind: Option<String>,
    /// Set for a crate of this workspace.
    path: Option<String>,
}

/// The crates of ours that `name` may import; `None` where anything goes (those that compose).
fn allowed(name: &str) -> Option<&'static [&'static str]> {
    match name {
        "noctule" | "xtask" => None,
        "noctule-domain" | "noctule-tls" => Some(&[]),
        // Those that open lines to databases share what they trust.
        "noctule-sync" | "noctule-network" => Some(&["noctule-domain", "noctule-tls"]),
        // Every other room, those of later issues too, knows the domain only.
        _ => Some(&["noctule-domain"]),
    }
}

pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .context("cargo metadata can not be started")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("cargo metadata printed something else than JSON")?;
    Ok(forbidden(&metadata))
}

fn forbidden(metadata: &Metadata) -> Vec<String> {
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let Some(allowed) = allowed(&package.name) else { continue };
        for dependency in &package.dependencies {
            let ours = dependency.path.is_some();
            if ours && dependency.kind.as_deref() != Some("dev") && !allowed.contains(&dependency.name.as_str()) {
                let may = if allowed.is_empty() { "nothing of ours".to_owned() } else { allowed.join(", ") };
                findings.push(format!("{}: imports {}, but may import {may}", package.name, dependency.name));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrow_the_wrong_way_is_found_and_a_test_may_cross() {
        let metadata: Metadata = serde_json::from_str(
            r#"{"packages":[
                {"name":"noctule-domain","dependencies":[{"name":"noctule-ui","kind":null,"path":"x"},{"name":"serde","kind":null,"path":null}]},
                {"name":"noctule-network","dependencies":[{"name":"noctule-domain","kind":null,"path":"x"},{"name":"noctule-sim","kind":"dev","path":"x"}]},
                {"name":"noctule-server","dependencies":[{"name":"noctule-storage","kind":null,"path":"x"}]},
                {"name":"noctule","dependencies":[{"name":"noctule-storage","kind":null,"path":"x"}]}]}"#,
        )
        .unwrap();
        let found = forbidden(&metadata);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("noctule-domain") && found[1].contains("noctule-server"));
    }

    #[test]
    fn the_workspace_itself_is_in_order() {
        assert_eq!(check(&crate::root::find().unwrap()).unwrap(), Vec::<String>::new());
    }
}
