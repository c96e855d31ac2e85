-- Who may see what. Operators are login roles of their own, members of the group noctule_member; rows are theirs by tenant and role, by
-- row-level security that is forced on every table, so that also the definer functions (which run as noctule_owner) work on one tenant
-- alone. Nobody but noctule_owner may write a table. Words that are compared by policies are uuid, text and smallint: their comparisons are
-- leakproof, so that an index is still used for the caller's own conditions.

-- From here on a function is nobody's until it is granted: also those of the later migrations.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
REVOKE ALL ON SCHEMA noctule FROM PUBLIC;
GRANT USAGE ON SCHEMA noctule TO noctule_member;

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- Who asks. Used in policies as (SELECT noctule.tenant()), which PostgreSQL asks once a query.

-- The login of this session. session_user is not changed by SET ROLE, nor inside a definer function.
CREATE FUNCTION noctule.login() RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE SET search_path = ''
    RETURN session_user::text;

-- Whoever owns the schema may work on any tenant: it is maintenance, and nothing could be kept from him anyway.
CREATE FUNCTION noctule.is_owner() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE SET search_path = ''
    RETURN pg_has_role(session_user, 'noctule_owner', 'MEMBER');

-- The tenant that this session has chosen (the setting noctule.tenant), if its login is a live member of it; otherwise null, by which
-- nothing is visible.
CREATE FUNCTION noctule.tenant() RETURNS uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE SET search_path = ''
AS $$
DECLARE
    chosen text := current_setting('noctule.tenant', true);
BEGIN
    -- Also what somebody typed by hand ends as "nothing visible", not as an error inside of a policy.
    IF chosen IS NULL OR chosen !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT FROM noctule.members AS m
            WHERE m.tenant_id = chosen::uuid AND m.login = session_user AND m.revoked_at IS NULL)
        OR noctule.is_owner() THEN
        RETURN chosen::uuid;
    END IF;
    RETURN NULL;
END $$;

-- The role of the login in its tenant; owners of the schema act as admin.
CREATE FUNCTION noctule.role() RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE SET search_path = ''
AS $$
BEGIN
    RETURN coalesce(
        (SELECT m.role FROM noctule.members AS m
            WHERE m.tenant_id = noctule.tenant() AND m.login = session_user AND m.revoked_at IS NULL),
        CASE WHEN noctule.tenant() IS NOT NULL THEN 'admin' END);
END $$;

-- Whose tasks are the login's own; null for most people.
CREATE FUNCTION noctule.technician() RETURNS uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE SET search_path = ''
AS $$
BEGIN
    RETURN (SELECT m.technician FROM noctule.members AS m
        WHERE m.tenant_id = noctule.tenant() AND m.login = session_user AND m.revoked_at IS NULL);
END $$;

-- Policies ask these in the name of whoever reads. login and is_owner are for the functions alone.
GRANT EXECUTE ON FUNCTION noctule.tenant(), noctule.role(), noctule.technician(), noctule.login() TO noctule_member;

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- Row-level security, forced: the owner is under it too.

-- One policy for the owner on every table: the tenant of the session. The functions above read members, and everybody's rights follow from
-- it, so that members, tenants and meta are open to the owner (never to members of noctule_member).
DO $$
DECLARE
    relation text;
