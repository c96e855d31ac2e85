-- Reconcile is an operation, with steps of its own. SQLite does not change a CHECK, so operations and their journal are written anew.

CREATE TABLE operations_new (
    tenant            INTEGER NOT NULL REFERENCES tenants (key),
    id                BLOB NOT NULL CHECK (length(id) = 16),
    subscriber        BLOB NOT NULL,
    kind              TEXT NOT NULL CHECK (kind IN ('allocate', 'activate', 'suspend', 'resume', 'revoke', 'release',
                        'reconcile')),
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
    steps             TEXT,
    open              INTEGER GENERATED ALWAYS AS (status IN ('running', 'waiting')) VIRTUAL,
    CHECK ((ended_at IS NULL) = (status IN ('running', 'waiting'))),
    CHECK (ended_at IS NULL OR lease_owner IS NULL),
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, subscriber) REFERENCES subscribers (tenant, id)
) WITHOUT ROWID;
INSERT INTO operations_new (tenant, id, subscriber, kind, status, actor, role, origin, options, expected_version, requested_at, plan, progress,
        before, retry_at, ended_at, error, lease_owner, lease_until, watch_until, watch_next, steps)
    SELECT tenant, id, subscriber, kind, status, actor, role, origin, options, expected_version, requested_at, plan, progress,
        before, retry_at, ended_at, error, lease_owner, lease_until, watch_until, watch_next, steps
    FROM operations ORDER BY tenant, id;
CREATE TABLE operation_steps_new (
    tenant      INTEGER NOT NULL REFERENCES tenants (key),
    operation   BLOB NOT NULL,
    seq         INTEGER NOT NULL,
    step        TEXT NOT NULL CHECK (step IN ('netbox_delete', 'netbox_allocate', 'netbox_activate', 'netbox_deprecate',
                    'netbox_put_back', 'nas_coa', 'nas_disconnect', 'aaa_write', 'aaa_restore', 'reset')),
    attempt     INTEGER NOT NULL,
    upstream    TEXT NOT NULL,
    request     TEXT NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('started', 'done', 'refused', 'unclear', 'unreachable', 'unanswered', 'skipped')),
    answer      TEXT,
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER,
    CHECK ((ended_at IS NULL) = (status = 'started')),
    PRIMARY KEY (tenant, operation, seq),
    FOREIGN KEY (tenant, operation) REFERENCES operations_new (tenant, id)
) WITHOUT ROWID;
INSERT INTO operation_steps_new (tenant, operation, seq, step, attempt, upstream, request, status, answer, started_at, ended_at)
    SELECT tenant, operation, seq, step, attempt, upstream, request, status, answer, started_at, ended_at FROM operation_steps
    ORDER BY tenant, operation, seq;
DROP TABLE operation_steps;
DROP TABLE operations;
-- What names the new table names it by its new name from here on.
ALTER TABLE operations_new RENAME TO operations;
ALTER TABLE operation_steps_new RENAME TO operation_steps;
-- One subscriber, one running operation.
CREATE UNIQUE INDEX operations_open ON operations (tenant, subscriber) WHERE open = 1;
CREATE INDEX operations_subscriber ON operations (tenant, subscriber, requested_at);
CREATE INDEX operations_requested ON operations (tenant, requested_at);
CREATE INDEX operations_status ON operations (tenant, status, requested_at);
CREATE INDEX operations_ended ON operations (tenant, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX operations_watch ON operations (tenant, watch_next) WHERE watch_until IS NOT NULL;
