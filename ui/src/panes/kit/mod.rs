//! What the panes with lists share: a selection that stays with its row, a filter by words, the lines of a detail, how the age and the
//! failure of data are shown, copying. It holds no data of its own and asks nothing.

mod copy;
mod detail;
mod find;
mod fresh;
mod lay;
mod place;
mod roll;
pub(super) mod sections;
mod time;

pub(super) use copy::{Copied, copy};
pub(super) use detail::{Detail, act_scroll};
pub(super) use find::Find;
pub(super) use fresh::{Got, banner, banner_rows, got, placeholder, say_lost};
pub(super) use lay::{Lay, lay};
pub(crate) use place::thousands;
pub(super) use place::{WIDE, below, beside, count, filter_value, rule};
pub(super) use roll::{Roll, row_styles};
pub(super) use time::{countdown, countdown_moment, local, local_long, took, until};

#[cfg(test)]
mod tests;
