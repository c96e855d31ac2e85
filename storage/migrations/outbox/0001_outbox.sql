-- What an operator did and the centre has not confirmed yet. The one file of a copy that can not be had again: every commit is synced.
-- Times are microseconds since 1970 (UTC). Identifiers are 16 bytes.

CREATE TABLE ops (
    -- The order in which they were made, and in which they are pushed.
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    tenant       BLOB NOT NULL CHECK (length(tenant) = 16),
    -- Whose work it is: another login never sees nor pushes it.
    login        TEXT NOT NULL,
    made_at      INTEGER NOT NULL,
    origin       TEXT NOT NULL,
    reason       TEXT,
    -- JSON of the domain's `Change`.
    change       TEXT NOT NULL CHECK (json_valid(change)),
    -- What it is about, in words, as it was called then.
    target       TEXT NOT NULL,
    state        TEXT NOT NULL DEFAULT 'unsent' CHECK (state IN ('unsent', 'answered', 'done', 'conflict', 'refused')),
    -- JSON of the domain's `Answer`.
    answer       TEXT CHECK (answer IS NULL OR json_valid(answer)),
    answered_at  INTEGER,
    -- The centre's transaction and the history that its number belongs to: laid over what is read until a read has seen it.
    xid          INTEGER,
    history      TEXT,
    laid         INTEGER NOT NULL DEFAULT 1 CHECK (laid IN (0, 1)),
    -- The console that is still at it (an emergency whose packet is out): not pushed before that has ended, or is dead.
    under_way    BLOB CHECK (under_way IS NULL OR length(under_way) = 16),
    -- mine, theirs, both: what the operator decided about a conflict.
    resolution   TEXT CHECK (resolution IN ('mine', 'theirs', 'both')),
    CHECK ((state = 'unsent') = (answer IS NULL))
);
CREATE INDEX ops_laid ON ops (seq) WHERE laid = 1;
CREATE INDEX ops_unsent ON ops (seq) WHERE state = 'unsent';
CREATE INDEX ops_waiting ON ops (seq) WHERE state <> 'done';
CREATE INDEX ops_done ON ops (answered_at) WHERE state = 'done';
