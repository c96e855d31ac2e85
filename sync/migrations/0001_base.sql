-- The centre's tables. Run as the role noctule_owner (NOLOGIN), which owns everything; operators are login roles of their own, members of
-- noctule_member, and never write a table: only the SECURITY DEFINER functions of the later migrations do.
-- tenant_id is first in every primary key and index, so that the schema can be partitioned or distributed by tenant unchanged. Tables without a
-- tenant (meta, migrations, tenants' own list) are small and the same everywhere.
-- Words are those of the domain's enums. A session works on one tenant: the setting noctule.tenant says which; being a member of it is checked.

CREATE TABLE noctule.meta (
    one           boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- Made anew by `noctule central init` alone: part of the name of a history.
    generation    uuid NOT NULL DEFAULT gen_random_uuid(),
    -- Consoles that speak less than this are told to upgrade.
    min_protocol  integer NOT NULL DEFAULT 1,
    -- Tombstones of transactions up to this one have been cleaned away: a console whose cursor is not beyond it copies anew.
    feed_floor    xid8 NOT NULL DEFAULT '0',
    created_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE noctule.tenants (
    tenant_id  uuid PRIMARY KEY,
    name       text NOT NULL CHECK (name <> ''),
    -- How long a released prefix rests before it is deleted.
    hold       interval NOT NULL DEFAULT '24 hours' CHECK (hold >= '0'),
    lease      interval NOT NULL DEFAULT '30 seconds' CHECK (lease BETWEEN '5 seconds' AND '1 hour')
);

-- Who may work on which tenant, as what. login is the name of a PostgreSQL role.
CREATE TABLE noctule.members (
    tenant_id   uuid NOT NULL REFERENCES noctule.tenants,
    login       text NOT NULL CHECK (login <> ''),
    role        text NOT NULL CHECK (role IN ('admin', 'noc', 'dispatcher', 'technician', 'viewer')),
    full_name   text NOT NULL DEFAULT '',
    -- Whose own tasks, time and position a technician sees.
    technician  uuid,
    -- Rises when the rights change: consoles then copy anew.
    epoch       bigint NOT NULL DEFAULT 1,
    added_at    timestamptz NOT NULL DEFAULT now(),
    revoked_at  timestamptz,
    CHECK (role <> 'technician' OR technician IS NOT NULL),
    PRIMARY KEY (tenant_id, login)
);

CREATE TABLE noctule.nas (
    tenant_id       uuid NOT NULL REFERENCES noctule.tenants,
    id              uuid NOT NULL,
    name            text NOT NULL CHECK (name <> ''),
    profile         text NOT NULL,
    address         text NOT NULL,
    nas_ip          text,
    nas_identifier  text,
    -- Where the secret is found (env:, file:, command:), never the secret.
    secret          text NOT NULL CHECK (secret ~ '^(env|file|command|keyring):'),
    lat             double precision,
    lng             double precision,
    site            text,
    enabled         boolean NOT NULL DEFAULT true,
    reach           text NOT NULL DEFAULT 'unknown' CHECK (reach IN ('unknown', 'up', 'busy', 'silent')),
    round_trip_us   bigint,
    last_answer_at  timestamptz,
    last_asked_at   timestamptz,
    acks            bigint NOT NULL DEFAULT 0,
    naks            bigint NOT NULL DEFAULT 0,
    timeouts        bigint NOT NULL DEFAULT 0,
    CHECK ((lat IS NULL) = (lng IS NULL)),
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX nas_name ON noctule.nas (tenant_id, lower(name));

CREATE TABLE noctule.pools (
    tenant_id      uuid NOT NULL REFERENCES noctule.tenants,
    id             uuid NOT NULL DEFAULT gen_random_uuid(),
    netbox_id      bigint NOT NULL,
    prefix         cidr NOT NULL CHECK (family(prefix) = 6),
    vrf            bigint,
    status         text NOT NULL CHECK (status IN ('container', 'active', 'reserved', 'deprecated')),
    description    text NOT NULL DEFAULT '',
    delegated_len  integer NOT NULL CHECK (delegated_len BETWEEN 0 AND 128),
    used           bigint NOT NULL,
    seen_at        timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX pools_netbox ON noctule.pools (tenant_id, netbox_id);

CREATE TABLE noctule.technicians (
    tenant_id                uuid NOT NULL REFERENCES noctule.tenants,
    id                       uuid NOT NULL,
    employee_id              text NOT NULL CHECK (employee_id <> ''),
    name                     text NOT NULL,
    email                    text,
    phone                    text,
    mobile                   text,
    status                   text NOT NULL CHECK (status IN ('available', 'on_job', 'on_break', 'off_duty', 'unavailable')),
    skill_level              text NOT NULL CHECK (skill_level IN ('trainee', 'junior', 'intermediate', 'senior', 'expert')),
    home_lat                 double precision,
    home_lng                 double precision,
    fix_lat                  double precision,
    fix_lng                  double precision,
    fix_accuracy_m           double precision,
    fix_speed_kmh            double precision,
    fix_heading_deg          double precision,
    fix_at                   timestamptz,
    team                     text,
    skills                   jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(skills) = 'array'),
    time_zone                text NOT NULL,
    work_from_min            integer NOT NULL,
    work_to_min              integer NOT NULL,
    on_call                  boolean NOT NULL,
    available_for_emergency  boolean NOT NULL,
    rating                   double precision,
    completion_rate          double precision,
    version                  bigint NOT NULL DEFAULT 1,
    updated_at               timestamptz NOT NULL DEFAULT now(),
    updated_by               text NOT NULL DEFAULT '',
    CHECK ((home_lat IS NULL) = (home_lng IS NULL)),
    CHECK ((fix_lat IS NULL) = (fix_lng IS NULL) AND (fix_lat IS NULL) = (fix_at IS NULL)),
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX technicians_employee ON noctule.technicians (tenant_id, employee_id);

CREATE TABLE noctule.subscribers (
    tenant_id         uuid NOT NULL REFERENCES noctule.tenants,
    id                uuid NOT NULL,
    number            text NOT NULL CHECK (number <> ''),
    username          text NOT NULL CHECK (octet_length(username) BETWEEN 1 AND 253),
    full_name         text NOT NULL,
    email             text,
    phone             text,
    status            text NOT NULL CHECK (status IN ('pending', 'active', 'suspended', 'disconnected', 'terminated', 'quarantined')),
    service_type      text,
    download_kbps     bigint,
    upload_kbps       bigint,
    service_address   text,
    lat               double precision,
    lng               double precision,
    site              text,
    nas               uuid,
    vlan              integer CHECK (vlan BETWEEN 0 AND 65535),
    circuit_id        text,
    remote_id         text,
    onu_serial        text,
    cpe_mac           text,
    static_ipv4       text,
    balance_flag      boolean NOT NULL DEFAULT false,
    suspend_reason    text,
    notes             text,
    state             text NOT NULL CHECK (state IN ('pending', 'allocated', 'active', 'suspended', 'revoking', 'revoked', 'failed')),
    mode              text NOT NULL CHECK (mode IN ('none', 'slaac', 'stateful', 'pd', 'dual_stack')),
    enforcement       text NOT NULL DEFAULT 'none'
                      CHECK (enforcement IN ('none', 'requested', 'acknowledged', 'observed', 'refused', 'unanswered')),
    enforcement_note  text,
    prefix            cidr CHECK (family(prefix) = 6),
    -- 0 is the global table (no VRF): NetBox numbers from 1.
    vrf               bigint NOT NULL DEFAULT 0 CHECK (vrf >= 0),
    pd_size           integer CHECK (pd_size BETWEEN 0 AND 128),
    netbox_prefix_id  bigint,
    hold_until        timestamptz,
    last_error        text,
    allocated_at      timestamptz,
    activated_at      timestamptz,
    suspended_at      timestamptz,
    resumed_at        timestamptz,
    revoked_at        timestamptz,
    failed_at         timestamptz,
    since             timestamptz NOT NULL DEFAULT now(),
    version           bigint NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    updated_by        text NOT NULL DEFAULT '',
    CHECK ((lat IS NULL) = (lng IS NULL)),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, nas) REFERENCES noctule.nas (tenant_id, id),
    -- No two live rows hold overlapping prefixes in one tenant and VRF.
    CONSTRAINT subscribers_no_overlap EXCLUDE USING gist (tenant_id WITH =, vrf WITH =, prefix inet_ops WITH &&)
        WHERE (prefix IS NOT NULL AND state IN ('allocated', 'active', 'suspended', 'revoking'))
);
CREATE UNIQUE INDEX subscribers_number ON noctule.subscribers (tenant_id, number);
CREATE UNIQUE INDEX subscribers_username ON noctule.subscribers (tenant_id, username);
CREATE UNIQUE INDEX subscribers_netbox ON noctule.subscribers (tenant_id, netbox_prefix_id) WHERE netbox_prefix_id IS NOT NULL;
CREATE INDEX subscribers_hold ON noctule.subscribers (tenant_id, hold_until) WHERE hold_until IS NOT NULL;
CREATE INDEX subscribers_nas ON noctule.subscribers (tenant_id, nas) WHERE nas IS NOT NULL;

CREATE TABLE noctule.sessions (
    tenant_id         uuid NOT NULL,
    -- The subscriber's id.
    id                uuid NOT NULL,
    nas               uuid NOT NULL,
    acct_session_id   text NOT NULL,
    framed_ipv4       text,
    delegated_prefix  cidr,
    started_at        timestamptz NOT NULL,
    seen_at           timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, id) REFERENCES noctule.subscribers (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, nas) REFERENCES noctule.nas (tenant_id, id)
);

CREATE TABLE noctule.tasks (
    tenant_id       uuid NOT NULL REFERENCES noctule.tenants,
    id              uuid NOT NULL,
    number          text NOT NULL CHECK (number <> ''),
    title           text NOT NULL,
    task_type       text NOT NULL CHECK (task_type IN ('site_survey', 'planning', 'fiber_routing', 'trenching', 'conduit_installation',
                        'cable_pulling', 'splicing', 'termination', 'ont_installation', 'cpe_installation', 'testing', 'documentation',
                        'customer_training', 'closeout', 'inspection', 'troubleshooting', 'custom')),
    status          text NOT NULL CHECK (status IN ('pending', 'ready', 'assigned', 'in_progress', 'blocked', 'paused', 'completed',
                        'failed', 'cancelled', 'skipped')),
    priority        text NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'critical', 'emergency')),
    subscriber      uuid,
    technician      uuid,
    address         text,
    lat             double precision,
    lng             double precision,
    scheduled_at    timestamptz,
    estimate_min    bigint,
    sla_due_at      timestamptz,
    depends_on      uuid[] NOT NULL DEFAULT '{}',
    notes           text,
    blocked_reason  text,
    started_at      timestamptz,
    ended_at        timestamptz,
    version         bigint NOT NULL DEFAULT 1,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    updated_by      text NOT NULL DEFAULT '',
    CHECK ((lat IS NULL) = (lng IS NULL)),
    CHECK (NOT id = ANY (depends_on)),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, subscriber) REFERENCES noctule.subscribers (tenant_id, id),
    FOREIGN KEY (tenant_id, technician) REFERENCES noctule.technicians (tenant_id, id)
);
CREATE UNIQUE INDEX tasks_number ON noctule.tasks (tenant_id, number);
CREATE INDEX tasks_technician ON noctule.tasks (tenant_id, technician) WHERE technician IS NOT NULL;
CREATE INDEX tasks_subscriber ON noctule.tasks (tenant_id, subscriber) WHERE subscriber IS NOT NULL;
CREATE INDEX tasks_depends_on ON noctule.tasks (tenant_id, status) WHERE status = 'pending';

