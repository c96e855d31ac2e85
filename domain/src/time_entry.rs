//! Working time of technicians: clocked in, clocked out. One open entry per technician, kept by the database.

use crate::{SafeText, TaskId, TechnicianId, TimeEntryId, Timestamp, geo::LatLng, words};
use serde::{Deserialize, Serialize};

words!(TimeEntryKind {
    Regular = "regular", Overtime = "overtime", Break = "break", Travel = "travel", Training = "training", Administrative = "administrative",
});
words!(TimeEntryStatus { Draft = "draft", Submitted = "submitted", Approved = "approved", Rejected = "rejected", Invoiced = "invoiced" });

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimeEntry {
    pub id: TimeEntryId,
    pub technician: TechnicianId,
    pub kind: TimeEntryKind,
    pub status: TimeEntryStatus,
    pub task: Option<TaskId>,
    pub started_at: Timestamp,
    /// `None`: open.
    pub ended_at: Option<Timestamp>,
    pub started_where: Option<LatLng>,
    pub ended_where: Option<LatLng>,
    pub notes: Option<SafeText>,
    pub version: i64,
    pub updated_at: Timestamp,
    /// Holds changes that the centre has not taken yet.
    #[serde(default)]
    pub unsent: bool,
}
