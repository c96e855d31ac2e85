//! Small parts that panes are made of. They draw what they are given and hold no state.

mod area;
mod bar;
mod block;
mod input;
mod spark;
mod state;
mod table;
mod text;

pub use area::TextArea;
pub use bar::{bar, level_tone};
pub use block::{centred, framed};
pub use input::{TextInput, edit};
pub use spark::spark;
pub use state::{Badge, age, enforcement_badge, lifecycle_badge, operation_badge, step_badge, task_badge, technician_badge};
pub use table::{Cell, Column, Fitted, cells, fit_columns, header};
pub use text::{fit, line, put, width, wrap, wrapped, wrapped_height};