-- depends_on, options, plan, progress, before: JSON as in the local store (serde forms of the domain's types), kept as text so that what a console
-- wrote comes back byte for byte.
CREATE TABLE noctule.operations (
    tenant_id         uuid NOT NULL REFERENCES noctule.tenants,
    id                uuid NOT NULL,
    subscriber        uuid NOT NULL,
    kind              text NOT NULL CHECK (kind IN ('allocate', 'activate', 'suspend', 'resume', 'revoke', 'release')),
    status            text NOT NULL CHECK (status IN ('running', 'waiting', 'succeeded', 'refused', 'unanswered', 'failed', 'cancelled')),
    -- The login that began it.
    actor             text NOT NULL,
    role              text NOT NULL CHECK (role IN ('admin', 'noc', 'dispatcher', 'technician', 'viewer')),
    origin            text NOT NULL,
    options           jsonb NOT NULL,
    expected_version  bigint,
    requested_at      timestamptz NOT NULL,
    plan              jsonb NOT NULL,
    progress          jsonb NOT NULL,
    before            jsonb NOT NULL,
    retry_at          timestamptz,
    ended_at          timestamptz,
    error             text,
    -- The console that drives it, and the login whose console that is.
    lease_owner       uuid,
    lease_login       text,
    lease_until       timestamptz,
    watch_until       timestamptz,
    watch_next        timestamptz,
    CHECK ((ended_at IS NULL) = (status IN ('running', 'waiting'))),
    CHECK (ended_at IS NULL OR lease_owner IS NULL),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, subscriber) REFERENCES noctule.subscribers (tenant_id, id)
);
-- One subscriber, one running operation.
CREATE UNIQUE INDEX operations_open ON noctule.operations (tenant_id, subscriber) WHERE status IN ('running', 'waiting');
CREATE INDEX operations_subscriber ON noctule.operations (tenant_id, subscriber, requested_at);
CREATE INDEX operations_ended ON noctule.operations (tenant_id, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX operations_watch ON noctule.operations (tenant_id, watch_next) WHERE watch_until IS NOT NULL;

CREATE TABLE noctule.operation_steps (
    tenant_id   uuid NOT NULL,
    operation   uuid NOT NULL,
    seq         integer NOT NULL,
    step        text NOT NULL CHECK (step IN ('netbox_delete', 'netbox_allocate', 'netbox_activate', 'netbox_deprecate', 'nas_coa',
                    'nas_disconnect')),
    attempt     integer NOT NULL,
    upstream    text NOT NULL,
    request     text NOT NULL,
    status      text NOT NULL CHECK (status IN ('started', 'done', 'refused', 'unclear', 'unreachable', 'unanswered', 'skipped')),
    answer      text,
    console     uuid,
    started_at  timestamptz NOT NULL,
    ended_at    timestamptz,
    CHECK ((ended_at IS NULL) = (status = 'started')),
    PRIMARY KEY (tenant_id, operation, seq),
    FOREIGN KEY (tenant_id, operation) REFERENCES noctule.operations (tenant_id, id)
);

CREATE TABLE noctule.time_entries (
    tenant_id   uuid NOT NULL,
    id          uuid NOT NULL,
    technician  uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('regular', 'overtime', 'break', 'travel', 'training', 'administrative')),
    status      text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'submitted', 'approved', 'rejected', 'invoiced')),
    task        uuid,
    started_at  timestamptz NOT NULL,
    ended_at    timestamptz CHECK (ended_at >= started_at),
    start_lat   double precision,
    start_lng   double precision,
    end_lat     double precision,
    end_lng     double precision,
    notes       text,
    version     bigint NOT NULL DEFAULT 1,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    updated_by  text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, technician) REFERENCES noctule.technicians (tenant_id, id),
    FOREIGN KEY (tenant_id, task) REFERENCES noctule.tasks (tenant_id, id)
);
-- One open time entry per technician.
CREATE UNIQUE INDEX time_entries_open ON noctule.time_entries (tenant_id, technician) WHERE ended_at IS NULL;
CREATE INDEX time_entries_technician ON noctule.time_entries (tenant_id, technician, started_at);

