-- The local store. Times are microseconds since 1970 (UTC). Identifiers are 16 bytes. Words are those of the domain's enums.
-- A tenant is a small number here, first in every key; `tenants` says whose number it is.

CREATE TABLE tenants (
    key INTEGER PRIMARY KEY,
    id  BLOB NOT NULL UNIQUE CHECK (length(id) = 16)
);

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE nas (
    tenant          INTEGER NOT NULL REFERENCES tenants (key),
    id              BLOB NOT NULL CHECK (length(id) = 16),
    name            TEXT NOT NULL CHECK (name <> ''),
    profile         TEXT NOT NULL,
    address         TEXT NOT NULL,
    nas_ip          TEXT,
    nas_identifier  TEXT,
    secret          TEXT NOT NULL,
    lat             REAL,
    lng             REAL,
    site            TEXT,
    enabled         INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    reach           TEXT NOT NULL DEFAULT 'unknown' CHECK (reach IN ('unknown', 'up', 'busy', 'silent')),
    round_trip_us   INTEGER,
    last_answer_at  INTEGER,
    last_asked_at   INTEGER,
    acks            INTEGER NOT NULL DEFAULT 0,
    naks            INTEGER NOT NULL DEFAULT 0,
    timeouts        INTEGER NOT NULL DEFAULT 0,
    -- Kept by triggers.
    subscribers     INTEGER NOT NULL DEFAULT 0,
    sessions        INTEGER NOT NULL DEFAULT 0,
    CHECK ((lat IS NULL) = (lng IS NULL)),
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX nas_name ON nas (tenant, name COLLATE NOCASE);

CREATE TABLE subscribers (
    key               INTEGER PRIMARY KEY,
    tenant            INTEGER NOT NULL REFERENCES tenants (key),
    id                BLOB NOT NULL CHECK (length(id) = 16),
    number            TEXT NOT NULL CHECK (number <> ''),
    username          TEXT NOT NULL CHECK (username <> ''),
    full_name         TEXT NOT NULL,
    -- Name, number and user name in lower case, each followed by a line feed: what a part of a text is looked for in.
    search            TEXT NOT NULL,
    email             TEXT,
    phone             TEXT,
    status            TEXT NOT NULL CHECK (status IN ('pending', 'active', 'suspended', 'disconnected', 'terminated', 'quarantined')),
    service_type      TEXT,
    download_kbps     INTEGER,
    upload_kbps       INTEGER,
    service_address   TEXT,
    lat               REAL,
    lng               REAL,
    site              TEXT,
    nas               BLOB,
    -- The name of `nas`, or empty: sorted and filtered by, so it stands in the row. Kept by a trigger when a NAS is renamed.
    nas_name          TEXT NOT NULL DEFAULT '',
    vlan              INTEGER CHECK (vlan BETWEEN 0 AND 65535),
    circuit_id        TEXT,
    remote_id         TEXT,
    onu_serial        TEXT,
    cpe_mac           TEXT,
    static_ipv4       TEXT,
    balance_flag      INTEGER NOT NULL DEFAULT 0 CHECK (balance_flag IN (0, 1)),
    suspend_reason    TEXT,
    notes             TEXT,
    state             TEXT NOT NULL CHECK (state IN ('pending', 'allocated', 'active', 'suspended', 'revoking', 'revoked', 'failed')),
    mode              TEXT NOT NULL CHECK (mode IN ('none', 'slaac', 'stateful', 'pd', 'dual_stack')),
    enforcement       TEXT NOT NULL CHECK (enforcement IN ('none', 'requested', 'acknowledged', 'observed', 'refused', 'unanswered')),
    enforcement_note  TEXT,
    prefix            TEXT,
    -- First and last address of the prefix; empty when there is none.
    prefix_start      BLOB NOT NULL DEFAULT x'' CHECK (length(prefix_start) IN (0, 16)),
    prefix_end        BLOB NOT NULL DEFAULT x'' CHECK (length(prefix_end) = length(prefix_start) AND prefix_end >= prefix_start),
    -- 0 is the global table (no VRF): NetBox numbers from 1.
    vrf               INTEGER NOT NULL DEFAULT 0 CHECK (vrf >= 0),
    pd_size           INTEGER CHECK (pd_size BETWEEN 0 AND 128),
    netbox_prefix_id  INTEGER,
    hold_until        INTEGER,
    last_error        TEXT,
    allocated_at      INTEGER,
    activated_at      INTEGER,
    suspended_at      INTEGER,
    resumed_at        INTEGER,
    revoked_at        INTEGER,
    failed_at         INTEGER,
    since             INTEGER NOT NULL,
    version           INTEGER NOT NULL DEFAULT 1,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    -- Holds a prefix that nobody else may overlap.
    live              INTEGER GENERATED ALWAYS AS (state IN ('allocated', 'active', 'suspended', 'revoking') AND length(prefix_start) = 16) VIRTUAL,
    CHECK ((lat IS NULL) = (lng IS NULL)),
    CHECK ((prefix IS NULL) = (length(prefix_start) = 0)),
    CHECK ((nas IS NULL) = (nas_name = '')),
    FOREIGN KEY (tenant, nas) REFERENCES nas (tenant, id)
);
CREATE UNIQUE INDEX subscribers_id ON subscribers (tenant, id);
-- Without regard to case first, so that one index is the order on the screen, the look-up of a beginning, and the uniqueness.
CREATE UNIQUE INDEX subscribers_number ON subscribers (tenant, number COLLATE NOCASE, number);
CREATE UNIQUE INDEX subscribers_username ON subscribers (tenant, username COLLATE NOCASE, username);
CREATE INDEX subscribers_name ON subscribers (tenant, full_name COLLATE NOCASE, key);
CREATE INDEX subscribers_state ON subscribers (tenant, state, number COLLATE NOCASE, number);
CREATE INDEX subscribers_nas ON subscribers (tenant, nas_name COLLATE NOCASE, number COLLATE NOCASE, number);
CREATE INDEX subscribers_since ON subscribers (tenant, since, key);
CREATE INDEX subscribers_prefix ON subscribers (tenant, prefix_start, key);
CREATE INDEX subscribers_site ON subscribers (tenant, site COLLATE NOCASE, key) WHERE site IS NOT NULL;
CREATE INDEX subscribers_live ON subscribers (tenant, vrf, prefix_start, prefix_end) WHERE live = 1;
CREATE UNIQUE INDEX subscribers_netbox ON subscribers (tenant, netbox_prefix_id) WHERE netbox_prefix_id IS NOT NULL;
CREATE INDEX subscribers_stale ON subscribers (tenant, state, since) WHERE state = 'allocated' OR state = 'revoking';
CREATE INDEX subscribers_hold ON subscribers (tenant, hold_until) WHERE hold_until IS NOT NULL;
CREATE INDEX subscribers_error ON subscribers (tenant, key) WHERE last_error IS NOT NULL;
-- The values that are rare, and looked for because they are rare.
CREATE INDEX subscribers_enforcement ON subscribers (tenant, enforcement, key)
    WHERE enforcement <> 'none' AND enforcement <> 'acknowledged' AND enforcement <> 'observed';
CREATE INDEX subscribers_status ON subscribers (tenant, status, key) WHERE status <> 'active';
CREATE INDEX subscribers_mode ON subscribers (tenant, mode, key) WHERE mode <> 'pd' AND mode <> 'dual_stack';
CREATE INDEX subscribers_ipv4 ON subscribers (tenant, static_ipv4) WHERE static_ipv4 IS NOT NULL;
CREATE INDEX subscribers_nas_id ON subscribers (tenant, nas) WHERE nas IS NOT NULL;

-- Parts of names: three characters at a time, no positions. What it finds is checked against `search`.
CREATE VIRTUAL TABLE subscribers_fts USING fts5 (search, content = '', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1');

-- The trigrams that occur: one or two characters are looked for as the beginning of some of them.
CREATE VIRTUAL TABLE subscribers_terms USING fts5vocab ('subscribers_fts', 'row');

CREATE TRIGGER subscribers_fts_insert AFTER INSERT ON subscribers BEGIN
    INSERT INTO subscribers_fts (rowid, search) VALUES (new.key, new.search);
END;
CREATE TRIGGER subscribers_fts_delete AFTER DELETE ON subscribers BEGIN
    INSERT INTO subscribers_fts (subscribers_fts, rowid, search) VALUES ('delete', old.key, old.search);
END;
CREATE TRIGGER subscribers_fts_update AFTER UPDATE OF search ON subscribers WHEN old.search IS NOT new.search BEGIN
    INSERT INTO subscribers_fts (subscribers_fts, rowid, search) VALUES ('delete', old.key, old.search);
    INSERT INTO subscribers_fts (rowid, search) VALUES (new.key, new.search);
END;

-- Prefixes contain each other or are apart, and what is stored does not overlap: so it is enough to look at what begins inside the new
-- one, and at the nearest that begins before it.
CREATE TRIGGER subscribers_overlap_insert AFTER INSERT ON subscribers WHEN new.live = 1 BEGIN
    SELECT RAISE(ABORT, 'overlap') WHERE EXISTS (
        SELECT 1 FROM subscribers AS o
        WHERE o.tenant = new.tenant AND o.vrf = new.vrf AND o.live = 1 AND o.key <> new.key
            AND o.prefix_start BETWEEN new.prefix_start AND new.prefix_end
    ) OR (
        SELECT o.prefix_end FROM subscribers AS o
        WHERE o.tenant = new.tenant AND o.vrf = new.vrf AND o.live = 1 AND o.key <> new.key AND o.prefix_start < new.prefix_start
        ORDER BY o.prefix_start DESC LIMIT 1
    ) >= new.prefix_start;
END;
CREATE TRIGGER subscribers_overlap_update AFTER UPDATE OF tenant, vrf, state, prefix_start, prefix_end ON subscribers WHEN new.live = 1 BEGIN
    SELECT RAISE(ABORT, 'overlap') WHERE EXISTS (
        SELECT 1 FROM subscribers AS o
        WHERE o.tenant = new.tenant AND o.vrf = new.vrf AND o.live = 1 AND o.key <> new.key
            AND o.prefix_start BETWEEN new.prefix_start AND new.prefix_end
    ) OR (
        SELECT o.prefix_end FROM subscribers AS o
        WHERE o.tenant = new.tenant AND o.vrf = new.vrf AND o.live = 1 AND o.key <> new.key AND o.prefix_start < new.prefix_start
        ORDER BY o.prefix_start DESC LIMIT 1
    ) >= new.prefix_start;
END;

CREATE TABLE counters (
    tenant      INTEGER NOT NULL REFERENCES tenants (key),
    state       TEXT NOT NULL,
    delegating  INTEGER NOT NULL CHECK (delegating IN (0, 1)),
    n           INTEGER NOT NULL CHECK (n >= 0),
    PRIMARY KEY (tenant, state, delegating)
) WITHOUT ROWID;

CREATE TRIGGER subscribers_count_insert AFTER INSERT ON subscribers BEGIN
    INSERT INTO counters VALUES (new.tenant, new.state, new.mode IN ('pd', 'dual_stack'), 1) ON CONFLICT DO UPDATE SET n = n + 1;
    UPDATE nas SET subscribers = subscribers + 1 WHERE tenant = new.tenant AND id = new.nas;
END;
CREATE TRIGGER subscribers_count_delete AFTER DELETE ON subscribers BEGIN
    UPDATE counters SET n = n - 1 WHERE tenant = old.tenant AND state = old.state AND delegating = (old.mode IN ('pd', 'dual_stack'));
    UPDATE nas SET subscribers = subscribers - 1 WHERE tenant = old.tenant AND id = old.nas;
END;
CREATE TRIGGER subscribers_count_update AFTER UPDATE OF state, mode ON subscribers
WHEN old.state <> new.state OR (old.mode IN ('pd', 'dual_stack')) <> (new.mode IN ('pd', 'dual_stack')) BEGIN
    UPDATE counters SET n = n - 1 WHERE tenant = old.tenant AND state = old.state AND delegating = (old.mode IN ('pd', 'dual_stack'));
    INSERT INTO counters VALUES (new.tenant, new.state, new.mode IN ('pd', 'dual_stack'), 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER subscribers_count_nas AFTER UPDATE OF nas ON subscribers WHEN old.nas IS NOT new.nas BEGIN
    UPDATE nas SET subscribers = subscribers - 1 WHERE tenant = old.tenant AND id = old.nas;
    UPDATE nas SET subscribers = subscribers + 1 WHERE tenant = new.tenant AND id = new.nas;
END;
CREATE TRIGGER nas_renamed AFTER UPDATE OF name ON nas WHEN old.name <> new.name BEGIN
    UPDATE subscribers SET nas_name = new.name WHERE tenant = new.tenant AND nas = new.id AND nas IS NOT NULL;
END;

CREATE TABLE sessions (
    tenant            INTEGER NOT NULL REFERENCES tenants (key),
    subscriber        BLOB NOT NULL,
    nas               BLOB NOT NULL,
    acct_session_id   TEXT NOT NULL,
    framed_ipv4       TEXT,
    delegated_prefix  TEXT,
    started_at        INTEGER NOT NULL,
    seen_at           INTEGER NOT NULL,
    PRIMARY KEY (tenant, subscriber),
    FOREIGN KEY (tenant, subscriber) REFERENCES subscribers (tenant, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant, nas) REFERENCES nas (tenant, id)
) WITHOUT ROWID;
CREATE INDEX sessions_nas ON sessions (tenant, nas);
CREATE TRIGGER sessions_count_insert AFTER INSERT ON sessions BEGIN
    UPDATE nas SET sessions = sessions + 1 WHERE tenant = new.tenant AND id = new.nas;
END;
CREATE TRIGGER sessions_count_delete AFTER DELETE ON sessions BEGIN
    UPDATE nas SET sessions = sessions - 1 WHERE tenant = old.tenant AND id = old.nas;
END;
CREATE TRIGGER sessions_count_update AFTER UPDATE OF nas ON sessions WHEN old.nas <> new.nas BEGIN
    UPDATE nas SET sessions = sessions - 1 WHERE tenant = old.tenant AND id = old.nas;
    UPDATE nas SET sessions = sessions + 1 WHERE tenant = new.tenant AND id = new.nas;
END;

CREATE TABLE pools (
    tenant         INTEGER NOT NULL REFERENCES tenants (key),
    id             INTEGER NOT NULL,
    prefix         TEXT NOT NULL,
    vrf            INTEGER,
    status         TEXT NOT NULL CHECK (status IN ('container', 'active', 'reserved', 'deprecated')),
    description    TEXT NOT NULL,
    delegated_len  INTEGER NOT NULL CHECK (delegated_len BETWEEN 0 AND 128),
    used           INTEGER NOT NULL,
    seen_at        INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID;

CREATE TABLE technicians (
    tenant                   INTEGER NOT NULL REFERENCES tenants (key),
    id                       BLOB NOT NULL CHECK (length(id) = 16),
    employee_id              TEXT NOT NULL CHECK (employee_id <> ''),
    name                     TEXT NOT NULL,
    email                    TEXT,
    phone                    TEXT,
    mobile                   TEXT,
    status                   TEXT NOT NULL CHECK (status IN ('available', 'on_job', 'on_break', 'off_duty', 'unavailable')),
    skill_level              TEXT NOT NULL CHECK (skill_level IN ('trainee', 'junior', 'intermediate', 'senior', 'expert')),
    home_lat                 REAL,
    home_lng                 REAL,
    fix_lat                  REAL,
    fix_lng                  REAL,
    fix_accuracy_m           REAL,
    fix_speed_kmh            REAL,
    fix_heading_deg          REAL,
    fix_at                   INTEGER,
    team                     TEXT,
    skills                   TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(skills)),
    time_zone                TEXT NOT NULL,
    work_from_min            INTEGER NOT NULL,
    work_to_min              INTEGER NOT NULL,
    on_call                  INTEGER NOT NULL CHECK (on_call IN (0, 1)),
    available_for_emergency  INTEGER NOT NULL CHECK (available_for_emergency IN (0, 1)),
    rating                   REAL,
    completion_rate          REAL,
    version                  INTEGER NOT NULL DEFAULT 1,
    updated_at               INTEGER NOT NULL,
    CHECK ((home_lat IS NULL) = (home_lng IS NULL)),
    CHECK ((fix_lat IS NULL) = (fix_lng IS NULL) AND (fix_lat IS NULL) = (fix_at IS NULL)),
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX technicians_employee ON technicians (tenant, employee_id);

CREATE TABLE tasks (
    tenant          INTEGER NOT NULL REFERENCES tenants (key),
    id              BLOB NOT NULL CHECK (length(id) = 16),
    number          TEXT NOT NULL CHECK (number <> ''),
    title           TEXT NOT NULL,
    task_type       TEXT NOT NULL CHECK (task_type IN ('site_survey', 'planning', 'fiber_routing', 'trenching', 'conduit_installation',
                        'cable_pulling', 'splicing', 'termination', 'ont_installation', 'cpe_installation', 'testing', 'documentation',
                        'customer_training', 'closeout', 'inspection', 'troubleshooting', 'custom')),
    status          TEXT NOT NULL CHECK (status IN ('pending', 'ready', 'assigned', 'in_progress', 'blocked', 'paused', 'completed',
                        'failed', 'cancelled', 'skipped')),
    priority        TEXT NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'critical', 'emergency')),
    subscriber      BLOB,
    technician      BLOB,
    address         TEXT,
    lat             REAL,
    lng             REAL,
    scheduled_at    INTEGER,
    estimate_min    INTEGER,
    sla_due_at      INTEGER,
    notes           TEXT,
    blocked_reason  TEXT,
    started_at      INTEGER,
    ended_at        INTEGER,
    version         INTEGER NOT NULL DEFAULT 1,
    updated_at      INTEGER NOT NULL,
    open            INTEGER GENERATED ALWAYS AS (status NOT IN ('completed', 'failed', 'cancelled', 'skipped')) VIRTUAL,
    CHECK ((lat IS NULL) = (lng IS NULL)),
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, subscriber) REFERENCES subscribers (tenant, id),
    FOREIGN KEY (tenant, technician) REFERENCES technicians (tenant, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX tasks_number ON tasks (tenant, number);
CREATE INDEX tasks_technician ON tasks (tenant, technician) WHERE technician IS NOT NULL;
CREATE INDEX tasks_subscriber ON tasks (tenant, subscriber) WHERE subscriber IS NOT NULL;

CREATE TABLE task_dependencies (
    tenant      INTEGER NOT NULL REFERENCES tenants (key),
    task        BLOB NOT NULL,
    depends_on  BLOB NOT NULL CHECK (depends_on <> task),
    PRIMARY KEY (tenant, task, depends_on),
    FOREIGN KEY (tenant, task) REFERENCES tasks (tenant, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant, depends_on) REFERENCES tasks (tenant, id)
) WITHOUT ROWID;
CREATE INDEX task_dependencies_back ON task_dependencies (tenant, depends_on);

CREATE TABLE operations (
    tenant            INTEGER NOT NULL REFERENCES tenants (key),
    id                BLOB NOT NULL CHECK (length(id) = 16),
    subscriber        BLOB NOT NULL,
    kind              TEXT NOT NULL CHECK (kind IN ('allocate', 'activate', 'suspend', 'resume', 'revoke', 'release')),
    status            TEXT NOT NULL CHECK (status IN ('running', 'waiting', 'succeeded', 'refused', 'unanswered', 'failed', 'cancelled')),
    actor             TEXT NOT NULL,
    role              TEXT NOT NULL CHECK (role IN ('admin', 'noc', 'dispatcher', 'technician', 'viewer')),
    origin            TEXT NOT NULL,
    options           TEXT NOT NULL CHECK (json_valid(options)),
    expected_version  INTEGER,
    requested_at      INTEGER NOT NULL,
    plan              TEXT NOT NULL CHECK (json_valid(plan)),
    progress          TEXT NOT NULL CHECK (json_valid(progress)),
    -- The IPv6 record as it was when the operation began: for the audit, and for a cancel.
    before            TEXT NOT NULL CHECK (json_valid(before)),
    retry_at          INTEGER,
    ended_at          INTEGER,
    error             TEXT,
    lease_owner       BLOB CHECK (lease_owner IS NULL OR length(lease_owner) = 16),
    lease_until       INTEGER,
    -- A late prefix may still land: until when to look, and when next.
    watch_until       INTEGER,
    watch_next        INTEGER,
    open              INTEGER GENERATED ALWAYS AS (status IN ('running', 'waiting')) VIRTUAL,
    CHECK ((ended_at IS NULL) = (status IN ('running', 'waiting'))),
    CHECK (ended_at IS NULL OR lease_owner IS NULL),
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, subscriber) REFERENCES subscribers (tenant, id)
) WITHOUT ROWID;
-- One subscriber, one running operation.
CREATE UNIQUE INDEX operations_open ON operations (tenant, subscriber) WHERE open = 1;
CREATE INDEX operations_subscriber ON operations (tenant, subscriber, requested_at);
CREATE INDEX operations_requested ON operations (tenant, requested_at);
CREATE INDEX operations_status ON operations (tenant, status, requested_at);
CREATE INDEX operations_ended ON operations (tenant, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX operations_watch ON operations (tenant, watch_next) WHERE watch_until IS NOT NULL;

CREATE TABLE operation_steps (
    tenant      INTEGER NOT NULL REFERENCES tenants (key),
    operation   BLOB NOT NULL,
    seq         INTEGER NOT NULL,
    step        TEXT NOT NULL CHECK (step IN ('netbox_delete', 'netbox_allocate', 'netbox_activate', 'netbox_deprecate', 'nas_coa',
                    'nas_disconnect')),
    attempt     INTEGER NOT NULL,
    upstream    TEXT NOT NULL,
    request     TEXT NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('started', 'done', 'refused', 'unclear', 'unreachable', 'unanswered', 'skipped')),
    answer      TEXT,
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER,
    CHECK ((ended_at IS NULL) = (status = 'started')),
    PRIMARY KEY (tenant, operation, seq),
    FOREIGN KEY (tenant, operation) REFERENCES operations (tenant, id)
) WITHOUT ROWID;

-- `body` is the canonical JSON of sequence number and entry; `hash` is SHA-256 over `previous` and `body`.
CREATE TABLE audit (
    tenant    INTEGER NOT NULL REFERENCES tenants (key),
    seq       INTEGER NOT NULL,
    body      TEXT NOT NULL,
    previous  TEXT NOT NULL CHECK (length(previous) = 64),
    hash      TEXT NOT NULL CHECK (length(hash) = 64),
    PRIMARY KEY (tenant, seq)
) WITHOUT ROWID;
-- Where the chain ends: a record cut off at the end is noticed.
CREATE TABLE audit_heads (
    tenant  INTEGER PRIMARY KEY REFERENCES tenants (key),
    seq     INTEGER NOT NULL,
    hash    TEXT NOT NULL
);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
