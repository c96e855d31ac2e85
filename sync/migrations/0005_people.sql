-- What a console is told when it comes, and what keeps the centre from growing for ever.

INSERT INTO noctule.meta DEFAULT VALUES ON CONFLICT DO NOTHING;

-- Names the history that cursors belong to: cluster/timeline/database/generation. The same on a primary and its standbys, another after a
-- promotion (a new timeline), in another cluster (a restore by dump), in another database. A restore of the files to an earlier point ends
-- recovery, and so begins a timeline too.
CREATE FUNCTION noctule.history() RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    timeline bigint;
BEGIN
    IF pg_is_in_recovery() THEN
        -- pg_walfile_name does not work here. The control file lags behind a switch until something is flushed, the receiver knows at once
        -- (where this role may see it): the highest of them.
        timeline := greatest((SELECT c.timeline_id FROM pg_control_checkpoint() AS c),
            (SELECT r.min_recovery_end_timeline FROM pg_control_recovery() AS r),
            (SELECT w.received_tli FROM pg_stat_get_wal_receiver() AS w));
    ELSE
        -- The checkpoint of the control file is older than a promotion for a moment; the log that is written now is not.
        timeline := ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint;
    END IF;
    RETURN concat_ws('/', (SELECT s.system_identifier FROM pg_control_system() AS s), timeline,
        (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()), (SELECT m.generation FROM noctule.meta AS m));
END $$;

-- The first question of a console. {schema, min_protocol, history, epoch, role, technician, floor, now, standby, consoles, listen};
-- {denied: words} for who is no live member; {schema, min_protocol, upgrade: words} for a console that speaks too old a language. floor is
-- a text of digits. Reads only: it works on a standby, where presence (unlogged) and LISTEN do not exist. `console` and `host` are the
-- console's names for itself, taken for what they are once it beats.
CREATE FUNCTION noctule.hello(protocol integer, console uuid, host text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.tenant();
    standby boolean := pg_is_in_recovery();
    meta noctule.meta;
    member noctule.members;
    connected bigint;
    version integer := (SELECT max(x.version) FROM noctule.migrations AS x);
BEGIN
    SELECT m.* INTO STRICT meta FROM noctule.meta AS m;
    IF protocol IS NULL OR protocol < meta.min_protocol THEN
        RETURN jsonb_build_object('schema', version, 'min_protocol', meta.min_protocol, 'upgrade',
            format('the centre speaks protocol %s and this console %s: update noctule; unsent work is kept', meta.min_protocol, protocol));
    END IF;
    -- As text: what was chosen may be no uuid at all.
    SELECT m.* INTO member FROM noctule.members AS m
        WHERE m.tenant_id::text = lower(current_setting('noctule.tenant', true)) AND m.login = session_user;
    IF here IS NULL THEN
        RETURN jsonb_build_object('schema', version, 'min_protocol', meta.min_protocol, 'denied',
            CASE WHEN member.revoked_at IS NOT NULL
                THEN format('%s was revoked on %s', session_user, to_char(member.revoked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'))
                ELSE format('%s is not an operator of this tenant', session_user) END);
    END IF;
    IF NOT standby THEN
        SELECT count(*) INTO connected FROM noctule.presence AS p
            WHERE p.tenant_id = here AND p.seen_at > clock_timestamp() - interval '60 seconds';
    END IF;
    RETURN jsonb_build_object('schema', version, 'min_protocol', meta.min_protocol, 'history', noctule.history(),
        'epoch', coalesce(member.epoch, 0), 'role', noctule.role(), 'technician', noctule.technician(), 'floor', meta.feed_floor::text,
        'now', noctule.at_text(clock_timestamp()), 'standby', standby, 'consoles', connected,
        'listen', NOT standby AND connected <= 300);
END $$;
GRANT EXECUTE ON FUNCTION noctule.hello(integer, uuid, text) TO noctule_member;

-- One small batch of cleaning, of the tenant of the session, run by whoever owns the schema: at most `most` rows of each kind, so that
-- nobody waits for it; again while `more` is true. What goes: tombstones of the feed that are older than `keep`, ops that were answered
-- longer ago, presence that was not renewed for a day. Gives {tombstones, ops, presence, more, floor}.
--
-- The floor is the highest transaction whose tombstone went. A console whose cursor is not beyond it (its xmin is not greater) may have
-- missed that row's end, so hello() tells it the floor, and it copies anew into a new file, keeping its outbox: nothing typed is lost, and
-- the rows that ended while it was away end there too. An op that comes again after its memory went is not known any more: keep is far
-- longer than the time a console may go on trying an op whose answer it has not seen (it asks at every connection).
CREATE FUNCTION noctule.cleanup(keep interval, most integer) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.tenant();
    before timestamptz := now() - keep;
    tombstones bigint;
    ops bigint;
    stale bigint;
    highest xid8;
BEGIN
    IF here IS NULL OR NOT noctule.is_owner() THEN
        RAISE EXCEPTION 'cleaning is for who looks after the centre, on a chosen tenant: nothing was removed'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF keep < '0' OR most NOT BETWEEN 1 AND 100000 THEN
        RAISE EXCEPTION 'cleaning keeps some time and takes 1 to 100000 rows at once: nothing was removed';
    END IF;
    WITH old AS MATERIALIZED (
        SELECT f.id, f.tab, f.xid FROM noctule.feed AS f
        WHERE f.tenant_id = here AND f.gone AND f.changed_at < before
        ORDER BY f.id, f.tab LIMIT most FOR UPDATE SKIP LOCKED
    ), removed AS (
        -- Locked, and looked at again: somebody may have made the row anew since.
        DELETE FROM noctule.feed AS f USING old
        WHERE f.tenant_id = here AND f.id = old.id AND f.tab = old.tab AND f.gone AND f.xid = old.xid
        RETURNING f.xid
    )
    SELECT count(*), max(r.xid) INTO tombstones, highest FROM removed AS r;
    IF highest IS NOT NULL THEN
        UPDATE noctule.meta AS m SET feed_floor = highest WHERE m.feed_floor < highest;
    END IF;
    WITH old AS MATERIALIZED (
        SELECT o.id FROM noctule.ops AS o
        WHERE o.tenant_id = here AND o.received_at < before AND o.answer IS NOT NULL
        ORDER BY o.received_at LIMIT most FOR UPDATE SKIP LOCKED
    )
    DELETE FROM noctule.ops AS o USING old WHERE o.tenant_id = here AND o.id = old.id;
    GET DIAGNOSTICS ops = ROW_COUNT;
    DELETE FROM noctule.presence AS p WHERE p.tenant_id = here AND p.seen_at < now() - interval '1 day';
    GET DIAGNOSTICS stale = ROW_COUNT;
    RETURN jsonb_build_object('tombstones', tombstones, 'ops', ops, 'presence', stale, 'more', tombstones = most OR ops = most,
        'floor', (SELECT m.feed_floor::text FROM noctule.meta AS m));
END $$;
-- Found without reading the live rows of the feed.
CREATE INDEX feed_gone ON noctule.feed (tenant_id, changed_at) WHERE gone;
