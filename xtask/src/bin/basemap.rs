//! Converts a world-atlas TopoJSON file (countries at 1:50 m) to the compact outline that the map pane carries in the binary.
//! A developer runs it once when the source changes; the result is checked in. It writes one file and reads nothing but its argument.
//!
//! Layout of the result: magic `NOCBASE1`; four little-endian f64: longitude scale and origin, latitude scale and origin; then, as
//! unsigned LEB128: the number of lines, and for each line its kind (0 coast, 1 border), its number of points, and the points as
//! zigzag differences (longitude, latitude) from the point before, the first from (0, 0). Coordinates are quantised integers.

use anyhow::{Context, Result, bail};
use clap::Parser;
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf};

#[derive(Parser)]
#[command(about = "Convert world-atlas TopoJSON to the compact base map")]
struct Args {
    /// countries-50m.json of the npm package world-atlas
    source: PathBuf,
    /// the file to write, assets/basemap/world-50m.bin
    target: PathBuf,
}

#[derive(Deserialize)]
struct Topology {
    arcs: Vec<Vec<[i64; 2]>>,
    transform: Transform,
    objects: BTreeMap<String, Collection>,
}

#[derive(Deserialize)]
struct Transform {
    scale: [f64; 2],
    translate: [f64; 2],
}

#[derive(Deserialize)]
struct Collection {
    geometries: Vec<Geometry>,
}

#[derive(Deserialize)]
struct Geometry {
    #[serde(default)]
    arcs: serde_json::Value,
}

#[derive(Debug, PartialEq)]
struct Line {
    kind: u8,
    points: Vec<[i64; 2]>,
}

const COAST: u8 = 0;
const BORDER: u8 = 1;

fn main() -> Result<()> {
    let args = Args::parse();
    let text = std::fs::read_to_string(&args.source).with_context(|| format!("reading {}", args.source.display()))?;
    let topology: Topology = serde_json::from_str(&text).with_context(|| format!("{} is not TopoJSON", args.source.display()))?;
    let lines = lines(&topology)?;
    let bytes = encode(&topology.transform, &lines);
    std::fs::write(&args.target, &bytes).with_context(|| format!("writing {}", args.target.display()))?;
    let points: usize = lines.iter().map(|l| l.points.len()).sum();
    println!("{}: {} lines, {points} points, {} bytes", args.target.display(), lines.len(), bytes.len());
    Ok(())
}

/// Every arc once: used by one country it is coast, by two it is a border.
fn lines(topology: &Topology) -> Result<Vec<Line>> {
    let countries = topology.objects.get("countries").context("no object 'countries'")?;
    let mut uses = vec![0u8; topology.arcs.len()];
    for geometry in &countries.geometries {
        count_uses(&geometry.arcs, &mut uses)?;
    }
    let mut out = Vec::new();
    for (arc, used) in topology.arcs.iter().zip(&uses) {
        let kind = match used {
            0 => continue,
            1 => COAST,
            _ => BORDER,
        };
        let mut at = [0i64; 2];
        let absolute: Vec<[i64; 2]> = arc
            .iter()
            .map(|d| {
                at = [at[0] + d[0], at[1] + d[1]];
                at
            })
            .collect();
        for points in without_cuts(&absolute, &topology.transform) {
            out.push(Line { kind, points });
        }
    }
    Ok(out)
}

fn count_uses(arcs: &serde_json::Value, uses: &mut [u8]) -> Result<()> {
    match arcs {
        serde_json::Value::Array(inner) => inner.iter().try_for_each(|a| count_uses(a, uses)),
        serde_json::Value::Number(n) => {
            let n = n.as_i64().context("an arc index is not an integer")?;
            let index = usize::try_from(if n < 0 { !n } else { n })?;
            let slot = uses.get_mut(index).with_context(|| format!("arc {index} does not exist"))?;
            *slot = slot.saturating_add(1);
            Ok(())
        }
        serde_json::Value::Null => Ok(()),
        other => bail!("unexpected value among arcs: {other}"),
    }
}