CREATE TABLE noctule.assignments (
    tenant_id   uuid NOT NULL,
    id          uuid NOT NULL,
    task        uuid NOT NULL,
    technician  uuid NOT NULL,
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL CHECK (ends_at > starts_at),
    status      text NOT NULL DEFAULT 'scheduled'
                CHECK (status IN ('scheduled', 'confirmed', 'in_progress', 'completed', 'cancelled', 'rescheduled')),
    method      text NOT NULL DEFAULT 'manual' CHECK (method IN ('manual', 'auto', 'optimized')),
    version     bigint NOT NULL DEFAULT 1,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    updated_by  text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, task) REFERENCES noctule.tasks (tenant_id, id),
    FOREIGN KEY (tenant_id, technician) REFERENCES noctule.technicians (tenant_id, id),
    -- Nobody is in two places at once.
    CONSTRAINT assignments_no_overlap EXCLUDE USING gist (tenant_id WITH =, technician WITH =, tstzrange(starts_at, ends_at) WITH &&)
        WHERE (status IN ('scheduled', 'confirmed', 'in_progress'))
);
CREATE INDEX assignments_task ON noctule.assignments (tenant_id, task);

-- The log of ops: what was pushed, by whom, and how it was answered. It is the memory by which an op is applied once.
CREATE TABLE noctule.ops (
    tenant_id    uuid NOT NULL REFERENCES noctule.tenants,
    id           uuid NOT NULL,
    console      uuid NOT NULL,
    seq          bigint NOT NULL,
    login        text NOT NULL,
    verb         text NOT NULL,
    target       uuid,
    change       jsonb NOT NULL,
    origin       text NOT NULL DEFAULT '',
    reason       text,
    -- By the device's clock.
    made_at      timestamptz NOT NULL,
    received_at  timestamptz NOT NULL DEFAULT now(),
    answer       jsonb,
    xid          xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ops_target ON noctule.ops (tenant_id, target, received_at);
CREATE INDEX ops_received ON noctule.ops (tenant_id, received_at);

-- body is JSON text of {"seq", "entry"} (AuditEntry); hash is SHA-256 over previous and body. One chain a tenant.
CREATE TABLE noctule.audit (
    tenant_id  uuid NOT NULL REFERENCES noctule.tenants,
    seq        bigint NOT NULL,
    body       text NOT NULL,
    previous   text NOT NULL CHECK (length(previous) = 64),
    hash       text NOT NULL CHECK (length(hash) = 64),
    PRIMARY KEY (tenant_id, seq)
);
CREATE TABLE noctule.audit_heads (
    tenant_id  uuid PRIMARY KEY REFERENCES noctule.tenants,
    seq        bigint NOT NULL,
    hash       text NOT NULL
);

-- The last change of each row: what a console asks for what it has not seen. tab is the table's number (Table::number of the domain).
-- id before tab: with the table's number in front a generic plan read the whole table.
CREATE TABLE noctule.feed (
    tenant_id  uuid NOT NULL,
    id         uuid NOT NULL,
    tab        smallint NOT NULL,
    xid        xid8 NOT NULL DEFAULT pg_current_xact_id(),
    gone       boolean NOT NULL DEFAULT false,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id, tab)
) WITH (fillfactor = 70);
CREATE INDEX feed_xid ON noctule.feed (tenant_id, xid);

-- Who is there. Lost with a crash of the server, and that is fine: consoles say it again every few seconds.
CREATE UNLOGGED TABLE noctule.presence (
    tenant_id   uuid NOT NULL,
    console     uuid NOT NULL,
    login       text NOT NULL,
    host        text NOT NULL DEFAULT '',
    subscriber  uuid,
    seen_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, console)
);
