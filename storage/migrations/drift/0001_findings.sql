-- What checks of this machine found. Losing this file loses how old a finding is and what was dismissed, nothing else.

CREATE TABLE findings (
    tenant        BLOB NOT NULL CHECK (length(tenant) = 16),
    key           TEXT NOT NULL,
    kind          TEXT NOT NULL,
    -- The finding as JSON; what is compared, shown and repaired.
    body          TEXT NOT NULL CHECK (json_valid(body)),
    first_seen    INTEGER NOT NULL,
    last_seen     INTEGER NOT NULL,
    dismissed_at  INTEGER,
    dismissed_by  TEXT,
    dismissed_why TEXT,
    CHECK ((dismissed_at IS NULL) = (dismissed_by IS NULL) AND (dismissed_at IS NULL) = (dismissed_why IS NULL)),
    PRIMARY KEY (tenant, key)
) WITHOUT ROWID;

CREATE TABLE checks (
    id          INTEGER PRIMARY KEY,
    tenant      BLOB NOT NULL CHECK (length(tenant) = 16),
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER,
    -- The report as JSON, once it has ended.
    report      TEXT CHECK (report IS NULL OR json_valid(report)),
    CHECK ((ended_at IS NULL) = (report IS NULL))
);

-- What repairs did that are no lifecycle operations: written before anybody is asked, ended after the answer.
CREATE TABLE mends (
    tenant        BLOB NOT NULL CHECK (length(tenant) = 16),
    operation     BLOB NOT NULL CHECK (length(operation) = 16),
    key           TEXT NOT NULL,
    netbox_id     INTEGER,
    prefix        TEXT,
    what          TEXT NOT NULL CHECK (what IN ('deprecate', 'delete', 'put_back', 'login', 'ask_nas')),
    actor         TEXT NOT NULL,
    reason        TEXT,
    requested_at  INTEGER NOT NULL,
    ended_at      INTEGER,
    answer        TEXT,
    CHECK ((ended_at IS NULL) = (answer IS NULL)),
    PRIMARY KEY (tenant, operation)
) WITHOUT ROWID;
