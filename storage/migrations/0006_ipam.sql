-- The built-in IPAM, for those without NetBox. Parents, what is given out of them, and what is free as its largest blocks (halves of
-- halves), so that the lowest free place is one look for each length however many prefixes there are. The rules are domain/src/ipam/space.
CREATE TABLE ipam_parents (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant  INTEGER NOT NULL REFERENCES tenants (key),
    vrf     INTEGER NOT NULL CHECK (vrf >= 0),
    prefix  TEXT NOT NULL,
    first   BLOB NOT NULL CHECK (length(first) = 16),
    last    BLOB NOT NULL CHECK (length(last) = 16)
);
CREATE UNIQUE INDEX ipam_parents_prefix ON ipam_parents (tenant, vrf, prefix);

-- Ids are never used twice: one that is remembered somewhere must not become another prefix.
CREATE TABLE ipam_prefixes (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant      INTEGER NOT NULL REFERENCES tenants (key),
    parent      INTEGER NOT NULL REFERENCES ipam_parents (id),
    vrf         INTEGER NOT NULL CHECK (vrf >= 0),
    prefix      TEXT NOT NULL,
    first       BLOB NOT NULL CHECK (length(first) = 16),
    last        BLOB NOT NULL CHECK (length(last) = 16),
    status      TEXT NOT NULL CHECK (status IN ('reserved', 'active', 'deprecated')),
    -- Empty for what a subscriber had before the parent was begun.
    operation   BLOB CHECK (length(operation) = 16),
    subscriber  TEXT NOT NULL,
    hold_until  INTEGER,
    made_at     INTEGER NOT NULL
);
CREATE UNIQUE INDEX ipam_prefixes_operation ON ipam_prefixes (tenant, operation) WHERE operation IS NOT NULL;
CREATE UNIQUE INDEX ipam_prefixes_first ON ipam_prefixes (tenant, vrf, first);
CREATE INDEX ipam_prefixes_parent ON ipam_prefixes (parent);

-- What is stored does not overlap, so what begins inside the new one and the nearest before it are all there is to look at.
CREATE TRIGGER ipam_prefixes_overlap AFTER INSERT ON ipam_prefixes BEGIN
    SELECT RAISE(ABORT, 'overlap') WHERE EXISTS (
        SELECT 1 FROM ipam_prefixes AS o
        WHERE o.tenant = new.tenant AND o.vrf = new.vrf AND o.id <> new.id AND o.first BETWEEN new.first AND new.last
    ) OR (
        SELECT o.last FROM ipam_prefixes AS o
        WHERE o.tenant = new.tenant AND o.vrf = new.vrf AND o.id <> new.id AND o.first < new.first
        ORDER BY o.first DESC LIMIT 1
    ) >= new.first;
END;

CREATE TABLE ipam_free (
    parent  INTEGER NOT NULL REFERENCES ipam_parents (id),
    len     INTEGER NOT NULL CHECK (len BETWEEN 0 AND 128),
    first   BLOB NOT NULL CHECK (length(first) = 16),
    PRIMARY KEY (parent, len, first)
) WITHOUT ROWID;
