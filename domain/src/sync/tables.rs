//! The tables that travel, column by column, written once. In the centre a view `noctule.wire_<table>` selects exactly these columns in
//! this order (a test compares them); in the local cache the rows are taken apart by the same list.

use crate::words;

words!(
    /// A table that consoles keep a copy of. In the centre its key is (tenant_id, id).
    Table {
        Nas = "nas",
        Pools = "pools",
        Technicians = "technicians",
        Subscribers = "subscribers",
        /// Its id is that of the subscriber.
        Sessions = "sessions",
        Tasks = "tasks",
        /// With their journal of steps in one column.
        Operations = "operations",
        TimeEntries = "time_entries",
        Assignments = "assignments",
    }
);

/// In the order in which a copy is made: what others refer to comes first.
pub const TABLES: &[Table] = Table::ALL;

words!(
    /// How a value travels: the binary form of the PostgreSQL type named.
    Kind {
        /// `uuid`: 16 bytes.
        Uuid = "uuid",
        /// `text`: UTF-8.
        Text = "text",
        /// `int8`: 8 bytes, big-endian.
        Int = "int8",
        /// `float8`: IEEE 754, big-endian.
        Real = "float8",
        /// `bool`: one byte.
        Bool = "bool",
        /// `timestamptz`: microseconds since 2000-01-01 00:00 UTC, 8 bytes, big-endian.
        Time = "timestamptz",
    }
);

impl Kind {
    /// PostgreSQL's number of the type.
    pub const fn oid(self) -> u32 {
        match self {
            Self::Uuid => 2950,
            Self::Text => 25,
            Self::Int => 20,
            Self::Real => 701,
            Self::Bool => 16,
            Self::Time => 1184,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub kind: Kind,
}

macro_rules! columns {
    ($($name:ident $kind:ident),+ $(,)?) => { &[$(Column { name: stringify!($name), kind: Kind::$kind }),+] };
}

impl Table {
    /// Small and stable: the number in the centre's feed.
    pub const fn number(self) -> i16 {
        self as i16 + 1
    }

    pub fn from_number(number: i16) -> Option<Self> {
        Self::ALL.iter().copied().find(|table| table.number() == number)
    }

    /// The columns as they travel. The first is always the row's `id`. The tenant does not travel: a console works on one.
    pub const fn columns(self) -> &'static [Column] {
        match self {
            Self::Nas => columns![
                id Uuid, name Text, profile Text, address Text, nas_ip Text, nas_identifier Text, secret Text, lat Real, lng Real,
                site Text, enabled Bool, reach Text, round_trip_us Int, last_answer_at Time, last_asked_at Time, acks Int, naks Int,
                timeouts Int,
            ],
            // `netbox_id` is the pool's number in NetBox.
            Self::Pools => columns![
                id Uuid, netbox_id Int, prefix Text, vrf Int, status Text, description Text, delegated_len Int, used Int, seen_at Time,
            ],
            // `skills` is a JSON list of texts.
            Self::Technicians => columns![
                id Uuid, employee_id Text, name Text, email Text, phone Text, mobile Text, status Text, skill_level Text, home_lat Real,
                home_lng Real, fix_lat Real, fix_lng Real, fix_accuracy_m Real, fix_speed_kmh Real, fix_heading_deg Real, fix_at Time,
                team Text, skills Text, time_zone Text, work_from_min Int, work_to_min Int, on_call Bool, available_for_emergency Bool,
                rating Real, completion_rate Real, version Int, updated_at Time,
            ],
            // `vrf` 0 is the global table, as in the local store.
            Self::Subscribers => columns![
                id Uuid, number Text, username Text, full_name Text, email Text, phone Text, status Text, service_type Text,
                download_kbps Int, upload_kbps Int, service_address Text, lat Real, lng Real, site Text, nas Uuid, vlan Int,
                circuit_id Text, remote_id Text, onu_serial Text, cpe_mac Text, static_ipv4 Text, balance_flag Bool, suspend_reason Text,
                notes Text, state Text, mode Text, enforcement Text, enforcement_note Text, prefix Text, vrf Int, pd_size Int,
                netbox_prefix_id Int, hold_until Time, last_error Text, allocated_at Time, activated_at Time, suspended_at Time,
                resumed_at Time, revoked_at Time, failed_at Time, since Time, version Int, created_at Time, updated_at Time,
            ],
            // From `accounting_key` on: empty where accounting does not tell of it. New columns are added at the end, so that consoles which do
            // not know them yet go on reading theirs.
            Self::Sessions => columns![
                id Uuid, nas Uuid, acct_session_id Text, framed_ipv4 Text, delegated_prefix Text, started_at Time, seen_at Time,
                accounting_key Text, framed_prefix Text, input_octets Int, output_octets Int,
            ],
            // `depends_on` is a JSON list of task ids.
            Self::Tasks => columns![
                id Uuid, number Text, title Text, task_type Text, status Text, priority Text, subscriber Uuid, technician Uuid,
                address Text, lat Real, lng Real, scheduled_at Time, estimate_min Int, sla_due_at Time, depends_on Text, notes Text,
                blocked_reason Text, started_at Time, ended_at Time, version Int, updated_at Time,
            ],
            // `options`, `plan`, `progress`, `before` are JSON as in the local store; `steps` is a JSON list of `StepRow`.
            Self::Operations => columns![
                id Uuid, subscriber Uuid, kind Text, status Text, actor Text, role Text, origin Text, options Text, expected_version Int,
                requested_at Time, plan Text, progress Text, before Text, retry_at Time, ended_at Time, error Text, lease_owner Uuid,
                lease_until Time, watch_until Time, watch_next Time, steps Text,
            ],
            Self::TimeEntries => columns![
                id Uuid, technician Uuid, kind Text, status Text, task Uuid, started_at Time, ended_at Time, start_lat Real,
                start_lng Real, end_lat Real, end_lng Real, notes Text, version Int, updated_at Time,
            ],
            Self::Assignments => columns![
                id Uuid, task Uuid, technician Uuid, starts_at Time, ends_at Time, status Text, method Text, version Int, updated_at Time,
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_a_number_of_its_own_and_begins_with_its_id() {
        for table in TABLES {
            assert_eq!(Table::from_number(table.number()), Some(*table));
            assert_eq!(table.columns()[0], Column { name: "id", kind: Kind::Uuid });
        }
    }
}
