//! The columns of each kind of file, once: the reader, the messages and docs/csv.md use this table.

use crate::cli::ImportKind;

#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub name: &'static str,
    pub required: bool,
    pub help: &'static str,
}

const fn must(name: &'static str, help: &'static str) -> Column {
    Column { name, required: true, help }
}

const fn may(name: &'static str, help: &'static str) -> Column {
    Column { name, required: false, help }
}

const SUBSCRIBERS: &[Column] = &[
    must("subscriber_number", "number, unique in the tenant; an existing one is updated"),
    must("username", "RADIUS User-Name, 1 to 253 bytes, no control or invisible characters, unique in the tenant"),
    must("full_name", "name"),
    may("email", "mail address"),
    may("phone", "telephone number"),
    may("status", "commercial status: pending, active, suspended, disconnected, terminated, quarantined (default active)"),
    may("service_type", "name of the product"),
    may("download_kbps", "whole number"),
    may("upload_kbps", "whole number"),
    may("service_address", "address"),
    may("lat", "latitude in degrees, -90 to 90; with lng"),
    may("lng", "longitude in degrees, -180 to 180; with lat"),
    may("site", "site"),
    may("nas", "name of a registered NAS"),
    may("vlan", "1 to 4094"),
    may("circuit_id", "DHCP or PPPoE circuit id"),
    may("remote_id", "remote id"),
    may("onu_serial", "serial number of the ONU"),
    may("cpe_mac", "hardware address of the router"),
    may("static_ipv4", "IPv4 address"),
    may("mode", "assignment mode: none, slaac, stateful, pd, dual_stack (default dual_stack)"),
    may("pd_size", "length to delegate, 48 to 64"),
    may(
        "ipv6_state",
        "for a first import of what is already in use: pending, allocated, active or suspended (default pending; every other than pending needs prefix)",
    ),
    may("prefix", "delegated prefix that is in use, such as 2001:db8:1:100::/56; NetBox is asked for it by value when it is first needed"),
    may("acct_session_id", "Acct-Session-Id of the live session, where accounting is not read: CoA and Disconnect name the session by it"),
    may("session_nas", "name of the NAS that owns the session (default: nas); CoA and Disconnect go there"),
    may("framed_ipv4", "Framed-IP-Address of the session; some NAS profiles name the session by it"),
    may("balance_flag", "yes or no: billing's flag"),
    may("suspend_reason", "billing's words"),
    may("notes", "free text"),
];

const NAS: &[Column] = &[
    must("name", "short name, unique in the tenant: bng-3; an existing one is updated"),
    must("address", "address for CoA and Disconnect, with a port or without (3799): 192.0.2.1, [2001:db8::1]:3799"),
    must(
        "secret",
        "where the secret is found: env:NAME, file:PATH (mode 0600) or command:PROGRAM ARGUMENTS; a secret itself is refused unless --secrets-dir is given",
    ),
    may("profile", "key of a NAS profile: generic, mikrotik, … (default generic)"),
    may("nas_ip", "what the NAS calls itself: NAS-IP-Address or NAS-IPv6-Address"),
    may("nas_identifier", "what the NAS calls itself: NAS-Identifier"),
    may("lat", "latitude in degrees; with lng"),
    may("lng", "longitude in degrees; with lat"),
    may("site", "site"),
    may("enabled", "yes or no (default yes)"),
];

const TECHNICIANS: &[Column] = &[
    must("employee_id", "number of the employee, unique in the tenant; an existing one is updated"),
    must("name", "name"),
    may("email", "mail address"),
    may("phone", "telephone number"),
    may("mobile", "mobile number"),
    may("status", "available, on_job, on_break, off_duty, unavailable (default off_duty)"),
    may("skill_level", "trainee, junior, intermediate, senior, expert (default intermediate)"),
    may("home_lat", "latitude of the home base; with home_lng"),
    may("home_lng", "longitude of the home base; with home_lat"),
    may("team", "team"),
    may("skills", "separated by semicolons: splicing;ont"),
    may("time_zone", "IANA name of the zone of the working hours (default UTC)"),
    may("work_from", "beginning of the working day, HH:MM (default 08:00)"),
    may("work_to", "end of the working day, HH:MM (default 17:00)"),
    may("on_call", "yes or no (default no)"),
    may("available_for_emergency", "yes or no (default no)"),
    may("rating", "0 to 5"),
    may("completion_rate", "0 to 1"),
];

const TASKS: &[Column] = &[
    must("number", "number of the task, unique in the tenant; an existing one is updated"),
    must("title", "what is to be done"),
    may("type", "site_survey, splicing, ont_installation, troubleshooting, … (default custom)"),
    may("status", "pending, ready, assigned, in_progress, blocked, paused, completed, failed, cancelled, skipped (default pending)"),
    may("priority", "low, normal, high, critical, emergency (default normal)"),
    may("subscriber", "number of a subscriber"),
    may("technician", "employee id of a technician; assigned and in_progress need one"),
    may("address", "address"),
    may("lat", "latitude in degrees; with lng"),
    may("lng", "longitude in degrees; with lat"),
    may("scheduled_at", "RFC 3339 time: 2026-11-23T08:30:00Z"),
    may("estimate_min", "minutes, whole number"),
    may("sla_due_at", "RFC 3339 time"),
    may("depends_on", "numbers of tasks that must end first, separated by semicolons"),
    may("notes", "free text"),
];

pub const fn columns(kind: ImportKind) -> &'static [Column] {
    match kind {
        ImportKind::Subscribers => SUBSCRIBERS,
        ImportKind::Nas => NAS,
        ImportKind::Technicians => TECHNICIANS,
        ImportKind::Tasks => TASKS,
    }
}
