-- Working time and appointments of technicians, and what a copy of the centre must keep so that a row can be told byte for byte as it came.

CREATE TABLE time_entries (
    tenant      INTEGER NOT NULL REFERENCES tenants (key),
    id          BLOB NOT NULL CHECK (length(id) = 16),
    technician  BLOB NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('regular', 'overtime', 'break', 'travel', 'training', 'administrative')),
    status      TEXT NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'submitted', 'approved', 'rejected', 'invoiced')),
    task        BLOB,
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER CHECK (ended_at >= started_at),
    start_lat   REAL,
    start_lng   REAL,
    end_lat     REAL,
    end_lng     REAL,
    notes       TEXT,
    version     INTEGER NOT NULL DEFAULT 1,
    updated_at  INTEGER NOT NULL,
    CHECK ((start_lat IS NULL) = (start_lng IS NULL)),
    CHECK ((end_lat IS NULL) = (end_lng IS NULL)),
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, technician) REFERENCES technicians (tenant, id),
    FOREIGN KEY (tenant, task) REFERENCES tasks (tenant, id)
) WITHOUT ROWID;
-- One open time entry per technician.
CREATE UNIQUE INDEX time_entries_open ON time_entries (tenant, technician) WHERE ended_at IS NULL;
CREATE INDEX time_entries_technician ON time_entries (tenant, technician, started_at);

CREATE TABLE assignments (
    tenant      INTEGER NOT NULL REFERENCES tenants (key),
    id          BLOB NOT NULL CHECK (length(id) = 16),
    task        BLOB NOT NULL,
    technician  BLOB NOT NULL,
    starts_at   INTEGER NOT NULL,
    ends_at     INTEGER NOT NULL CHECK (ends_at > starts_at),
    status      TEXT NOT NULL DEFAULT 'scheduled'
                CHECK (status IN ('scheduled', 'confirmed', 'in_progress', 'completed', 'cancelled', 'rescheduled')),
    method      TEXT NOT NULL DEFAULT 'manual' CHECK (method IN ('manual', 'auto', 'optimized')),
    version     INTEGER NOT NULL DEFAULT 1,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, task) REFERENCES tasks (tenant, id),
    FOREIGN KEY (tenant, technician) REFERENCES technicians (tenant, id)
) WITHOUT ROWID;
CREATE INDEX assignments_task ON assignments (tenant, task);

-- The centre's own id of a pool; the key here is NetBox's number. Empty on a machine that works alone.
ALTER TABLE pools ADD COLUMN uid BLOB;
CREATE INDEX pools_uid ON pools (tenant, uid) WHERE uid IS NOT NULL;

-- The lists as they came, beside the tables that they are taken apart into. Empty on a machine that works alone.
ALTER TABLE tasks ADD COLUMN depends_on TEXT;
ALTER TABLE operations ADD COLUMN steps TEXT;

-- Rows of the centre that the tables above do not hold as they came. `why` is empty when they are shown all the same (a float that SQLite
-- does not keep, minus zero); else they can not be shown, in words. `tab` is the number of the table, `tuple` the packed row.
CREATE TABLE odd_rows (
    tab    INTEGER NOT NULL,
    id     BLOB NOT NULL CHECK (length(id) = 16),
    tuple  BLOB NOT NULL,
    why    TEXT,
    PRIMARY KEY (tab, id)
) WITHOUT ROWID;
