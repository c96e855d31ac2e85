//! The columns of the board: what each needs, what it shows, what it can be sorted by.

use crate::look::{Glyph, Look, Tone};
use crate::widgets::{Cell, Column, age, enforcement_badge, lifecycle_badge, put, width};
use noctule_domain::lifecycle::Enforcement;
use noctule_domain::page::SortColumn;
use noctule_domain::subscriber::SubscriberRow;
use noctule_domain::{Timestamp, words};
use std::borrow::Cow;

words!(
    ColumnId {
        Number = "number",
        Name = "name",
        State = "state",
        Enforcement = "enforcement",
        Prefix = "prefix",
        Nas = "nas",
        Session = "session",
        Age = "age",
        Username = "username",
        Status = "status",
        Mode = "mode",
        Hold = "hold",
        Error = "error",
    }
);

/// Words for `:columns`.
pub const COLUMN_NAMES: &[&str] =
    &["number", "name", "state", "enforcement", "prefix", "nas", "session", "age", "username", "status", "mode", "hold", "error"];

/// Columns of a fresh console. In 80 cells all of them fit.
pub(super) const DEFAULT: &[ColumnId] = &[
    ColumnId::Number,
    ColumnId::Name,
    ColumnId::State,
    ColumnId::Enforcement,
    ColumnId::Prefix,
    ColumnId::Nas,
    ColumnId::Session,
    ColumnId::Age,
];

impl ColumnId {
    pub(super) fn column(self) -> Column {
        let c = |title, min, max, rank| Column { title, min, max, rank };
        match self {
            Self::Number => c("number", 9, 12, 0),
            Self::Name => c("name", 7, 36, 1),
            Self::State => c("state", 11, 11, 0),
            Self::Enforcement => c("network", 8, 14, 4),
            Self::Prefix => c("prefix", 22, 26, 2),
            Self::Nas => c("nas", 6, 16, 5),
            Self::Session => c("ses", 3, 7, 6),
            Self::Age => c("  age", 5, 5, 3),
            Self::Username => c("user name", 12, 30, 7),
            Self::Status => c("status", 12, 12, 8),
            Self::Mode => c("mode", 10, 10, 9),
            Self::Hold => c("on hold until", 11, 16, 10),
            Self::Error => c("last error", 16, 80, 11),
        }
    }

    pub(super) fn sort(self) -> Option<SortColumn> {
        match self {
            Self::Number => Some(SortColumn::Number),
            Self::Name => Some(SortColumn::Name),
            Self::State => Some(SortColumn::State),
            Self::Prefix => Some(SortColumn::Prefix),
            Self::Nas => Some(SortColumn::Nas),
            Self::Age => Some(SortColumn::Since),
            Self::Username => Some(SortColumn::Username),
            _ => None,
        }
    }

    /// The cell of a row, made for `room` cells.
    pub(super) fn cell<'a>(self, row: &'a SubscriberRow, room: u16, now: Timestamp, look: &Look) -> Cell<'a> {
        let text = |text: &'a str, tone: Tone| vec![(Cow::Borrowed(text), look.style(tone))];
        let owned = |text: String, tone: Tone| vec![(Cow::Owned(text), look.style(tone))];
        match self {
            Self::Number => text(row.subscriber_number.as_str(), Tone::Text),
            Self::Name => text(row.full_name.as_str(), Tone::Text),
            Self::State => {
                let badge = lifecycle_badge(row.state);
                // While an operation runs, the state is about to change: its glyph says so.
                let (glyph, tone) = match (row.running, row.queued) {
                    (Some(_), _) => (Glyph::Running, Tone::Info),
                    (None, Some(_)) => (Glyph::Queued, Tone::Info),
                    (None, None) => (badge.glyph, badge.tone),
                };
                vec![
                    (Cow::Borrowed(look.glyph(glyph)), look.style(tone)),
                    (Cow::Borrowed(" "), look.style(Tone::Text)),
                    (Cow::Borrowed(badge.word), look.style(badge.tone)),
                ]
            }
            // What is asked for and has not reached the centre: more than what the network did to the state before.
            Self::Enforcement if row.queued.is_some() => {
                let word = row.queued.map_or("", |kind| kind.word());
                let text = [format!("{} {word} queued", look.glyph(Glyph::Queued)), format!("{} {word}", look.glyph(Glyph::Queued))];
                let short = format!("{}{word}", look.glyph(Glyph::Queued));
                owned(text.into_iter().find(|text| width(text) <= room).unwrap_or(short), Tone::Info)
            }
            Self::Enforcement if row.enforcement == Enforcement::None => text(look.glyph(Glyph::Bullet), Tone::Muted),
            Self::Enforcement => {
                let badge = enforcement_badge(row.enforcement);
                let word = if width(badge.word) + 2 <= room { badge.word } else { short(row.enforcement) };
                owned(format!("{} {word}", look.glyph(badge.glyph)), badge.tone)
            }
            Self::Prefix => match row.prefix {
                Some(prefix) if row.state.holds_prefix() => owned(prefix.to_string(), Tone::Text),
                // The old prefix of a revoked subscriber is not its prefix any more.
                Some(prefix) => owned(prefix.to_string(), Tone::Stale),
                None => text(look.glyph(Glyph::Bullet), Tone::Muted),
            },
            Self::Nas => match &row.nas {
                Some(nas) => text(nas.as_str(), Tone::Text),
                None => text(look.glyph(Glyph::Bullet), Tone::Muted),
            },
            Self::Session if row.has_session && room >= 7 => owned(format!("{} live", look.glyph(Glyph::Session)), Tone::Good),
            Self::Session if row.has_session => text("yes", Tone::Good),
            Self::Session => text("no", Tone::Muted),
            Self::Age => owned(format!("{:>5}", age(row.since, now)), Tone::Muted),
            Self::Username => text(row.username.as_str(), Tone::Text),
            Self::Status => text(row.status.word(), Tone::Text),
            Self::Mode => text(row.mode.word(), if row.mode.delegates() { Tone::Text } else { Tone::Muted }),
            Self::Hold => match row.hold_until {
                Some(until) => owned(until.format("%m-%d %H:%M").to_string(), Tone::Text),
                None => text("", Tone::Muted),
            },
            Self::Error => text(row.last_error.as_ref().map_or("", |e| e.as_str()), Tone::Danger),
        }
    }
}

/// The enforcement where its word does not fit, in the words of RFC 5176 where it has them.
fn short(enforcement: Enforcement) -> &'static str {
    match enforcement {
        Enforcement::None => "",
        Enforcement::Requested => "sent",
        Enforcement::Acknowledged => "ACK",
        Enforcement::Observed => "seen",
        Enforcement::Refused => "NAK",
        Enforcement::Unanswered => "silent",
    }
}

/// Draws the mark of a row: one cell.
pub(super) fn mark(buf: &mut ratatui::buffer::Buffer, x: u16, y: u16, marked: bool, look: &Look) {
    if marked {
        put(buf, x, y, 1, look.glyph(Glyph::Mark), look.style(Tone::Marked), look);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::fit_columns;

    #[test]
    fn the_names_are_those_of_the_columns() {
        assert_eq!(COLUMN_NAMES, ColumnId::ALL.iter().map(|c| c.word()).collect::<Vec<_>>());
    }

    #[test]
    fn eighty_cells_hold_every_default_column() {
        let columns: Vec<Column> = DEFAULT.iter().map(|c| c.column()).collect();
        assert_eq!(fit_columns(&columns, 79).len(), DEFAULT.len());
    }
}
