-- Use of pools over time, for the outlook: the last look of each hour for two weeks, of each day for 400 days. `at` is the time of the look,
-- `bucket` the hour or day that it stands for (seconds since 1970). In delegations of the pool's own length.
CREATE TABLE pool_samples (
    tenant    INTEGER NOT NULL REFERENCES tenants (key),
    pool      INTEGER NOT NULL,
    span      TEXT NOT NULL CHECK (span IN ('hour', 'day')),
    bucket    INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    used      INTEGER NOT NULL CHECK (used >= 0),
    capacity  INTEGER NOT NULL CHECK (capacity >= 0),
    PRIMARY KEY (tenant, pool, span, bucket)
) WITHOUT ROWID;

-- How many delegations of each length still fit, as a list of {len, count}.
ALTER TABLE pools ADD COLUMN fits TEXT;
