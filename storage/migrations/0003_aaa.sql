-- Steps that ask the AAA system. SQLite does not change a CHECK, so the journal is written anew.

CREATE TABLE operation_steps_new (
    tenant      INTEGER NOT NULL REFERENCES tenants (key),
    operation   BLOB NOT NULL,
    seq         INTEGER NOT NULL,
    step        TEXT NOT NULL CHECK (step IN ('netbox_delete', 'netbox_allocate', 'netbox_activate', 'netbox_deprecate', 'nas_coa',
                    'nas_disconnect', 'aaa_write', 'aaa_restore')),
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
INSERT INTO operation_steps_new (tenant, operation, seq, step, attempt, upstream, request, status, answer, started_at, ended_at)
    SELECT tenant, operation, seq, step, attempt, upstream, request, status, answer, started_at, ended_at FROM operation_steps
    ORDER BY tenant, operation, seq;
DROP TABLE operation_steps;
ALTER TABLE operation_steps_new RENAME TO operation_steps;
