//! `bench-report`: docs/performance.md from what benches printed (`BENCH name value unit [key=value …]`) and from criterion's results.
//! Numbers are compared within one run only: another machine, another day, other numbers. A budget is said by the bench that measures it.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One measured value. `vs` names another value of the run; budgets are `target` (at most this number) and `floor` (at least that other
/// value).
#[derive(Debug, Clone, PartialEq)]
struct Measured {
    name: String,
    value: f64,
    unit: String,
    vs: Option<String>,
    target: Option<f64>,
    floor: Option<String>,
    command: String,
}

pub fn run(root: &Path, files: &[PathBuf]) -> Result<()> {
    let mut all: BTreeMap<String, Measured> = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(file).with_context(|| format!("{} can not be read", file.display()))?;
        for measured in text.lines().filter_map(parse_line) {
            all.insert(measured.name.clone(), measured);
        }
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    for measured in criterion(&target.join("criterion"))? {
        all.entry(measured.name.clone()).or_insert(measured);
    }
    if all.is_empty() {
        bail!("no bench printed anything and criterion has no results: run `make bench`");
    }
    let text = report(&all, &machine());
    std::fs::create_dir_all(root.join("docs"))?;
    std::fs::write(root.join("docs/performance.md"), text).context("docs/performance.md can not be written")?;
    println!("wrote docs/performance.md ({} values)", all.len());
    Ok(())
}

/// `BENCH name value unit`, then any of `vs=name`, `target=number`, `floor=name`, `cmd=text to the end`. Anything else is not ours.
fn parse_line(line: &str) -> Option<Measured> {
    let rest = line.trim_start().strip_prefix("BENCH ")?;
    let (rest, command) = match rest.split_once(" cmd=") {
        Some((rest, command)) => (rest, command.trim()),
        None => (rest, "make bench"),
    };
    let mut words = rest.split_whitespace();
    let (name, value, unit) = (words.next()?, words.next()?.replace('_', "").parse().ok()?, words.next()?);
    let mut measured =
        Measured { name: name.to_owned(), value, unit: unit.to_owned(), vs: None, target: None, floor: None, command: command.to_owned() };
    for word in words {
        match word.split_once('=') {
            Some(("vs", other)) => measured.vs = Some(other.to_owned()),
            Some(("floor", other)) => measured.floor = Some(other.to_owned()),
            Some(("target", number)) => measured.target = number.parse().ok(),
            _ => {}
        }
    }
    measured.value.is_finite().then_some(measured)
}

#[derive(Deserialize)]
struct Estimates {
    mean: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    /// Nanoseconds.
    point_estimate: f64,
}

#[derive(Deserialize)]
struct Benchmark {
    full_id: String,
}

/// `…/new/estimates.json` with `benchmark.json` beside it, at any depth.
fn criterion(folder: &Path) -> Result<Vec<Measured>> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(found) };
    for entry in entries {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        if path.file_name().is_some_and(|name| name == "new") {
            let read = |name: &str| std::fs::read_to_string(path.join(name));
            if let (Ok(estimates), Ok(benchmark)) = (read("estimates.json"), read("benchmark.json")) {
                let estimates: Estimates = serde_json::from_str(&estimates).with_context(|| path.display().to_string())?;
                let benchmark: Benchmark = serde_json::from_str(&benchmark).with_context(|| path.display().to_string())?;
                let (value, unit) = readable(estimates.mean.point_estimate);
                let name = benchmark.full_id.replace(' ', "_");
                let command = "cargo bench".to_owned();
                found.push(Measured { name, value, unit: unit.to_owned(), vs: None, target: None, floor: None, command });
            }
        } else {
            found.extend(criterion(&path)?);
        }
    }
    Ok(found)
}

