-- Pools: their use over time, for the outlook that all consoles share, and the book of the built-in IPAM.

-- The last look of each hour for two weeks, of each day for 400 days, in delegations of the pool's own length.
CREATE TABLE noctule.pool_samples (
    tenant_id  uuid NOT NULL REFERENCES noctule.tenants,
    pool       bigint NOT NULL,
    span       text NOT NULL CHECK (span IN ('hour', 'day')),
    bucket     timestamptz NOT NULL,
    at         timestamptz NOT NULL,
    used       bigint NOT NULL CHECK (used >= 0),
    capacity   bigint NOT NULL CHECK (capacity >= 0),
    PRIMARY KEY (tenant_id, pool, span, bucket)
);

-- How many delegations of each length still fit, as the last look told: a list of {len, count}. Not a column of pools, whose rows travel to
-- every console as they are.
CREATE TABLE noctule.pool_fits (
    tenant_id  uuid NOT NULL REFERENCES noctule.tenants,
    pool       bigint NOT NULL,
    fits       jsonb NOT NULL,
    PRIMARY KEY (tenant_id, pool)
);

-- Parents of the built-in IPAM, what is given out of them, and what is free as its largest blocks (halves of halves): the rules are
-- domain/src/ipam/space, the twin of it is storage/src/ipam.
CREATE TABLE noctule.ipam_parents (
    tenant_id  uuid NOT NULL REFERENCES noctule.tenants,
    id         bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    vrf        bigint NOT NULL CHECK (vrf >= 0),
    prefix     cidr NOT NULL CHECK (family(prefix) = 6),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT ipam_parents_no_overlap EXCLUDE USING gist (tenant_id WITH =, vrf WITH =, prefix inet_ops WITH &&)
);

CREATE TABLE noctule.ipam_prefixes (
    tenant_id   uuid NOT NULL REFERENCES noctule.tenants,
    -- Never used twice: one that is remembered somewhere must not become another prefix.
    id          bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    parent      bigint NOT NULL,
    vrf         bigint NOT NULL CHECK (vrf >= 0),
    prefix      cidr NOT NULL CHECK (family(prefix) = 6),
    status      text NOT NULL CHECK (status IN ('reserved', 'active', 'deprecated')),
    -- Null for what a subscriber had before the parent was begun.
    operation   uuid,
    subscriber  text NOT NULL,
    hold_until  timestamptz,
    made_at     timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, parent) REFERENCES noctule.ipam_parents (tenant_id, id),
    -- Whatever goes wrong elsewhere: nothing is given twice.
    CONSTRAINT ipam_prefixes_no_overlap EXCLUDE USING gist (tenant_id WITH =, vrf WITH =, prefix inet_ops WITH &&)
);
CREATE UNIQUE INDEX ipam_prefixes_operation ON noctule.ipam_prefixes (tenant_id, operation) WHERE operation IS NOT NULL;
CREATE INDEX ipam_prefixes_parent ON noctule.ipam_prefixes (tenant_id, parent);

CREATE TABLE noctule.ipam_free (
    tenant_id  uuid NOT NULL REFERENCES noctule.tenants,
    parent     bigint NOT NULL,
    len        integer NOT NULL CHECK (len BETWEEN 0 AND 128),
    block      cidr NOT NULL,
    PRIMARY KEY (tenant_id, parent, len, block),
    FOREIGN KEY (tenant_id, parent) REFERENCES noctule.ipam_parents (tenant_id, id),
    CHECK (masklen(block) = len)
);

DO $$
DECLARE
    relation text;
