//! Commands of the field service: tasks, technicians, time.

use super::words;
use clap::Subcommand;
use noctule_domain::task::TaskStatus;
use noctule_domain::technician::TechnicianStatus;
use noctule_domain::time_entry::TimeEntryKind;

#[derive(Debug, Clone, Subcommand)]
pub enum TaskCommand {
    /// Tasks, open ones first, the most pressing before the others
    List {
        /// Only those of this technician (employee id or name)
        #[arg(long, value_name = "TECHNICIAN")]
        technician: Option<String>,
        /// Also those that have ended
        #[arg(long)]
        all: bool,
        /// JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Change the status of a task
    Status {
        /// Number or id of the task
        task: String,
        /// The new status
        #[arg(value_parser = words::task_status())]
        status: TaskStatus,
        /// Why: needed for blocked
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Refuse when the task has changed since this version
        #[arg(long, value_name = "N")]
        if_version: Option<i64>,
    },
    /// Give a task to a technician, or with - to nobody
    Assign {
        /// Number or id of the task
        task: String,
        /// Employee id or name; - takes the technician away
        technician: String,
        /// Refuse when the task has changed since this version
        #[arg(long, value_name = "N")]
        if_version: Option<i64>,
    },
    /// Add to the notes of a task
    Note {
        /// Number or id of the task
        task: String,
        /// What to add
        text: String,
        /// Put it in the place of the notes instead
        #[arg(long)]
        replace: bool,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub enum TechnicianCommand {
    /// Technicians
    List {
        /// JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Change the status of a technician
    Status {
        /// Employee id or name
        technician: String,
        /// The new status
        #[arg(value_parser = words::technician_status())]
        status: TechnicianStatus,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub enum ClockCommand {
    /// Clock a technician in
    In {
        /// Employee id or name
        technician: String,
        /// What kind of time
        #[arg(long, value_name = "KIND", default_value = "regular", value_parser = words::time_kind())]
        kind: TimeEntryKind,
        /// Number or id of the task that it is for
        #[arg(long, value_name = "TASK")]
        task: Option<String>,
    },
    /// Clock a technician out
    Out {
        /// Employee id or name
        technician: String,
    },
    /// Latest time entries of a technician
    List {
        /// Employee id or name
        technician: String,
        /// Rows at most
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// JSON instead of a table
        #[arg(long)]
        json: bool,
    },
}
