-- Who may see what. Operators are login roles of their own, members of the group noctule_member; rows are theirs by tenant and role, by
-- row-level security that is forced on every table, so that also the definer functions (which run as noctule_owner) work on one tenant alone.
-- Nobody but noctule_owner may write a table. Words that are compared by policies are uuid, text and smallint: their comparisons are leakproof,
-- so that an index is still used for the caller's own conditions.

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

-- The tenant that this session has chosen (the setting noctule.tenant), if its login is a live member of it; otherwise null, by which nothing
-- is visible.
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
-- The inner read of tasks is under the policy of tasks. Not correlated, so that PostgreSQL reads the own tasks once a query and hashes them.
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

-- The feed tells ids and times, no content. A technician is told of the tables that he may see rows of: what left his view must reach him too,
-- and by then nothing says any more that it was his. Numbers as Table::number of the domain.
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
