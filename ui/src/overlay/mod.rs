//! Overlays stand above the pane and take keys first: help, palette, command line, confirmation, menus, a prompt, notes, a sheet, the notices.

mod command;
mod confirm;
mod help;
mod menu;
mod notes;
mod notices;
mod palette;
mod prompt;
mod sheet;
mod types;

pub use command::Command;
pub use confirm::{Confirm, Line};
pub use help::Help;
pub use menu::{Menu, MenuItem};
pub use notes::Notes;
pub use notices::NoticeList;
pub use palette::Palette;
pub use prompt::Prompt;
pub use sheet::{Part, Sheet};
pub use types::{Overlay, Scroll, Step, Then, Typed};
