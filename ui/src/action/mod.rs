//! Actions: what an operator can mean. One table; dispatch, footer, which-key, help, palette, command line, the key reference and the
//! default keymap file are all derived from it and written nowhere else.

mod docs;
mod keymap;
mod table;

pub use docs::{default_keymap_toml, keys_markdown, title};
pub use keymap::{Found, Keymap, KeymapError, MAX_SEQUENCE, Sequence, canonical, key_label, parse_sequence, sequence_label};
pub use table::{Action, ActionRow, Context, Group, STACKS, TABLE, Weight};
