//! People in the field.

use crate::{
    SafeText, TechnicianId, TenantId, Timestamp,
    geo::{Fix, LatLng},
    words,
};
use serde::{Deserialize, Serialize};

words!(TechnicianStatus { Available = "available", OnJob = "on_job", OnBreak = "on_break", OffDuty = "off_duty", Unavailable = "unavailable" });
words!(SkillLevel { Trainee = "trainee", Junior = "junior", Intermediate = "intermediate", Senior = "senior", Expert = "expert" });

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Technician {
    pub id: TechnicianId,
    pub tenant: TenantId,
    pub employee_id: SafeText,
    pub name: SafeText,
    pub email: Option<SafeText>,
    pub phone: Option<SafeText>,
    pub mobile: Option<SafeText>,
    pub status: TechnicianStatus,
    pub skill_level: SkillLevel,
    pub home_base: Option<LatLng>,
    pub fix: Option<Fix>,
    pub team: Option<SafeText>,
    pub skills: Vec<SafeText>,
    /// IANA name of the zone in which the working hours are meant.
    pub time_zone: SafeText,
    /// Minutes after local midnight.
    pub work_from_min: u16,
    pub work_to_min: u16,
    pub on_call: bool,
    pub available_for_emergency: bool,
    /// 0 to 5.
    pub rating: Option<f64>,
    /// 0 to 1.
    pub completion_rate: Option<f64>,
    pub open_tasks: u32,
    pub current_task: Option<SafeText>,
    /// Since when this person is clocked in, if so.
    #[serde(default)]
    pub clocked_in_at: Option<Timestamp>,
    pub version: i64,
    pub updated_at: Timestamp,
}

/// How old a position is, as a word: a stale dot is never drawn like a live one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FixAge {
    Fresh,
    Over2Min,
    Over15Min,
    Lost,
}

impl Fix {
    pub fn age(&self, now: Timestamp) -> FixAge {
        match (now - self.device_time).num_seconds() {
            s if s <= 120 => FixAge::Fresh,
            s if s <= 900 => FixAge::Over2Min,
            s if s <= 7200 => FixAge::Over15Min,
            _ => FixAge::Lost,
        }
    }
}