/// Polygons are closed along the antimeridian and along the south pole; those edges are no coast and are taken out.
fn without_cuts(points: &[[i64; 2]], transform: &Transform) -> Vec<Vec<[i64; 2]>> {
    let lng = |p: &[i64; 2]| p[0] as f64 * transform.scale[0] + transform.translate[0];
    let lat = |p: &[i64; 2]| p[1] as f64 * transform.scale[1] + transform.translate[1];
    let is_cut = |a: &[i64; 2], b: &[i64; 2]| {
        (lng(a).abs() > 179.98 && lng(b).abs() > 179.98) || (lat(a) < -89.9 && lat(b) < -89.9) || (lng(a) - lng(b)).abs() > 180.0
    };
    let mut out = Vec::new();
    let mut run: Vec<[i64; 2]> = Vec::new();
    for p in points {
        if let Some(last) = run.last()
            && is_cut(last, p)
        {
            out.push(std::mem::take(&mut run));
        }
        run.push(*p);
    }
    out.push(run);
    out.retain(|run| run.len() > 1);
    out
}

fn encode(transform: &Transform, lines: &[Line]) -> Vec<u8> {
    let mut out = b"NOCBASE1".to_vec();
    for number in [transform.scale[0], transform.translate[0], transform.scale[1], transform.translate[1]] {
        out.extend(number.to_le_bytes());
    }
    varint(&mut out, lines.len() as u64);
    for line in lines {
        varint(&mut out, u64::from(line.kind));
        varint(&mut out, line.points.len() as u64);
        let mut before = [0i64; 2];
        for p in &line.points {
            varint(&mut out, zigzag(p[0] - before[0]));
            varint(&mut out, zigzag(p[1] - before[1]));
            before = *p;
        }
    }
    out
}

fn zigzag(v: i64) -> u64 {
    ((v << 1) ^ (v >> 63)) as u64
}

fn varint(out: &mut Vec<u8>, mut v: u64) {
    while v >= 0x80 {
        out.push((v as u8 & 0x7f) | 0x80);
        v >>= 7;
    }
    out.push(v as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::ensure;

    fn topology(json: &str) -> Result<Topology> {
        let topology: Topology = serde_json::from_str(json)?;
        ensure!(!topology.arcs.is_empty());
        Ok(topology)
    }

    #[test]
    fn an_arc_of_two_countries_is_a_border_and_an_unused_one_is_left_out() {
        let t = topology(
            r#"{"arcs": [[[0,0],[5,5]], [[1,1],[2,2]], [[9,9],[1,1]]], "transform": {"scale": [1,1], "translate": [0,0]},
                "objects": {"countries": {"geometries": [{"arcs": [[0,1]]}, {"arcs": [[[-1]]]}, {}]}}}"#,
        )
        .unwrap();
        assert_eq!(
            lines(&t).unwrap(),
            vec![Line { kind: BORDER, points: vec![[0, 0], [5, 5]] }, Line { kind: COAST, points: vec![[1, 1], [3, 3]] }]
        );
    }

    #[test]
    fn an_arc_index_out_of_range_is_an_error() {
        let t = topology(
            r#"{"arcs": [[[0,0],[5,5]]], "transform": {"scale": [1,1], "translate": [0,0]},
                "objects": {"countries": {"geometries": [{"arcs": [[7]]}]}}}"#,
        )
        .unwrap();
        assert!(lines(&t).is_err());
    }

    #[test]
    fn edges_along_the_antimeridian_and_the_pole_are_taken_out() {
        let t = Transform { scale: [1.0, 1.0], translate: [-180.0, -90.0] };
        let runs = without_cuts(&[[350, 100], [360, 101], [360, 110], [352, 112], [352, 0], [340, 0], [340, 50]], &t);
        assert_eq!(runs, vec![vec![[350, 100], [360, 101]], vec![[360, 110], [352, 112], [352, 0]], vec![[340, 0], [340, 50]]]);
    }

    #[test]
    fn numbers_are_zigzag_leb128() {
        let mut out = Vec::new();
        for v in [0, -1, 1, -64, 64, 300] {
            varint(&mut out, zigzag(v));
        }
        assert_eq!(out, [0, 1, 2, 127, 0x80, 1, 0xd8, 4]);
    }
}
