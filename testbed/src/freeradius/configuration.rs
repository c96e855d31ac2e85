//! The configuration of the private server: the stock SQL module with the queries that the Debian package installs, PAP, nothing else. Our
//! own text is only what ties them together.

use std::path::{Path, PathBuf};

/// Where the server listens and what it reads.
pub(super) struct Place<'a> {
    pub(super) folder: &'a Path,
    pub(super) authentication: u16,
    pub(super) accounting: u16,
    pub(super) secret: &'a str,
    pub(super) user: Option<&'a str>,
    pub(super) sql: Sql<'a>,
}

pub(super) struct Sql<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) login: &'a str,
    pub(super) password: &'a str,
    pub(super) database: &'a str,
}

/// radiusd.conf. The stock `queries.conf` and `policy.d/accounting` are included from `stock`, as they are.
pub(super) fn radiusd(place: &Place<'_>, stock: &Path) -> String {
    let Place { folder, authentication, accounting, secret, user, sql } = place;
    let account = user.map(|user| format!("user = {user}\n\tgroup = {user}")).unwrap_or_default();
    let (folder, stock) = (folder.display(), stock.display());
    let Sql { host, port, login, password, database } = sql;
    format!(
        r#"prefix = {folder}
localstatedir = {folder}
raddbdir = {folder}
confdir = {folder}
logdir = {folder}
run_dir = {folder}
name = radiusd
libdir = /usr/lib/freeradius
pidfile = {folder}/radiusd.pid
max_request_time = 30
cleanup_delay = 1
max_requests = 65536
hostname_lookups = no
log {{
	destination = files
	file = {folder}/radius.log
	auth = no
}}
security {{
	{account}
	allow_core_dumps = no
	reject_delay = 0
	status_server = no
}}
proxy_requests = no
client test {{
	ipaddr = 127.0.0.1
	secret = {secret}
}}
thread pool {{
	start_servers = 2
	max_servers = 8
	min_spare_servers = 1
	max_spare_servers = 4
}}
modules {{
	# The stock queries ask it for `tolower`.
	expr {{
	}}
	pap {{
		normalise = yes
	}}
	sql {{
		dialect = "postgresql"
		driver = "rlm_sql_postgresql"
		server = "{host}"
		port = {port}
		login = "{login}"
		password = "{password}"
		radius_db = "{database}"
		acct_table1 = "radacct"
		acct_table2 = "radacct"
		postauth_table = "radpostauth"
		authcheck_table = "radcheck"
		groupcheck_table = "radgroupcheck"
		authreply_table = "radreply"
		groupreply_table = "radgroupreply"
		usergroup_table = "radusergroup"
		delete_stale_sessions = yes
		client_table = "nas"
		group_attribute = "SQL-Group"
		pool {{
			start = 1
			min = 1
			max = 8
			spare = 1
			uses = 0
			retry_delay = 1
			lifetime = 0
			idle_timeout = 60
		}}
		$INCLUDE {stock}/mods-config/sql/main/postgresql/queries.conf
	}}
}}
policy {{
	$INCLUDE {stock}/policy.d/accounting
}}
server test {{
	listen {{
		type = auth
		ipaddr = 127.0.0.1
		port = {authentication}
	}}
	listen {{
		type = acct
		ipaddr = 127.0.0.1
		port = {accounting}
	}}
	authorize {{
		sql
		pap
	}}
	authenticate {{
		Auth-Type PAP {{
			pap
		}}
	}}
	preacct {{
		acct_unique
	}}
	accounting {{
		sql
	}}
}}
"#
    )
}

/// Where the package keeps its configuration; more than one version may be there, the newest is taken.
pub(super) fn stock() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/etc/freeradius")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.join("mods-config/sql/main/postgresql/queries.conf").is_file())
        .collect();
    found.sort();
    found.pop()
}
