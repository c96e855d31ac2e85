//! Options that take one of the domain's words: checked by clap, shown in help, completed by shells.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use noctule_domain::permission::Role;
use noctule_domain::sync::Resolution;
use noctule_domain::task::TaskStatus;
use noctule_domain::technician::TechnicianStatus;
use noctule_domain::time_entry::TimeEntryKind;

macro_rules! parsers {
    ($($function:ident $kind:ty),+ $(,)?) => {
        $(pub fn $function() -> impl TypedValueParser<Value = $kind> {
            PossibleValuesParser::new(<$kind>::ALL.iter().map(|value| value.word())).try_map(|word| word.parse::<$kind>())
        })+
    };
}

parsers!(role Role, resolution Resolution, task_status TaskStatus, technician_status TechnicianStatus, time_kind TimeEntryKind);