fn readable(nanoseconds: f64) -> (f64, &'static str) {
    match nanoseconds {
        n if n < 1e3 => (n, "ns"),
        n if n < 1e6 => (n / 1e3, "µs"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    }
}

fn report(all: &BTreeMap<String, Measured>, machine: &str) -> String {
    let mut out = String::from(
        "# Performance\n\n<!-- Made by `make bench` (cargo xtask bench-report). -->\n\n\
         Values of one run on one machine; compare only within a run. A ratio is the measured value over the one in brackets.\n\n",
    );
    let _ = write!(
        out,
        "Machine: {machine}\n\n## Budgets\n\n| what | measured | budget | ratio | kept | command |\n|---|---|---|---|---|---|\n"
    );
    for measured in all.values() {
        let (words, limit, kept) = match (measured.target, &measured.floor) {
            (Some(target), _) => (format!("at most {} {}", number(target), measured.unit), Some(target), measured.value <= target),
            (None, Some(name)) => {
                let floor = all.get(name).filter(|other| other.unit == measured.unit).map(|other| other.value);
                (format!("at least {name}"), floor, floor.is_some_and(|floor| measured.value >= floor))
            }
            (None, None) => continue,
        };
        let ratio = limit.filter(|limit| *limit != 0.0).map_or(String::new(), |limit| format!("{:.2}", measured.value / limit));
        let kept = if kept { "yes" } else { "**no**" };
        let _ = writeln!(out, "| {} | {} | {words} | {ratio} | {kept} | `{}` |", measured.name, shown(measured), measured.command);
    }
    out.push_str("\n## Other values\n\n| what | measured | ratio | command |\n|---|---|---|---|\n");
    for measured in all.values().filter(|m| m.target.is_none() && m.floor.is_none()) {
        let other = measured.vs.as_ref().and_then(|name| all.get(name)).filter(|o| o.unit == measured.unit && o.value != 0.0);
        let ratio = other.map_or(String::new(), |other| format!("{:.2} ({})", measured.value / other.value, other.name));
        let _ = writeln!(out, "| {} | {} | {ratio} | `{}` |", measured.name, shown(measured), measured.command);
    }
    out
}

fn shown(measured: &Measured) -> String {
    format!("{} {}", number(measured.value), measured.unit.replace('_', " "))
}

fn number(value: f64) -> String {
    match value.abs() {
        v if v == 0.0 || v >= 100.0 || v.fract() == 0.0 => format!("{value:.0}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

/// What matters of the machine, and no more: this stands in a public file.
fn machine() -> String {
    let file = |name: &str| std::fs::read_to_string(name).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let shared = if file("/proc/cpuinfo").lines().any(|l| l.starts_with("flags") && l.split_whitespace().any(|flag| flag == "hypervisor")) {
        "shared "
    } else {
        ""
    };
    let release = file("/etc/os-release");
    let system =
        release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).map_or(std::env::consts::OS, |name| name.trim_matches('"'));
    let rustc =
        Command::new("rustc").arg("--version").output().map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    let rustc = rustc.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    format!("{cores} {shared}cores ({}), {system}, {rustc}", std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_benches_become_rows_with_ratios() {
        let text = "noise\nBENCH coa_ours 42000 req/s floor=coa_radclient\nBENCH coa_other 15000 req/s vs=coa_radclient\nBENCH coa_radclient 30000 req/s\n BENCH key_p99 4.25 ms target=16 cmd=cargo bench -p noctule\nBENCH bad x ms\n";
        let all: BTreeMap<_, _> = text.lines().filter_map(parse_line).map(|m| (m.name.clone(), m)).collect();
        assert_eq!(all.len(), 4);
        let report = report(&all, "a machine");
        assert!(report.contains("| coa_ours | 42000 req/s | at least coa_radclient | 1.40 | yes | `make bench` |"), "{report}");
        assert!(report.contains("| coa_other | 15000 req/s | 0.50 (coa_radclient) | `make bench` |"), "{report}");
        assert!(report.contains("| key_p99 | 4.25 ms | at most 16 ms | 0.27 | yes | `cargo bench -p noctule` |"), "{report}");
    }

    #[test]
    fn a_budget_that_is_missed_or_can_not_be_compared_is_not_kept() {
        let text = "BENCH idle 12 bytes target=0\nBENCH slow 31 ms target=30\nBENCH ours 42000 req/s floor=theirs\n";
        let all: BTreeMap<_, _> = text.lines().filter_map(parse_line).map(|m| (m.name.clone(), m)).collect();
        let report = report(&all, "a machine");
        assert!(report.contains("| idle | 12 bytes | at most 0 bytes |  | **no** |"), "{report}");
        assert!(report.contains("| slow | 31 ms | at most 30 ms | 1.03 | **no** |"), "{report}");
        assert!(report.contains("| ours | 42000 req/s | at least theirs |  | **no** |"), "{report}");
    }

    #[test]
    fn results_of_criterion_are_found_at_any_depth() {
        let folder = tempfile::tempdir().unwrap();
        let new = folder.path().join("group/one/new");
        std::fs::create_dir_all(&new).unwrap();
        std::fs::write(new.join("estimates.json"), r#"{"mean":{"point_estimate":1500.0}}"#).unwrap();
        std::fs::write(new.join("benchmark.json"), r#"{"full_id":"group/one"}"#).unwrap();
        let found = criterion(folder.path()).unwrap();
        assert_eq!((found[0].name.as_str(), found[0].value, found[0].unit.as_str()), ("group/one", 1.5, "µs"));
        assert!(criterion(&folder.path().join("none")).unwrap().is_empty());
    }
}
