//! What a job would do, before it begins.

use super::{Course, JobView};
use crate::SafeText;
use serde::{Deserialize, Serialize};

/// More than so many are confirmed by typing their count, whatever is done to them.
pub const TYPED_OVER: u32 = 20;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobPreview {
    pub job: JobView,
    /// How many go on each NAS, the most first; the empty name is no NAS.
    pub per_nas: Vec<(SafeText, u32)>,
    /// Why some do not go, with how many, the most first.
    pub left_out: Vec<(SafeText, u32)>,
    /// How long it will take, at best.
    pub seconds: u64,
}

impl Course {
    /// A habit of the fingers must not end the service of a hundred people: whether the count has to be typed.
    pub fn wants_count(&self, count: u32) -> bool {
        count > TYPED_OVER || (count > 1 && self.is_dangerous())
    }
}
