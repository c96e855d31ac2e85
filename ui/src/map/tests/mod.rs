//! The map as a whole: frames of southern Finland, stability under pans, clusters, hits, and that nothing makes it panic.

mod frames;
mod hostile;
mod marks;
mod moving;

use super::*;
use chrono::{TimeDelta, TimeZone, Utc};
use noctule_domain::{NasId, SafeText, TaskId, TechnicianId, Timestamp, geo::LatLng, technician::FixAge};
use ratatui::{buffer::Buffer, layout::Rect};
use uuid::Uuid;

fn now() -> Timestamp {
    Utc.with_ymd_and_hms(2026, 11, 23, 9, 0, 0).unwrap()
}

fn ll(lat: f64, lng: f64) -> LatLng {
    LatLng { lat, lng }
}

fn mark(id: MarkId, at: LatLng, glyph: MapGlyph, role: MapRole, label: &str, severity: Severity) -> Mark {
    Mark { id, at, glyph, role, label: SafeText::new(label), age: None, severity, accuracy_m: None }
}

fn tech(n: u128, at: LatLng, label: &str) -> Mark {
    let id = MarkId::Technician(TechnicianId(Uuid::from_u128(n)));
    Mark { age: Some((FixAge::Fresh, 20)), ..mark(id, at, MapGlyph::Available, MapRole::Available, label, Severity::Calm) }
}

fn aged(mark: Mark, age: FixAge, minutes: i64) -> Mark {
    Mark { age: Some((age, TimeDelta::minutes(minutes).num_seconds())), ..mark }
}

fn task(n: u128, at: LatLng, label: &str, severity: Severity) -> Mark {
    let (glyph, role) = match severity {
        Severity::Problem => (MapGlyph::TaskUrgent, MapRole::TaskProblem),
        Severity::Active => (MapGlyph::TaskInProgress, MapRole::TaskActive),
        _ => (MapGlyph::TaskReady, MapRole::TaskOpen),
    };
    mark(MarkId::Task(TaskId(Uuid::from_u128(n))), at, glyph, role, label, severity)
}

fn nas(n: u128, at: LatLng, label: &str) -> Mark {
    mark(MarkId::Nas(NasId(Uuid::from_u128(n))), at, MapGlyph::NasUp, MapRole::NasUp, label, Severity::Calm)
}

fn frame(area: Rect, view: &MapView, data: &MapData<'_>, charset: Charset) -> Buffer {
    let mut buf = Buffer::empty(area);
    paint(&mut buf, area, view, data, &MapStyles::mono(charset));
    buf
}

fn rows(buf: &Buffer) -> Vec<String> {
    let area = buf.area;
    let row = |y| (area.left()..area.right()).map(|x| buf[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (area.top()..area.bottom()).map(row).collect()
}

fn text(buf: &Buffer) -> String {
    rows(buf).join("\n")
}
