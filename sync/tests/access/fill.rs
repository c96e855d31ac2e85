//! One row and more in every table of a tenant, with ids that a test can name.

use crate::support::{Centre, login_name};
use noctule_domain::permission::Role;
use noctule_domain::secret::Secret;
use noctule_domain::{TechnicianId, TenantId};
use noctule_sync::schema::{self, NewUser};
use uuid::Uuid;

pub const PASSWORD: &str = "a password of the tests";

/// A tenant whose tables all hold rows: technician 1 has task 1 of subscriber 1, technician 2 has task 2 of subscriber 2; subscriber 3 has a
/// task that nobody has.
pub struct Filled {
    pub tenant: TenantId,
    pub admin: String,
    pub noc: String,
    pub dispatcher: String,
    pub viewer: String,
    /// Technician 1's login.
    pub technician: String,
    pub revoked: String,
}

/// The id of the `number`th row of a kind in a tenant: the same in every run of a test.
pub fn id(tenant: TenantId, kind: u8, number: u16) -> Uuid {
    let mut bytes = *tenant.uuid().as_bytes();
    bytes[0] = kind;
    bytes[1..3].copy_from_slice(&number.to_be_bytes());
    Uuid::from_bytes(bytes)
}

pub const NAS: u8 = 1;
pub const TECHNICIAN: u8 = 3;
pub const SUBSCRIBER: u8 = 4;
pub const TASK: u8 = 6;
pub const OPERATION: u8 = 7;
pub const ENTRY: u8 = 8;
pub const ASSIGNMENT: u8 = 9;

impl Centre {
    pub fn dsn(&self, login: &str) -> String {
        self.cluster.dsn(login, PASSWORD, self.database.name())
    }

    /// Rows, and an operator of each role.
    pub async fn fill(&self, name: &str) -> Filled {
        let tenant = self.tenant(name).await;
        self.rows(tenant);
        let mut logins = Vec::new();
        for (word, role, technician) in [
            ("admin", Role::Admin, None),
            ("noc", Role::Noc, None),
            ("dispatcher", Role::Dispatcher, None),
            ("viewer", Role::Viewer, None),
            ("technician", Role::Technician, Some(TechnicianId(id(tenant, TECHNICIAN, 1)))),
            ("revoked", Role::Admin, None),
        ] {
            let login = login_name(word);
            let password = Some(Secret::new(PASSWORD));
            let new = NewUser { login: &login, role, full_name: word, technician, password };
            schema::user_add(&self.owner, tenant, new).await.expect("added");
            logins.push(login);
        }
        let [admin, noc, dispatcher, viewer, technician, revoked] = logins.try_into().expect("six");
        // His role stays able to log in: the rows must be kept from him all the same.
        self.sql(&format!("UPDATE noctule.members SET revoked_at = now() WHERE login = '{revoked}'"));
        Filled { tenant, admin, noc, dispatcher, viewer, technician, revoked }
    }

    fn rows(&self, tenant: TenantId) {
        let one = |kind: u8| format!("'{}'::uuid", id(tenant, kind, 1));
        // As `id` makes them: the kind in the first byte, the number in the next two.
        let id = |kind: u8| {
            let text = tenant.uuid().simple().to_string();
            format!("('{kind:02x}' || lpad(to_hex(n), 4, '0') || '{}')::uuid", &text[6..])
        };
        let (nas, technician, subscriber, task) = (one(NAS), id(TECHNICIAN), id(SUBSCRIBER), id(TASK));
        let (operation, entry, assignment) = (one(OPERATION), id(ENTRY), id(ASSIGNMENT));
        self.sql(&format!(
            "INSERT INTO noctule.nas (tenant_id, id, name, profile, address, secret) VALUES ('{tenant}', {nas}, 'bng-1', 'generic', '192.0.2.1:3799', 'env:S');
             INSERT INTO noctule.pools (tenant_id, netbox_id, prefix, status, delegated_len, used, seen_at)
                 VALUES ('{tenant}', 1, '2001:db8::/32', 'active', 56, 0, now());
             INSERT INTO noctule.technicians (tenant_id, id, employee_id, name, status, skill_level, time_zone, work_from_min, work_to_min, on_call,
                 available_for_emergency, skills)
                 SELECT '{tenant}', {technician}, 'E-' || n, 'Technician ' || n, 'available', 'senior', 'Europe/Helsinki', 480, 960, false, true,
                     '[\"splicing\", \"CPE \\\"x\\\"\"]' FROM generate_series(1, 2) AS n;
             INSERT INTO noctule.subscribers (tenant_id, id, number, username, full_name, status, state, mode, nas, prefix)
                 SELECT '{tenant}', {subscriber}, 'S-' || n, 'user' || n, 'Sub ' || n, 'active', 'active', 'pd', {nas}, ('2001:db8:' || n || '::/48')::cidr
                 FROM generate_series(1, 3) AS n;
             INSERT INTO noctule.sessions (tenant_id, id, nas, acct_session_id, started_at, seen_at)
                 SELECT '{tenant}', {subscriber}, {nas}, 's' || n, now(), now() FROM generate_series(1, 3) AS n;
             INSERT INTO noctule.tasks (tenant_id, id, number, title, task_type, status, priority, subscriber, technician, depends_on)
                 SELECT '{tenant}', {task}, 'T-' || n, 'Splice', 'splicing', 'pending', 'normal', {subscriber},
                     CASE WHEN n < 3 THEN {technician} END, CASE WHEN n = 3 THEN ARRAY[{nas}] ELSE '{{}}' END FROM generate_series(1, 3) AS n;
             INSERT INTO noctule.operations (tenant_id, id, subscriber, kind, status, actor, role, origin, options, requested_at, plan, progress, before,
                 lease_owner, lease_login, lease_until)
                 SELECT '{tenant}', {operation}, {subscriber}, 'suspend', 'running', 'somebody', 'noc', 'psql', '{{\"reason\": \"late\"}}', now(), '[\"nas_coa\"]',
                     noctule.new_progress(), '{{}}', {nas}, 'somebody', now() FROM generate_series(1, 1) AS n;
             INSERT INTO noctule.operation_steps (tenant_id, operation, seq, step, attempt, upstream, request, status, answer, started_at, ended_at)
                 SELECT '{tenant}', {operation}, 3 - n, 'nas_coa', n, 'bng-1', 'CoA \"x\"', CASE n WHEN 1 THEN 'started' ELSE 'done' END,
                     CASE n WHEN 2 THEN 'ACK' END, now(), CASE n WHEN 2 THEN now() END FROM generate_series(1, 2) AS n;
             INSERT INTO noctule.time_entries (tenant_id, id, technician, kind, task, started_at)
                 SELECT '{tenant}', {entry}, {technician}, 'regular', {task}, now() FROM generate_series(1, 2) AS n;
             INSERT INTO noctule.assignments (tenant_id, id, task, technician, starts_at, ends_at)
                 SELECT '{tenant}', {assignment}, {task}, {technician}, now(), now() + interval '1 hour' FROM generate_series(1, 2) AS n;
             INSERT INTO noctule.ops (tenant_id, id, console, seq, login, verb, change, made_at)
                 VALUES ('{tenant}', gen_random_uuid(), gen_random_uuid(), 1, 'somebody', 'task_edit', '{{}}', now());
             INSERT INTO noctule.presence (tenant_id, console, login) VALUES ('{tenant}', gen_random_uuid(), 'somebody');
             SET noctule.tenant = '{tenant}'; SELECT noctule.audit_append('{{\"actor\": \"somebody\"}}')"
        ));
    }
}
