//! The bad minute: a script of troubles, as data. The demo plays it only when asked.

use crate::nas::{Behaviour, Delay};
use std::time::Duration;

/// One thing that goes wrong, or right again.
#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    /// The NAS (by its place in `nases`) takes so long for each request, one at a time.
    NasSlow {
        nas: usize,
        by: Duration,
    },
    NasDown {
        nas: usize,
    },
    /// As it was at the start.
    NasWell {
        nas: usize,
    },
    /// NetBox answers everything with this status.
    NetboxFails {
        status: u16,
    },
    NetboxWell,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ScriptedTrouble {
    /// After the minute began.
    pub at: Duration,
    pub what: Trouble,
    /// For the log.
    pub words: &'static str,
}

/// The script, by time. `nases` is how many there are.
pub fn bad_minute(nases: usize) -> Vec<ScriptedTrouble> {
    let last = nases.saturating_sub(1);
    let slow = nases.saturating_sub(2);
    let at = |s, what, words| ScriptedTrouble { at: Duration::from_secs(s), what, words };
    vec![
        at(0, Trouble::NasSlow { nas: slow, by: Duration::from_millis(2500) }, "bng-5 becomes slow: 2.5 s a request, one at a time"),
        at(10, Trouble::NasDown { nas: last }, "bng-6 goes down"),
        at(20, Trouble::NetboxFails { status: 500 }, "NetBox answers 500"),
        at(30, Trouble::NetboxWell, "NetBox is well again"),
        at(45, Trouble::NasWell { nas: slow }, "bng-5 is well again"),
        at(60, Trouble::NasWell { nas: last }, "bng-6 is up again"),
    ]
}

impl Trouble {
    /// What a trouble of a NAS does to its behaviour; `normal` is that of the start. False for the others.
    pub fn apply(&self, behaviour: &mut Behaviour, normal: &Behaviour) -> bool {
        match self {
            Self::NasSlow { by, .. } => {
                behaviour.delay = Delay::Fixed(*by);
                behaviour.serial = true;
            }
            Self::NasDown { .. } => behaviour.down = true,
            Self::NasWell { .. } => behaviour.clone_from(normal),
            Self::NetboxFails { .. } | Self::NetboxWell => return false,
        }
        true
    }

    pub fn nas(&self) -> Option<usize> {
        match self {
            Self::NasSlow { nas, .. } | Self::NasDown { nas } | Self::NasWell { nas } => Some(*nas),
            Self::NetboxFails { .. } | Self::NetboxWell => None,
        }
    }
}
