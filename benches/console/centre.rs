//! A private centre with as many subscribers as are wanted, and the home of an operator who shares it. The rows are made by SQL in the
//! server: how they get there is not what is measured. Nothing of it is kept.

use super::pty::Console;
use noctule_domain::TenantId;
use noctule_domain::permission::Role;
use noctule_domain::secret::Secret;
use noctule_sync::schema::{self, NewUser, OwnerConfig};
use noctule_testbed::{Database, Postgres, PostgresOptions};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const PASSWORD: &str = "a-password-of-the-bench";
const LOGIN: &str = "bench";
/// Rows a statement when the centre is filled.
const FILL: u64 = 20_000;
/// The name that only the last of all changes brings: an operator who finds it has everything.
pub const LAST: &str = "Zzyzx";

pub struct Centre {
    postgres: Postgres,
    database: Database,
    pub rows: u64,
    tenant: TenantId,
    home: TempDir,
}

impl Centre {
    pub fn start(folder: &Path, rows: u64) -> Self {
        let options = PostgresOptions { shared_buffers_mib: 128, ..PostgresOptions::default() }.set("max_wal_size", "4GB");
        let postgres = Postgres::start_with(options).expect("a cluster");
        let database = postgres.create_database().expect("a database");
        let owner = OwnerConfig::from_url(database.dsn()).expect("an address");
        let tenant = TenantId(uuid::Uuid::now_v7());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            schema::init(&owner, Some((tenant, "Bench"))).await.expect("the schema");
            let password = Some(Secret::new(PASSWORD));
            let user = NewUser { login: LOGIN, role: Role::Noc, full_name: "Bench", technician: None, password };
            schema::user_add(&owner, tenant, user).await.expect("an operator");
        });
        fs::create_dir_all(folder).expect("a folder");
        let home = tempfile::tempdir_in(folder).expect("a folder");
        let centre = Self { postgres, database, rows, tenant, home };
        fs::write(centre.home.path().join(super::store::PLAIN), centre.config()).expect("a configuration");
        centre.fill();
        centre
    }

    fn config(&self) -> String {
        let (port, database, tenant) = (self.postgres.port(), self.database.name(), self.tenant);
        format!(
            "[tenant]\nid = \"{tenant}\"\nname = \"Bench\"\n\n[central]\nurl = \"postgresql://127.0.0.1:{port}/{database}\"\n\
             user = \"{LOGIN}\"\npassword = \"command:printf {PASSWORD}\"\ntls = \"off\"\nfolder = \"copy\"\n"
        )
    }

    /// The operator's console. The first one finds no copy on this machine.
    pub fn console(&self) -> Console {
        Console::start(self.home.path(), super::store::PLAIN)
    }

    fn sql(&self, sql: &str) {
        self.postgres.query(self.database.dsn(), sql).unwrap_or_else(|error| panic!("{error}"));
    }

    fn fill(&self) {
        let tenant = self.tenant;
        self.sql(&format!(
            "INSERT INTO noctule.nas (tenant_id, id, name, profile, address, secret)
               SELECT '{tenant}', md5('nas' || n)::uuid, 'bng-' || n, 'mikrotik', '192.0.2.' || n || ':3799', 'env:UNUSED' FROM generate_series(0, 39) n"
        ));
        for from in (0..self.rows).step_by(FILL as usize) {
            let to = (from + FILL).min(self.rows) - 1;
            self.sql(&format!(
                "INSERT INTO noctule.subscribers (tenant_id, id, number, username, full_name, email, phone, status, service_type, download_kbps,
                    upload_kbps, service_address, lat, lng, site, nas, vlan, circuit_id, onu_serial, cpe_mac, state, mode, enforcement, prefix, vrf,
                    pd_size, netbox_prefix_id, allocated_at, activated_at, since)
                 SELECT '{tenant}', md5('s' || n)::uuid, 'C-' || lpad(n::text, 8, '0'), 'user' || n || '@isp.example',
                    (ARRAY['Anna','Mikko','Liisa','Jari','Sofia','Åke','Eero','Tuula'])[1 + n % 8] || ' ' ||
                    (ARRAY['Virtanen','Korhonen','Nieminen','Mäkinen','Lindström','Heikkinen','Öberg'])[1 + n % 7] || ' ' || n,
                    'user' || n || '@mail.example', '+35840' || lpad(n::text, 7, '0'), 'active', 'fiber', 1000000, 500000,
                    'Hämeentie ' || n % 400 || ', Helsinki', 60.17 + (n % 1000) * 0.0001, 24.94 + (n % 777) * 0.0001, 'site-' || n % 300,
                    md5('nas' || n % 40)::uuid, n % 4096, 'olt-' || n % 40 || ' 0/' || n % 16 || '/' || n % 64, 'HWTC' || to_hex(n),
                    '02:00:' || substr(md5(n::text), 1, 2) || ':' || substr(md5(n::text), 3, 2) || ':00:01', 'active', 'pd', 'acknowledged',
                    ('2a00:' || to_hex(n / 65536) || ':' || to_hex(n % 65536) || '::/56')::cidr, 0, 56, n + 1,
                    now() - n * interval '1 second', now() - n * interval '1 second', now() - n * interval '1 second'
                 FROM generate_series({from}, {to}) n"
            ));
        }
        self.sql("VACUUM (ANALYZE) noctule.subscribers");
    }

    /// The first `rows` subscribers move house, in transactions of `chunk`: what is shown, what is searched and what is indexed changes. They
    /// are those at the head of the board, so that the page on the screen changes too.
    pub fn change(&self, rows: u64, chunk: u64) {
        for from in (0..rows).step_by(chunk as usize) {
            let to = (from + chunk).min(rows) - 1;
            self.sql(&format!(
                "UPDATE noctule.subscribers s SET full_name = 'Moved ' || n || CASE WHEN n = {last} THEN ' {LAST}' ELSE '' END,
                    service_address = 'Mannerheimintie ' || n % 400 || ', Helsinki', site = 'site-' || n % 299
                 FROM generate_series({from}, {to}) n WHERE s.tenant_id = '{tenant}' AND s.id = md5('s' || n)::uuid",
                last = rows - 1,
                tenant = self.tenant,
            ));
        }
    }
}