BEGIN
    FOREACH relation IN ARRAY '{pool_samples,pool_fits,ipam_parents,ipam_prefixes,ipam_free}'::text[] LOOP
        EXECUTE format('ALTER TABLE noctule.%I ENABLE ROW LEVEL SECURITY', relation);
        EXECUTE format('ALTER TABLE noctule.%I FORCE ROW LEVEL SECURITY', relation);
        EXECUTE format('REVOKE ALL ON noctule.%I FROM PUBLIC', relation);
        EXECUTE format('CREATE POLICY owner ON noctule.%I TO noctule_owner USING (tenant_id = (SELECT noctule.tenant()))
            WITH CHECK (tenant_id = (SELECT noctule.tenant()))', relation);
    END LOOP;
END $$;

-- What the pools have come to, told beside `pools_replace` and by the same consoles: a list of {id, at, used, capacity, fits}. A look that is
-- older than the one that is kept changes nothing; a clock that runs ahead is taken for now.
CREATE FUNCTION noctule.pools_seen(seen jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
    needs CONSTANT text := noctule.rule_needed('allocate');
    moment CONSTANT timestamptz := clock_timestamp();
BEGIN
    IF NOT noctule.allows(noctule.role(), needs) THEN
        RETURN noctule.not_permitted(noctule.role(), needs);
    END IF;
    IF jsonb_typeof(seen) IS DISTINCT FROM 'array' OR jsonb_array_length(seen) > 10000 THEN
        RAISE EXCEPTION 'this is no list of pools: those that are known stay';
    END IF;
    -- In one order, so that two consoles do not wait for each other.
    INSERT INTO noctule.pool_samples AS k (tenant_id, pool, span, bucket, at, used, capacity)
        SELECT DISTINCT ON (p.id, s.span) here, p.id, s.span, date_trunc(s.span, least(p.at, moment), 'UTC'), least(p.at, moment), p.used, p.capacity
        FROM jsonb_to_recordset(seen) AS p(id bigint, at timestamptz, used bigint, capacity bigint), (VALUES ('hour'), ('day')) AS s(span)
        WHERE p.at > moment - interval '1 day'
        ORDER BY p.id, s.span, p.at DESC
        ON CONFLICT (tenant_id, pool, span, bucket) DO UPDATE SET at = excluded.at, used = excluded.used, capacity = excluded.capacity
            WHERE excluded.at > k.at AND (excluded.at > k.at + interval '1 minute' OR (excluded.used, excluded.capacity) <> (k.used, k.capacity));
    INSERT INTO noctule.pool_fits AS k (tenant_id, pool, fits)
        SELECT DISTINCT ON (p.id) here, p.id, coalesce(p.fits, '[]') FROM jsonb_to_recordset(seen) AS p(id bigint, fits jsonb) ORDER BY p.id
        ON CONFLICT (tenant_id, pool) DO UPDATE SET fits = excluded.fits WHERE k.fits <> excluded.fits;
    DELETE FROM noctule.pool_samples AS k WHERE k.tenant_id = here AND k.pool IN (SELECT p.id FROM jsonb_to_recordset(seen) AS p(id bigint))
        AND (k.span = 'hour' AND k.bucket < moment - interval '14 days' OR k.span = 'day' AND k.bucket < moment - interval '400 days');
    RETURN '{"ok": true}';
END $$;

-- The history of the pools that are known now, oldest first: days, then the hours that are finer than they. For everybody who sees pools.
CREATE FUNCTION noctule.pools_told() RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
BEGIN
    IF noctule.role() = 'technician' THEN
        RETURN '{"pools": {}}';
    END IF;
    RETURN jsonb_build_object('pools', coalesce((
        SELECT jsonb_object_agg(p.netbox_id, jsonb_build_object(
            'fits', coalesce((SELECT f.fits FROM noctule.pool_fits AS f WHERE f.tenant_id = here AND f.pool = p.netbox_id), '[]'),
            'history', coalesce((
                SELECT jsonb_agg(jsonb_build_object('at', noctule.at_text(k.at), 'used', k.used, 'capacity', k.capacity) ORDER BY k.at)
                FROM noctule.pool_samples AS k WHERE k.tenant_id = here AND k.pool = p.netbox_id AND (k.span = 'hour' OR k.at < coalesce((
                    SELECT min(h.at) FROM noctule.pool_samples AS h WHERE h.tenant_id = here AND h.pool = p.netbox_id AND h.span = 'hour'), 'infinity'))
            ), '[]')))
        FROM noctule.pools AS p WHERE p.tenant_id = here), '{}'));
END $$;

-- The other half of the block that `net` is a half of.
CREATE FUNCTION noctule.ipam_buddy(net cidr) RETURNS cidr LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = ''
AS $$
    SELECT CASE WHEN net = low.half THEN network(set_masklen(broadcast(up.whole), masklen(net)))::cidr ELSE low.half END
    FROM (SELECT network(set_masklen(net::inet, masklen(net) - 1)) AS whole) AS up,
        LATERAL (SELECT set_masklen(up.whole::inet, masklen(net))::cidr AS half) AS low
$$;

CREATE FUNCTION noctule.ipam_json(p noctule.ipam_prefixes) RETURNS jsonb LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT jsonb_build_object('id', p.id, 'prefix', p.prefix::text, 'vrf', nullif(p.vrf, 0), 'status', p.status, 'operation', p.operation)
$$;

-- Takes `net` out of what is free in the parent; where only pieces of it are free, those.
CREATE FUNCTION noctule.ipam_carve(here uuid, pid bigint, net cidr) RETURNS void LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    whole cidr;
BEGIN
    -- The block around it, if there is one: one look for each length.
    SELECT f.block INTO whole FROM generate_series(0, masklen(net)) AS l
        JOIN noctule.ipam_free AS f ON f.tenant_id = here AND f.parent = pid AND f.len = l AND f.block = network(set_masklen(net::inet, l));
    IF whole IS NULL THEN
        DELETE FROM noctule.ipam_free AS f WHERE f.tenant_id = here AND f.parent = pid AND f.block << net;
        RETURN;
    END IF;
    DELETE FROM noctule.ipam_free AS f WHERE f.tenant_id = here AND f.parent = pid AND f.len = masklen(whole) AND f.block = whole;
    INSERT INTO noctule.ipam_free (tenant_id, parent, len, block)
        SELECT here, pid, l, noctule.ipam_buddy(network(set_masklen(net::inet, l))::cidr) FROM generate_series(masklen(whole) + 1, masklen(net)) AS l;
END $$;

-- A prefix that a subscriber has and this book did not give.
CREATE FUNCTION noctule.ipam_hold(here uuid, pid bigint, table_of bigint, net cidr, holder text) RETURNS void LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    PERFORM noctule.ipam_carve(here, pid, net);
    IF NOT EXISTS (SELECT FROM noctule.ipam_prefixes AS p WHERE p.tenant_id = here AND p.vrf = table_of AND p.prefix && net) THEN
        INSERT INTO noctule.ipam_prefixes (tenant_id, parent, vrf, prefix, status, subscriber, made_at)
            VALUES (here, pid, table_of, net, 'active', holder, clock_timestamp());
    END IF;
END $$;

-- The parent's id, locked against others; begun when it is new. Null: it overlaps another.
CREATE FUNCTION noctule.ipam_parent(here uuid, table_of bigint, net cidr) RETURNS bigint LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    known bigint;
BEGIN
    SELECT p.id INTO known FROM noctule.ipam_parents AS p WHERE p.tenant_id = here AND p.vrf = table_of AND p.prefix = net FOR UPDATE;
    IF known IS NOT NULL THEN
        RETURN known;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('noctule.ipam_parents ' || here, 0));
    SELECT p.id INTO known FROM noctule.ipam_parents AS p WHERE p.tenant_id = here AND p.vrf = table_of AND p.prefix = net FOR UPDATE;
    IF known IS NOT NULL THEN
        RETURN known;
    END IF;
    IF EXISTS (SELECT FROM noctule.ipam_parents AS p WHERE p.tenant_id = here AND p.vrf = table_of AND p.prefix && net) THEN
        RETURN NULL;
    END IF;
    INSERT INTO noctule.ipam_parents (tenant_id, vrf, prefix) VALUES (here, table_of, net) RETURNING id INTO known;
    INSERT INTO noctule.ipam_free (tenant_id, parent, len, block) VALUES (here, known, masklen(net), net);
    PERFORM noctule.ipam_hold(here, known, table_of, s.prefix, s.number) FROM (
        SELECT k.prefix, k.number FROM noctule.subscribers AS k WHERE k.tenant_id = here AND k.vrf = table_of AND k.prefix <<= net
            AND k.state IN ('allocated', 'active', 'suspended', 'revoking') ORDER BY k.prefix) AS s;
    RETURN known;
END $$;

CREATE FUNCTION noctule.ipam_pools(parents jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
    needs CONSTANT text := noctule.rule_needed('allocate');
    wanted record;
    pid bigint;
    told jsonb := '[]';
BEGIN
    IF jsonb_typeof(parents) IS DISTINCT FROM 'array' OR jsonb_array_length(parents) > 10000 THEN
        RAISE EXCEPTION 'this is no list of parents';
    END IF;
    FOR wanted IN SELECT w.prefix, coalesce(w.vrf, 0) AS vrf FROM jsonb_to_recordset(parents) AS w(prefix cidr, vrf bigint) LOOP
        IF noctule.allows(noctule.role(), needs) THEN
            pid := noctule.ipam_parent(here, wanted.vrf, wanted.prefix);
        ELSE
            SELECT p.id INTO pid FROM noctule.ipam_parents AS p WHERE p.tenant_id = here AND p.vrf = wanted.vrf AND p.prefix = wanted.prefix;
        END IF;
        told := told || jsonb_build_array(jsonb_build_object('id', coalesce(pid, 0), 'prefix', wanted.prefix::text, 'vrf', nullif(wanted.vrf, 0),
            'used', (SELECT count(*) FROM noctule.ipam_prefixes AS p WHERE p.tenant_id = here AND p.parent = pid),
            'blocks', coalesce((SELECT jsonb_agg(jsonb_build_array(b.len, b.n) ORDER BY b.len) FROM (SELECT f.len, count(*) AS n
                FROM noctule.ipam_free AS f WHERE f.tenant_id = here AND f.parent = pid GROUP BY f.len) AS b), '[]'),
            'trouble', CASE WHEN pid IS NULL THEN wanted.prefix || ' overlaps another pool that is in use, or is not begun yet: nothing is given from it' END));
    END LOOP;
    RETURN jsonb_build_object('pools', told);
END $$;

CREATE FUNCTION noctule.ipam_take(ask jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
    needs CONSTANT text := noctule.rule_needed('allocate');
    by_op CONSTANT uuid := (ask->>'operation')::uuid;
    wanted CONSTANT integer := (ask->>'len')::integer;
    net CONSTANT cidr := (ask->'parent'->>'prefix')::cidr;
    table_of CONSTANT bigint := coalesce((ask->'parent'->>'vrf')::bigint, 0);
    pid bigint;
    piece cidr;
    place cidr;
    theirs record;
    made noctule.ipam_prefixes;
BEGIN
    IF NOT noctule.allows(noctule.role(), needs) THEN
        RETURN noctule.not_permitted(noctule.role(), needs);
    END IF;
    IF by_op IS NULL OR wanted IS NULL OR net IS NULL OR wanted NOT BETWEEN 48 AND 64 THEN
        RAISE EXCEPTION 'this is no question for a prefix';
    END IF;
    -- The lock of the parent comes first: a twin of this call waits here, and then finds what this one took.
    pid := noctule.ipam_parent(here, table_of, net);
    SELECT p.* INTO made FROM noctule.ipam_prefixes AS p WHERE p.tenant_id = here AND p.operation = by_op;
    IF FOUND THEN
        RETURN jsonb_build_object('taken', jsonb_build_object('earlier', noctule.ipam_json(made)));
    END IF;
    IF pid IS NULL THEN
        RETURN jsonb_build_object('taken', jsonb_build_object('refused', net || ' overlaps another pool, which is in use: nothing is given from it'));
    END IF;
    LOOP
        SELECT f.block INTO piece FROM generate_series(masklen(net), wanted) AS l CROSS JOIN LATERAL (SELECT k.block FROM noctule.ipam_free AS k
            WHERE k.tenant_id = here AND k.parent = pid AND k.len = l ORDER BY k.block LIMIT 1) AS f ORDER BY host(f.block)::inet LIMIT 1;
        EXIT WHEN piece IS NULL;
        place := set_masklen(piece::inet, wanted)::cidr;
        -- Imported since the parent was begun.
        SELECT k.prefix, k.number INTO theirs FROM noctule.subscribers AS k WHERE k.tenant_id = here AND k.vrf = table_of AND k.prefix && place
            AND k.state IN ('allocated', 'active', 'suspended', 'revoking') LIMIT 1;
        IF FOUND THEN
            EXIT WHEN theirs.prefix >>= net;
            PERFORM noctule.ipam_hold(here, pid, table_of, theirs.prefix, theirs.number);
            CONTINUE;
        END IF;
        PERFORM noctule.ipam_carve(here, pid, place);
        BEGIN
            INSERT INTO noctule.ipam_prefixes (tenant_id, parent, vrf, prefix, status, operation, subscriber, made_at)
                VALUES (here, pid, table_of, place, 'reserved', by_op, coalesce(noctule.bounded(ask->>'subscriber'), ''), clock_timestamp())
                RETURNING * INTO made;
        EXCEPTION WHEN unique_violation THEN
            -- The same operation took one of another parent in this moment.
            SELECT p.* INTO made FROM noctule.ipam_prefixes AS p WHERE p.tenant_id = here AND p.operation = by_op;
            PERFORM noctule.ipam_give(here, pid, net, place);
            RETURN jsonb_build_object('taken', jsonb_build_object('earlier', noctule.ipam_json(made)));
        END;
        RETURN jsonb_build_object('taken', jsonb_build_object('new', noctule.ipam_json(made)));
    END LOOP;
    RETURN jsonb_build_object('taken', 'no_room');
END $$;

CREATE FUNCTION noctule.ipam_find(by_op uuid, net text, table_of bigint) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
BEGIN
    IF noctule.role() = 'technician' THEN
        RETURN '{"found": null}';
    END IF;
    RETURN jsonb_build_object('found', (SELECT noctule.ipam_json(p) FROM noctule.ipam_prefixes AS p WHERE p.tenant_id = here
        AND CASE WHEN by_op IS NOT NULL THEN p.operation = by_op ELSE p.vrf = table_of AND p.prefix && net::cidr AND p.prefix = net::cidr END));
END $$;

CREATE FUNCTION noctule.ipam_status(this bigint, expect text, becomes text, hold timestamptz) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
    needs CONSTANT text := noctule.rule_needed('allocate');
    kept noctule.ipam_prefixes;
BEGIN
    IF NOT noctule.allows(noctule.role(), needs) THEN
        RETURN noctule.not_permitted(noctule.role(), needs);
    END IF;
    SELECT p.* INTO kept FROM noctule.ipam_prefixes AS p WHERE p.tenant_id = here AND p.id = this FOR UPDATE;
    IF NOT FOUND THEN
        RETURN '{"changed": "gone"}';
    ELSIF kept.prefix <> expect::cidr THEN
        RETURN jsonb_build_object('changed', jsonb_build_object('other', kept.prefix::text));
    END IF;
    UPDATE noctule.ipam_prefixes AS p SET status = becomes, hold_until = coalesce(hold, p.hold_until) WHERE p.tenant_id = here AND p.id = this;
    RETURN '{"changed": "done"}';
END $$;

-- What comes back joins with its free other half, and that with its own.
CREATE FUNCTION noctule.ipam_give(here uuid, pid bigint, whole cidr, freed cidr) RETURNS void LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    piece cidr := freed;
BEGIN
    WHILE masklen(piece) > masklen(whole) LOOP
        DELETE FROM noctule.ipam_free AS f WHERE f.tenant_id = here AND f.parent = pid AND f.len = masklen(piece)
            AND f.block = noctule.ipam_buddy(piece);
        EXIT WHEN NOT FOUND;
        piece := network(set_masklen(piece::inet, masklen(piece) - 1))::cidr;
    END LOOP;
    INSERT INTO noctule.ipam_free (tenant_id, parent, len, block) VALUES (here, pid, masklen(piece), piece);
END $$;

CREATE FUNCTION noctule.ipam_release(this bigint, expect text, by_op uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
    needs CONSTANT text := noctule.rule_needed('allocate');
    kept noctule.ipam_prefixes;
    whole cidr;
BEGIN
    IF NOT noctule.allows(noctule.role(), needs) THEN
        RETURN noctule.not_permitted(noctule.role(), needs);
    END IF;
    -- The parent's lock before the row's, as in ipam_take.
    SELECT a.prefix INTO whole FROM noctule.ipam_parents AS a JOIN noctule.ipam_prefixes AS p ON p.tenant_id = here AND p.id = this
        AND p.parent = a.id WHERE a.tenant_id = here FOR UPDATE OF a;
    SELECT p.* INTO kept FROM noctule.ipam_prefixes AS p WHERE p.tenant_id = here AND p.id = this FOR UPDATE;
    IF NOT FOUND THEN
        RETURN '{"changed": "gone"}';
    ELSIF kept.prefix <> expect::cidr THEN
        RETURN jsonb_build_object('changed', jsonb_build_object('other', kept.prefix::text));
    ELSIF kept.status <> 'deprecated' AND kept.operation IS DISTINCT FROM by_op THEN
        RETURN jsonb_build_object('changed', jsonb_build_object('in_use', kept.status));
    END IF;
    DELETE FROM noctule.ipam_prefixes AS p WHERE p.tenant_id = here AND p.id = this;
    PERFORM noctule.ipam_give(here, kept.parent, whole, kept.prefix);
    RETURN '{"changed": "done"}';
END $$;

DO $$
DECLARE
    one regprocedure;
BEGIN
    FOR one IN SELECT p.oid FROM pg_proc AS p WHERE p.pronamespace = 'noctule'::regnamespace AND (p.proname LIKE 'ipam\_%'
        OR p.proname IN ('pools_seen', 'pools_told'))
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', one);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION noctule.pools_seen(jsonb), noctule.pools_told(), noctule.ipam_pools(jsonb), noctule.ipam_take(jsonb),
    noctule.ipam_find(uuid, text, bigint), noctule.ipam_status(bigint, text, text, timestamptz), noctule.ipam_release(bigint, text, uuid)
    TO noctule_member;