BEGIN
    FOR relation IN SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'noctule'::regnamespace AND c.relkind = 'r' ORDER BY 1 LOOP
        EXECUTE format('ALTER TABLE noctule.%I ENABLE ROW LEVEL SECURITY', relation);
        EXECUTE format('ALTER TABLE noctule.%I FORCE ROW LEVEL SECURITY', relation);
        EXECUTE format('REVOKE ALL ON noctule.%I FROM PUBLIC', relation);
        IF relation IN ('meta', 'migrations', 'tenants', 'members') THEN
            EXECUTE format('CREATE POLICY owner ON noctule.%I TO noctule_owner USING (true) WITH CHECK (true)', relation);
        ELSE
            EXECUTE format('CREATE POLICY owner ON noctule.%I TO noctule_owner USING (tenant_id = (SELECT noctule.tenant()))
                WITH CHECK (tenant_id = (SELECT noctule.tenant()))', relation);
        END IF;
    END LOOP;
END $$;

-- Everybody of the tenant but technicians.
CREATE POLICY member ON noctule.nas FOR SELECT TO noctule_member
    USING (tenant_id = (SELECT noctule.tenant()) AND (SELECT noctule.role()) <> 'technician');
CREATE POLICY member ON noctule.pools FOR SELECT TO noctule_member
    USING (tenant_id = (SELECT noctule.tenant()) AND (SELECT noctule.role()) <> 'technician');
CREATE POLICY member ON noctule.operations FOR SELECT TO noctule_member
    USING (tenant_id = (SELECT noctule.tenant()) AND (SELECT noctule.role()) <> 'technician');
CREATE POLICY member ON noctule.operation_steps FOR SELECT TO noctule_member
    USING (tenant_id = (SELECT noctule.tenant()) AND (SELECT noctule.role()) <> 'technician');

-- A technician: own work and whom it is for.
CREATE POLICY member ON noctule.technicians FOR SELECT TO noctule_member
    USING (tenant_id = (SELECT noctule.tenant())
        AND ((SELECT noctule.role()) <> 'technician' OR id = (SELECT noctule.technician())));
CREATE POLICY member ON noctule.tasks FOR SELECT TO noctule_member
    USING (tenant_id = (SELECT noctule.tenant())
        AND ((SELECT noctule.role()) <> 'technician' OR technician = (SELECT noctule.technician())));
CREATE POLICY member ON noctule.time_entries FOR SELECT TO noctule_member
    USING (tenant_id = (SELECT noctule.tenant())
        AND ((SELECT noctule.role()) <> 'technician' OR technician = (SELECT noctule.technician())));
CREATE POLICY member ON noctule.assignments FOR SELECT TO noctule_member
    USING (tenant_id = (SELECT noctule.tenant())
        AND ((SELECT noctule.role()) <> 'technician' OR technician = (SELECT noctule.technician())));
-- The inner read of tasks is under the policy of tasks. Not correlated, so that PostgreSQL reads the own tasks once a query and hashes
-- them.
CREATE POLICY member ON noctule.subscribers FOR SELECT TO noctule_member
    USING (tenant_id = (SELECT noctule.tenant())
        AND ((SELECT noctule.role()) <> 'technician'
            OR id IN (SELECT t.subscriber FROM noctule.tasks AS t
                WHERE t.tenant_id = (SELECT noctule.tenant()) AND t.technician = (SELECT noctule.technician())
                    AND t.subscriber IS NOT NULL)));
CREATE POLICY member ON noctule.sessions FOR SELECT TO noctule_member
    USING (tenant_id = (SELECT noctule.tenant())
        AND ((SELECT noctule.role()) <> 'technician'
            OR id IN (SELECT t.subscriber FROM noctule.tasks AS t
                WHERE t.tenant_id = (SELECT noctule.tenant()) AND t.technician = (SELECT noctule.technician())
                    AND t.subscriber IS NOT NULL)));

-- The feed tells ids and times, no content. A technician is told of the tables that he may see rows of: what left his view must reach him
-- too, and by then nothing says any more that it was his. Numbers as Table::number of the domain.
CREATE POLICY member ON noctule.feed FOR SELECT TO noctule_member
    USING (tenant_id = (SELECT noctule.tenant())
        AND ((SELECT noctule.role()) <> 'technician' OR tab = ANY ('{3,4,5,6,8,9}'::smallint[])));

-- Who is there: colleagues see each other, a technician himself.
CREATE POLICY member ON noctule.presence FOR SELECT TO noctule_member
    USING (tenant_id = (SELECT noctule.tenant()) AND ((SELECT noctule.role()) <> 'technician' OR login = (SELECT noctule.login())));
-- The log of ops: one's own; all of them for who answers for the network.
CREATE POLICY member ON noctule.ops FOR SELECT TO noctule_member
    USING (tenant_id = (SELECT noctule.tenant()) AND ((SELECT noctule.role()) IN ('admin', 'noc') OR login = (SELECT noctule.login())));
CREATE POLICY member ON noctule.audit FOR SELECT TO noctule_member
    USING (tenant_id = (SELECT noctule.tenant()) AND (SELECT noctule.role()) IN ('admin', 'noc'));
CREATE POLICY member ON noctule.audit_heads FOR SELECT TO noctule_member
    USING (tenant_id = (SELECT noctule.tenant()) AND (SELECT noctule.role()) IN ('admin', 'noc'));
CREATE POLICY member ON noctule.members FOR SELECT TO noctule_member
    USING (tenant_id = (SELECT noctule.tenant()) AND ((SELECT noctule.role()) = 'admin' OR login = (SELECT noctule.login())));
CREATE POLICY member ON noctule.tenants FOR SELECT TO noctule_member
    USING (tenant_id = (SELECT noctule.tenant()));

-- Reading, and nothing else; meta and migrations are told by hello().
GRANT SELECT ON noctule.nas, noctule.pools, noctule.technicians, noctule.subscribers, noctule.sessions, noctule.tasks, noctule.operations,
    noctule.operation_steps, noctule.time_entries, noctule.assignments, noctule.feed, noctule.presence, noctule.ops, noctule.audit,
    noctule.audit_heads, noctule.members, noctule.tenants TO noctule_member;

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- Rows as they travel: exactly the columns of Table::columns of the domain, in its order, after the tenant. security_invoker: the policies
-- above speak for whoever reads. Where the base type differs it is cast; ids and keys are not, so that indices stay usable.

CREATE VIEW noctule.wire_nas WITH (security_invoker = true) AS SELECT
    tenant_id, id, name, profile, address, nas_ip, nas_identifier, secret, lat, lng, site, enabled, reach, round_trip_us, last_answer_at,
    last_asked_at, acks, naks, timeouts
FROM noctule.nas;

CREATE VIEW noctule.wire_pools WITH (security_invoker = true) AS SELECT
    tenant_id, id, netbox_id, prefix::text AS prefix, vrf, status, description, delegated_len::bigint AS delegated_len, used, seen_at
FROM noctule.pools;

CREATE VIEW noctule.wire_technicians WITH (security_invoker = true) AS SELECT
    tenant_id, id, employee_id, name, email, phone, mobile, status, skill_level, home_lat, home_lng, fix_lat, fix_lng, fix_accuracy_m,
    fix_speed_kmh, fix_heading_deg, fix_at, team, skills::text AS skills, time_zone, work_from_min::bigint AS work_from_min,
    work_to_min::bigint AS work_to_min, on_call, available_for_emergency, rating, completion_rate, version, updated_at
FROM noctule.technicians;

CREATE VIEW noctule.wire_subscribers WITH (security_invoker = true) AS SELECT
    tenant_id, id, number, username, full_name, email, phone, status, service_type, download_kbps, upload_kbps, service_address, lat, lng,
    site, nas, vlan::bigint AS vlan, circuit_id, remote_id, onu_serial, cpe_mac, static_ipv4, balance_flag, suspend_reason, notes, state,
    mode, enforcement, enforcement_note, prefix::text AS prefix, vrf, pd_size::bigint AS pd_size, netbox_prefix_id, hold_until, last_error,
    allocated_at, activated_at, suspended_at, resumed_at, revoked_at, failed_at, since, version, created_at, updated_at
FROM noctule.subscribers;

CREATE VIEW noctule.wire_sessions WITH (security_invoker = true) AS SELECT
    tenant_id, id, nas, acct_session_id, framed_ipv4, delegated_prefix::text AS delegated_prefix, started_at, seen_at
FROM noctule.sessions;

CREATE VIEW noctule.wire_tasks WITH (security_invoker = true) AS SELECT
    tenant_id, id, number, title, task_type, status, priority, subscriber, technician, address, lat, lng, scheduled_at, estimate_min,
    sla_due_at, to_json(depends_on)::text AS depends_on, notes, blocked_reason, started_at, ended_at, version, updated_at
FROM noctule.tasks;

-- steps is the journal: a list of StepRow, built as json (not jsonb) so that its text is compact.
CREATE VIEW noctule.wire_operations WITH (security_invoker = true) AS SELECT
    o.tenant_id, o.id, o.subscriber, o.kind, o.status, o.actor, o.role, o.origin, o.options::text AS options, o.expected_version,
    o.requested_at, o.plan::text AS plan, o.progress::text AS progress, o.before::text AS before, o.retry_at, o.ended_at, o.error,
    o.lease_owner, o.lease_until, o.watch_until, o.watch_next,
    coalesce((SELECT json_agg(json_build_object('step', j.step, 'attempt', j.attempt, 'upstream', j.upstream, 'request', j.request,
            'status', j.status, 'answer', j.answer,
            'started_at', to_char(j.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'ended_at', to_char(j.ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) ORDER BY j.seq)::text
        FROM noctule.operation_steps AS j WHERE j.tenant_id = o.tenant_id AND j.operation = o.id), '[]') AS steps
FROM noctule.operations AS o;

CREATE VIEW noctule.wire_time_entries WITH (security_invoker = true) AS SELECT
    tenant_id, id, technician, kind, status, task, started_at, ended_at, start_lat, start_lng, end_lat, end_lng, notes, version, updated_at
FROM noctule.time_entries;

CREATE VIEW noctule.wire_assignments WITH (security_invoker = true) AS SELECT
    tenant_id, id, task, technician, starts_at, ends_at, status, method, version, updated_at
FROM noctule.assignments;

GRANT SELECT ON noctule.wire_nas, noctule.wire_pools, noctule.wire_technicians, noctule.wire_subscribers, noctule.wire_sessions,
    noctule.wire_tasks, noctule.wire_operations, noctule.wire_time_entries, noctule.wire_assignments TO noctule_member;

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- The feed: the last change of every row that travels, stamped with the transaction that made it. Statement triggers with transition
-- tables: a statement over 10,000 rows costs one more statement. Not SECURITY DEFINER: whoever may write the table (noctule_owner inside of
-- a definer function, or a superuser who mends something without a tenant) may write the feed as himself.
--
-- Locks. A stamp is an update of the feed's row, held to the end of the transaction. Rows of one statement are stamped in the order of
-- (tenant, id, tab), so that two statements over the same rows meet in the same order and wait, they do not dead-lock. A row's own stamp
-- comes after the lock of the row itself, so it adds no order that the rows do not have. What is added is the stamp of a subscriber by a
-- task that changes hands: two transactions that each move several tasks in several statements, in opposite orders, for the same two
-- subscribers, could wait for each other. Writers therefore move tasks by one statement, or in the order of their ids; where that can not
-- be, PostgreSQL ends one of the two (40P01), nothing of it is done, and it is tried again like any other "busy". Not stamping is no way
-- out: the reader would keep a row that left.

CREATE FUNCTION noctule.channel(tenant uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = ''
    RETURN 'noctule_' || replace(tenant::text, '-', '');

-- Each tenant has a sequence in which stands when its consoles were woken last, in milliseconds: seen by all at once, whoever commits when.
CREATE FUNCTION noctule.tenant_made() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    EXECUTE format('CREATE SEQUENCE IF NOT EXISTS noctule.%I', 'wake_' || replace(NEW.tenant_id::text, '-', ''));
    RETURN NULL;
END $$;
CREATE TRIGGER tenant_made AFTER INSERT ON noctule.tenants FOR EACH ROW EXECUTE FUNCTION noctule.tenant_made();

-- Wakes the consoles of a tenant, at most eight times a second: NOTIFY takes a lock of the whole cluster at commit. It is a hint; what
-- comes within the 125 ms is found by the poll that consoles do a moment after they were woken. After a clock that jumped it goes on at
-- once.
--
-- Whether to wake is decided as the transaction commits, not when it stamps: between the two may lie any time, in which the consoles come,
-- find nothing, and go; and what is stamped may be rolled back (a savepoint, a batch that is tried again in halves) with its NOTIFY, while
-- the time in the sequence stays. Only a deferred trigger on rows runs at commit, so there is a table whose rows live as long as their
-- transaction.
CREATE UNLOGGED TABLE noctule.wakes (
    tenant_id  uuid NOT NULL,
    xid        xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (tenant_id, xid)
);
REVOKE ALL ON noctule.wakes FROM PUBLIC;
ALTER TABLE noctule.wakes ENABLE ROW LEVEL SECURITY;
ALTER TABLE noctule.wakes FORCE ROW LEVEL SECURITY;
-- Also for a superuser's work without a tenant: nothing stands in it but which tenant is to be woken.
CREATE POLICY owner ON noctule.wakes TO noctule_owner USING (true) WITH CHECK (true);

CREATE FUNCTION noctule.wake_at_commit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    channel text := noctule.channel(NEW.tenant_id);
    woken regclass := to_regclass('noctule.wake_' || substr(channel, 9));
    at_ms bigint := extract(epoch FROM clock_timestamp()) * 1000;
BEGIN
    DELETE FROM noctule.wakes AS w WHERE w.tenant_id = NEW.tenant_id AND w.xid = NEW.xid;
    IF woken IS NOT NULL THEN
        IF abs(at_ms - pg_sequence_last_value(woken)) < 125 THEN
            RETURN NULL;
        END IF;
        PERFORM setval(woken, at_ms);
    END IF;
    PERFORM pg_notify(channel, '');
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER wake_at_commit AFTER INSERT ON noctule.wakes DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION noctule.wake_at_commit();

-- Once a transaction and tenant.
CREATE FUNCTION noctule.wake(tenant uuid) RETURNS void LANGUAGE sql SET search_path = ''
BEGIN ATOMIC
    INSERT INTO noctule.wakes (tenant_id) VALUES (tenant) ON CONFLICT DO NOTHING;
END;

-- TG_ARGV[0]: the table's number (Table::number of the domain). A row that this transaction has stamped already is left as it is.
CREATE FUNCTION noctule.feed_written() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    here uuid;
BEGIN
    INSERT INTO noctule.feed AS f (tenant_id, id, tab)
        SELECT n.tenant_id, n.id, TG_ARGV[0]::smallint FROM new_rows AS n ORDER BY n.tenant_id, n.id
        ON CONFLICT (tenant_id, id, tab) DO UPDATE SET xid = excluded.xid, gone = false, changed_at = excluded.changed_at
        WHERE f.xid <> excluded.xid OR f.gone;
    FOR here IN SELECT DISTINCT n.tenant_id FROM new_rows AS n LOOP
        PERFORM noctule.wake(here);
    END LOOP;
    RETURN NULL;
END $$;

CREATE FUNCTION noctule.feed_deleted() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    here uuid;
BEGIN
    INSERT INTO noctule.feed AS f (tenant_id, id, tab, gone)
        SELECT o.tenant_id, o.id, TG_ARGV[0]::smallint, true FROM old_rows AS o ORDER BY o.tenant_id, o.id
        ON CONFLICT (tenant_id, id, tab) DO UPDATE SET xid = excluded.xid, gone = true, changed_at = excluded.changed_at;
    FOR here IN SELECT DISTINCT o.tenant_id FROM old_rows AS o LOOP
        PERFORM noctule.wake(here);
    END LOOP;
    RETURN NULL;
END $$;

-- Subscribers that enter or leave a technician's view because a task changed hands, or is for somebody else now; their sessions with them.
-- The stamp says "look": whether the row is there for the reader is seen by the reader. The session is stamped also where none is seen:
-- somebody may be making it at this moment, in a transaction that commits before this one, and then it must leave the view with its
-- subscriber. A stamp for a session that is not there is a tombstone, so that it is cleaned away.
CREATE FUNCTION noctule.feed_scope(tenants uuid[], subscribers uuid[]) RETURNS void LANGUAGE sql SET search_path = ''
BEGIN ATOMIC
    INSERT INTO noctule.feed AS f (tenant_id, id, tab, gone)
        SELECT s.tenant_id, s.id, t.tab,
            t.tab = 5 AND NOT EXISTS (SELECT FROM noctule.sessions AS x WHERE x.tenant_id = s.tenant_id AND x.id = s.id)
        FROM (SELECT DISTINCT u.tenant_id, u.id FROM unnest(tenants, subscribers) AS u (tenant_id, id)) AS s
            CROSS JOIN (VALUES (4::smallint), (5::smallint)) AS t (tab)
        ORDER BY s.tenant_id, s.id, t.tab
        ON CONFLICT (tenant_id, id, tab) DO UPDATE SET xid = excluded.xid, changed_at = excluded.changed_at WHERE f.xid <> excluded.xid;
END;

CREATE FUNCTION noctule.task_made() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    tenants uuid[];
    subscribers uuid[];
BEGIN
    SELECT array_agg(n.tenant_id), array_agg(n.subscriber) INTO tenants, subscribers FROM new_rows AS n
        WHERE n.subscriber IS NOT NULL AND n.technician IS NOT NULL;
    IF tenants IS NOT NULL THEN
        PERFORM noctule.feed_scope(tenants, subscribers);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION noctule.task_moved() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    tenants uuid[];
    subscribers uuid[];
BEGIN
    SELECT array_agg(x.tenant_id), array_agg(x.subscriber) INTO tenants, subscribers
        FROM old_rows AS o JOIN new_rows AS n ON n.tenant_id = o.tenant_id AND n.id = o.id
            CROSS JOIN LATERAL (VALUES (o.tenant_id, o.subscriber, o.technician), (n.tenant_id, n.subscriber, n.technician))
                AS x (tenant_id, subscriber, technician)
        WHERE (o.subscriber, o.technician) IS DISTINCT FROM (n.subscriber, n.technician)
            AND x.subscriber IS NOT NULL AND x.technician IS NOT NULL;
    IF tenants IS NOT NULL THEN
        PERFORM noctule.feed_scope(tenants, subscribers);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION noctule.task_deleted() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    tenants uuid[];
    subscribers uuid[];
BEGIN
    SELECT array_agg(o.tenant_id), array_agg(o.subscriber) INTO tenants, subscribers FROM old_rows AS o
        WHERE o.subscriber IS NOT NULL AND o.technician IS NOT NULL;
    IF tenants IS NOT NULL THEN
        PERFORM noctule.feed_scope(tenants, subscribers);
    END IF;
    RETURN NULL;
END $$;

-- The journal travels with its operation (7). An operation is not deleted before its steps, so that its stamp is never made "there" again.
CREATE FUNCTION noctule.step_written() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    here uuid;
BEGIN
    INSERT INTO noctule.feed AS f (tenant_id, id, tab)
        SELECT DISTINCT n.tenant_id, n.operation, 7::smallint FROM new_rows AS n ORDER BY n.tenant_id, n.operation
        ON CONFLICT (tenant_id, id, tab) DO UPDATE SET xid = excluded.xid, changed_at = excluded.changed_at WHERE f.xid <> excluded.xid;
    FOR here IN SELECT DISTINCT n.tenant_id FROM new_rows AS n LOOP
        PERFORM noctule.wake(here);
    END LOOP;
    RETURN NULL;
END $$;

CREATE FUNCTION noctule.step_deleted() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    INSERT INTO noctule.feed AS f (tenant_id, id, tab)
        SELECT DISTINCT o.tenant_id, o.operation, 7::smallint FROM old_rows AS o ORDER BY o.tenant_id, o.operation
        ON CONFLICT (tenant_id, id, tab) DO UPDATE SET xid = excluded.xid, changed_at = excluded.changed_at WHERE f.xid <> excluded.xid;
    RETURN NULL;
END $$;

-- What the feed could not tell is refused.
CREATE FUNCTION noctule.feed_can_not_tell() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: consoles would not be told', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', HINT = 'DELETE rows, and INSERT them under their new id.';
END $$;

DO $$
DECLARE
    wire record;
BEGIN
    FOR wire IN SELECT * FROM (VALUES ('nas', 1), ('pools', 2), ('technicians', 3), ('subscribers', 4), ('sessions', 5), ('tasks', 6),
            ('operations', 7), ('time_entries', 8), ('assignments', 9)) AS w (name, tab) LOOP
        EXECUTE format('CREATE TRIGGER feed_inserted AFTER INSERT ON noctule.%I REFERENCING NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION noctule.feed_written(%s)', wire.name, wire.tab);
        EXECUTE format('CREATE TRIGGER feed_updated AFTER UPDATE ON noctule.%I REFERENCING NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION noctule.feed_written(%s)', wire.name, wire.tab);
        EXECUTE format('CREATE TRIGGER feed_deleted AFTER DELETE ON noctule.%I REFERENCING OLD TABLE AS old_rows
            FOR EACH STATEMENT EXECUTE FUNCTION noctule.feed_deleted(%s)', wire.name, wire.tab);
        EXECUTE format('CREATE TRIGGER feed_key_stays BEFORE UPDATE OF tenant_id, id ON noctule.%I
            FOR EACH STATEMENT EXECUTE FUNCTION noctule.feed_can_not_tell()', wire.name);
        EXECUTE format('CREATE TRIGGER feed_truncated BEFORE TRUNCATE ON noctule.%I
            FOR EACH STATEMENT EXECUTE FUNCTION noctule.feed_can_not_tell()', wire.name);
    END LOOP;
END $$;
CREATE TRIGGER scope_made AFTER INSERT ON noctule.tasks REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION noctule.task_made();
CREATE TRIGGER scope_moved AFTER UPDATE ON noctule.tasks REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION noctule.task_moved();
CREATE TRIGGER scope_deleted AFTER DELETE ON noctule.tasks REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION noctule.task_deleted();
CREATE TRIGGER feed_step_inserted AFTER INSERT ON noctule.operation_steps REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION noctule.step_written();
CREATE TRIGGER feed_step_updated AFTER UPDATE ON noctule.operation_steps REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION noctule.step_written();
CREATE TRIGGER feed_step_deleted AFTER DELETE ON noctule.operation_steps REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION noctule.step_deleted();
CREATE TRIGGER feed_key_stays BEFORE UPDATE OF tenant_id, operation ON noctule.operation_steps
    FOR EACH STATEMENT EXECUTE FUNCTION noctule.feed_can_not_tell();
CREATE TRIGGER feed_truncated BEFORE TRUNCATE ON noctule.operation_steps
    FOR EACH STATEMENT EXECUTE FUNCTION noctule.feed_can_not_tell();
CREATE TRIGGER feed_truncated BEFORE TRUNCATE ON noctule.feed
    FOR EACH STATEMENT EXECUTE FUNCTION noctule.feed_can_not_tell();

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- Rights that change: consoles copy anew, because no row tells what may be seen now.

CREATE FUNCTION noctule.rights_changed() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    NEW.epoch := OLD.epoch + 1;
    RETURN NEW;
END $$;
CREATE TRIGGER rights_changed BEFORE UPDATE ON noctule.members FOR EACH ROW
    WHEN ((OLD.role, OLD.technician, OLD.revoked_at) IS DISTINCT FROM (NEW.role, NEW.technician, NEW.revoked_at))
    EXECUTE FUNCTION noctule.rights_changed();

-- A member is revoked, not deleted: what he did stays signed, and a login that comes back does not begin at the first epoch again.
CREATE FUNCTION noctule.members_stay() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    RAISE EXCEPTION 'an operator is revoked, not deleted: `noctule central user revoke`' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER members_stay BEFORE DELETE OR TRUNCATE ON noctule.members FOR EACH STATEMENT EXECUTE FUNCTION noctule.members_stay();
