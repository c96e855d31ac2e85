-- Jobs: sets of subscribers that go through the same course, and how far each of them is. A file of its own beside the store or the outbox:
-- every commit is synced. Times are microseconds since 1970 (UTC). Identifiers are 16 bytes. Words are those of the domain's enums.

CREATE TABLE jobs (
    key         INTEGER PRIMARY KEY,
    id          BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    tenant      BLOB NOT NULL CHECK (length(tenant) = 16),
    -- Whose work it is, of a copy of a centre: another login never sees nor runs it.
    login       TEXT NOT NULL,
    -- JSON of the domain's types.
    course      TEXT NOT NULL CHECK (json_valid(course)),
    terms       TEXT NOT NULL CHECK (json_valid(terms)),
    actor       TEXT NOT NULL CHECK (json_valid(actor)),
    nases       TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(nases)),
    tally       TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(tally)),
    source      TEXT NOT NULL,
    retry_of    BLOB CHECK (retry_of IS NULL OR length(retry_of) = 16),
    -- The set is whole: before that nobody sees it.
    ready       INTEGER NOT NULL DEFAULT 0 CHECK (ready IN (0, 1)),
    state       TEXT NOT NULL DEFAULT 'previewed' CHECK (state IN ('previewed', 'canary', 'running', 'paused', 'stopped', 'cancelling',
                    'cancelled', 'done')),
    wish        TEXT NOT NULL DEFAULT 'preview' CHECK (wish IN ('preview', 'go', 'pause', 'cancel')),
    why         TEXT,
    forgiven    INTEGER NOT NULL DEFAULT 0,
    per_s       REAL,
    eta_s       INTEGER,
    made_at     INTEGER NOT NULL,
    started_at  INTEGER,
    ended_at    INTEGER,
    CHECK ((ended_at IS NULL) = (state NOT IN ('cancelled', 'done')))
);
CREATE INDEX jobs_made ON jobs (made_at);

CREATE TABLE items (
    job           INTEGER NOT NULL REFERENCES jobs (key) ON DELETE CASCADE,
    seq           INTEGER NOT NULL,
    subscriber    BLOB NOT NULL CHECK (length(subscriber) = 16),
    number        TEXT NOT NULL,
    name          TEXT NOT NULL,
    nas           INTEGER NOT NULL,
    seen_version  INTEGER,
    canary        INTEGER NOT NULL DEFAULT 0 CHECK (canary IN (0, 1)),
    state         TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'ended')),
    stage         INTEGER NOT NULL DEFAULT 0,
    did           INTEGER NOT NULL DEFAULT 0 CHECK (did IN (0, 1)),
    bad           TEXT CHECK (bad IN ('refused', 'unanswered', 'failed')),
    -- Of the present stage; here before that begins, so that beginning it again is the same operation.
    operation     BLOB CHECK (operation IS NULL OR length(operation) = 16),
    since         INTEGER,
    outcome       TEXT CHECK (outcome IN ('succeeded', 'already_there', 'unproven', 'refused', 'unanswered', 'failed', 'cancelled', 'left_out')),
    ended_no      INTEGER NOT NULL DEFAULT 0,
    note          TEXT,
    ended_at      INTEGER,
    CHECK ((outcome IS NULL) = (state <> 'ended')),
    CHECK (state <> 'running' OR operation IS NOT NULL),
    PRIMARY KEY (job, seq)
) WITHOUT ROWID;
-- A subscriber goes once.
CREATE UNIQUE INDEX items_subscriber ON items (job, subscriber);
-- An item ends once.
CREATE TRIGGER items_end_once BEFORE UPDATE OF state, outcome ON items WHEN old.state = 'ended' BEGIN
    SELECT RAISE(ABORT, 'an item of a job ends once');
END;
