//! What an import brings: rows as a file has them, with names where the store has identifiers.

use ipnet::Ipv6Net;
use noctule_domain::geo::{Fix, LatLng};
use noctule_domain::secret::SecretRef;
use noctule_domain::subscriber::{Ipv6Record, SubscriberStatus, Username};
use noctule_domain::task::{Priority, TaskStatus, TaskType};
use noctule_domain::technician::{SkillLevel, TechnicianStatus};
use noctule_domain::{NasId, SafeText, SubscriberId, TaskId, TechnicianId, Timestamp};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// A row that was not taken, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// Place in the batch, from 0.
    pub index: usize,
    pub words: SafeText,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImportCount {
    pub new: u64,
    pub changed: u64,
    pub unchanged: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NewSubscriber {
    /// For a new row; `None` makes one. An existing row keeps its own.
    pub id: Option<SubscriberId>,
    pub subscriber_number: SafeText,
    pub username: Username,
    pub full_name: SafeText,
    pub email: Option<SafeText>,
    pub phone: Option<SafeText>,
    pub status: SubscriberStatus,
    pub service_type: Option<SafeText>,
    pub download_kbps: Option<u32>,
    pub upload_kbps: Option<u32>,
    pub service_address: Option<SafeText>,
    pub position: Option<LatLng>,
    pub site: Option<SafeText>,
    /// Name of the NAS, which must be there.
    pub nas: Option<SafeText>,
    pub vlan: Option<u16>,
    pub circuit_id: Option<SafeText>,
    pub remote_id: Option<SafeText>,
    pub onu_serial: Option<SafeText>,
    pub cpe_mac: Option<SafeText>,
    pub static_ipv4: Option<Ipv4Addr>,
    /// For a new row. Of an existing one only `mode` and `pd_size` are taken.
    pub ipv6: Ipv6Record,
    pub balance_flag: bool,
    pub suspend_reason: Option<SafeText>,
    pub notes: Option<SafeText>,
    /// `None` leaves what is there.
    pub session: Option<NewSession>,
}

impl NewSubscriber {
    /// The least that a subscriber has.
    pub fn new(subscriber_number: SafeText, username: Username, full_name: SafeText, ipv6: Ipv6Record) -> Self {
        Self {
            id: None,
            subscriber_number,
            username,
            full_name,
            email: None,
            phone: None,
            status: SubscriberStatus::Active,
            service_type: None,
            download_kbps: None,
            upload_kbps: None,
            service_address: None,
            position: None,
            site: None,
            nas: None,
            vlan: None,
            circuit_id: None,
            remote_id: None,
            onu_serial: None,
            cpe_mac: None,
            static_ipv4: None,
            ipv6,
            balance_flag: false,
            suspend_reason: None,
            notes: None,
            session: None,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct NewSession {
    /// Name of the NAS that owns the session; `None` is the one that the subscriber is registered at.
    pub nas: Option<SafeText>,
    pub acct_session_id: SafeText,
    pub framed_ipv4: Option<Ipv4Addr>,
    pub delegated_prefix: Option<Ipv6Net>,
    pub started_at: Timestamp,
    pub seen_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NewNas {
    pub id: Option<NasId>,
    pub name: SafeText,
    pub profile: String,
    pub address: SocketAddr,
    pub nas_ip: Option<IpAddr>,
    pub nas_identifier: Option<SafeText>,
    pub secret: SecretRef,
    pub position: Option<LatLng>,
    pub site: Option<SafeText>,
    pub enabled: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NewTechnician {
    pub id: Option<TechnicianId>,
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
    pub time_zone: SafeText,
    pub work_from_min: u16,
    pub work_to_min: u16,
    pub on_call: bool,
    pub available_for_emergency: bool,
    pub rating: Option<f64>,
    pub completion_rate: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    pub id: Option<TaskId>,
    pub number: SafeText,
    pub title: SafeText,
    pub task_type: TaskType,
    pub status: TaskStatus,
    pub priority: Priority,
    /// Number of the subscriber, which must be there.
    pub subscriber_number: Option<SafeText>,
    /// Employee id of the technician, who must be there.
    pub technician: Option<SafeText>,
    pub address: Option<SafeText>,
    pub position: Option<LatLng>,
    pub scheduled_at: Option<Timestamp>,
    pub estimate_min: Option<u32>,
    pub sla_due_at: Option<Timestamp>,
    /// Numbers of tasks that are there already, or came before in this import.
    pub depends_on: Vec<SafeText>,
    pub notes: Option<SafeText>,
    pub blocked_reason: Option<SafeText>,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
}
