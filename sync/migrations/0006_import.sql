-- Imports: rows of NASes, technicians, subscribers, sessions and tasks, upserted by their natural keys with the meaning of storage/src/import:
-- what people and the lifecycle have decided about a row that is there already (IPv6 state, prefix, enforcement, health, status of people and
-- tasks, a newer position) is kept. Set statements, up to 5,000 rows a call; a row that can not be taken is told by its index, in words, and
-- does not hold up the others.

CREATE TYPE noctule.import_result AS (new bigint, changed bigint, unchanged bigint, errors jsonb);

CREATE FUNCTION noctule.import_error(n integer, words text) RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT jsonb_build_object('index', n, 'words', left(words, 500)) $$;

-- Each row has its index under '#'. Rows with the same key are taken one after the other by the caller.
CREATE FUNCTION noctule.import_nas(tenant uuid, rows jsonb, load boolean) RETURNS noctule.import_result LANGUAGE plpgsql
AS $$
DECLARE result noctule.import_result;
BEGIN
    WITH r AS MATERIALIZED (
        SELECT x.*, t.id AS known, CASE WHEN coalesce(x.name, '') = '' THEN 'the name of the NAS is empty' END AS why
        FROM jsonb_to_recordset(rows) AS x("#" integer, id uuid, name text, profile text, address text, nas_ip text, nas_identifier text, secret text,
            lat float8, lng float8, site text, enabled boolean, reach text, round_trip_us bigint, last_answer_at timestamptz, last_asked_at timestamptz,
            acks bigint, naks bigint, timeouts bigint)
        LEFT JOIN noctule.nas AS t ON t.tenant_id = tenant AND lower(t.name) = lower(x.name)
    ), u AS (
        UPDATE noctule.nas AS t SET (name, profile, address, nas_ip, nas_identifier, secret, lat, lng, site, enabled) =
            (r.name, r.profile, r.address, r.nas_ip, r.nas_identifier, r.secret, r.lat, r.lng, r.site, coalesce(r.enabled, true))
        FROM r WHERE t.tenant_id = tenant AND t.id = r.known AND r.why IS NULL
            AND (t.name, t.profile, t.address, t.nas_ip, t.nas_identifier, t.secret, t.lat, t.lng, t.site, t.enabled) IS DISTINCT FROM
                (r.name, r.profile, r.address, r.nas_ip, r.nas_identifier, r.secret, r.lat, r.lng, r.site, coalesce(r.enabled, true))
        RETURNING 1
    ), i AS (
        INSERT INTO noctule.nas (tenant_id, id, name, profile, address, nas_ip, nas_identifier, secret, lat, lng, site, enabled, reach, round_trip_us,
            last_answer_at, last_asked_at, acks, naks, timeouts)
        SELECT tenant, coalesce(r.id, gen_random_uuid()), r.name, r.profile, r.address, r.nas_ip, r.nas_identifier, r.secret, r.lat, r.lng, r.site,
            coalesce(r.enabled, true), CASE WHEN load THEN coalesce(r.reach, 'unknown') ELSE 'unknown' END, CASE WHEN load THEN r.round_trip_us END,
            CASE WHEN load THEN r.last_answer_at END, CASE WHEN load THEN r.last_asked_at END, CASE WHEN load THEN coalesce(r.acks, 0) ELSE 0 END,
            CASE WHEN load THEN coalesce(r.naks, 0) ELSE 0 END, CASE WHEN load THEN coalesce(r.timeouts, 0) ELSE 0 END
        FROM r WHERE r.known IS NULL AND r.why IS NULL
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM i), (SELECT count(*) FROM u), count(*) FILTER (WHERE r.known IS NOT NULL AND r.why IS NULL) - (SELECT count(*) FROM u),
        coalesce(jsonb_agg(noctule.import_error(r."#", r.why)) FILTER (WHERE r.why IS NOT NULL), '[]') INTO result FROM r;
    RETURN result;
END $$;

CREATE FUNCTION noctule.import_technicians(tenant uuid, rows jsonb, load boolean) RETURNS noctule.import_result LANGUAGE plpgsql
AS $$
DECLARE result noctule.import_result;
BEGIN
    WITH r AS MATERIALIZED (
        SELECT x.*, t.id AS known, CASE WHEN coalesce(x.employee_id, '') = '' THEN 'the employee id is empty' END AS why,
            x.fix_at IS NOT NULL AND x.fix_lat IS NOT NULL AND (t.fix_at IS NULL OR t.fix_at < x.fix_at) AS moves
        FROM jsonb_to_recordset(rows) AS x("#" integer, id uuid, employee_id text, name text, email text, phone text, mobile text, status text,
            skill_level text, home_lat float8, home_lng float8, fix_lat float8, fix_lng float8, fix_accuracy_m float8, fix_speed_kmh float8,
            fix_heading_deg float8, fix_at timestamptz, team text, skills jsonb, time_zone text, work_from_min integer, work_to_min integer,
            on_call boolean, available_for_emergency boolean, rating float8, completion_rate float8, version bigint, updated_at timestamptz)
        LEFT JOIN noctule.technicians AS t ON t.tenant_id = tenant AND t.employee_id = x.employee_id
    ), c AS (
        SELECT r.*, ROW(r.name, r.email, r.phone, r.mobile, coalesce(r.skill_level, 'intermediate'), r.home_lat, r.home_lng, r.team, coalesce(r.skills, '[]'),
                coalesce(r.time_zone, 'UTC'), coalesce(r.work_from_min, 480), coalesce(r.work_to_min, 1020), coalesce(r.on_call, false),
                coalesce(r.available_for_emergency, false), r.rating, r.completion_rate) IS DISTINCT FROM
            ROW(t.name, t.email, t.phone, t.mobile, t.skill_level, t.home_lat, t.home_lng, t.team, t.skills, t.time_zone, t.work_from_min, t.work_to_min,
                t.on_call, t.available_for_emergency, t.rating, t.completion_rate) AS differs
        FROM r LEFT JOIN noctule.technicians AS t ON t.tenant_id = tenant AND t.id = r.known WHERE r.why IS NULL
    ), u AS (
        UPDATE noctule.technicians AS t SET name = c.name, email = c.email, phone = c.phone, mobile = c.mobile, skill_level = coalesce(c.skill_level, 'intermediate'),
            home_lat = c.home_lat, home_lng = c.home_lng, team = c.team, skills = coalesce(c.skills, '[]'), time_zone = coalesce(c.time_zone, 'UTC'),
            work_from_min = coalesce(c.work_from_min, 480), work_to_min = coalesce(c.work_to_min, 1020), on_call = coalesce(c.on_call, false),
            available_for_emergency = coalesce(c.available_for_emergency, false), rating = c.rating, completion_rate = c.completion_rate,
            fix_lat = CASE WHEN c.moves THEN c.fix_lat ELSE t.fix_lat END, fix_lng = CASE WHEN c.moves THEN c.fix_lng ELSE t.fix_lng END,
            fix_accuracy_m = CASE WHEN c.moves THEN c.fix_accuracy_m ELSE t.fix_accuracy_m END,
            fix_speed_kmh = CASE WHEN c.moves THEN c.fix_speed_kmh ELSE t.fix_speed_kmh END,
            fix_heading_deg = CASE WHEN c.moves THEN c.fix_heading_deg ELSE t.fix_heading_deg END, fix_at = CASE WHEN c.moves THEN c.fix_at ELSE t.fix_at END,
            version = t.version + CASE WHEN c.differs THEN 1 ELSE 0 END, updated_at = now(), updated_by = session_user
        FROM c WHERE t.tenant_id = tenant AND t.id = c.known AND (c.differs OR c.moves)
        RETURNING c.differs
    ), i AS (
        INSERT INTO noctule.technicians (tenant_id, id, employee_id, name, email, phone, mobile, status, skill_level, home_lat, home_lng, fix_lat, fix_lng,
            fix_accuracy_m, fix_speed_kmh, fix_heading_deg, fix_at, team, skills, time_zone, work_from_min, work_to_min, on_call, available_for_emergency,
            rating, completion_rate, version, updated_at, updated_by)
        SELECT tenant, coalesce(c.id, gen_random_uuid()), c.employee_id, c.name, c.email, c.phone, c.mobile, coalesce(c.status, 'available'),
            coalesce(c.skill_level, 'intermediate'), c.home_lat, c.home_lng, c.fix_lat, c.fix_lng, c.fix_accuracy_m, c.fix_speed_kmh, c.fix_heading_deg, c.fix_at,
            c.team, coalesce(c.skills, '[]'), coalesce(c.time_zone, 'UTC'), coalesce(c.work_from_min, 480), coalesce(c.work_to_min, 1020),
            coalesce(c.on_call, false), coalesce(c.available_for_emergency, false), c.rating, c.completion_rate,
            CASE WHEN load THEN coalesce(c.version, 1) ELSE 1 END, CASE WHEN load THEN coalesce(c.updated_at, now()) ELSE now() END, session_user
        FROM c WHERE c.known IS NULL
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM i), (SELECT count(*) FROM u WHERE u.differs),
        count(*) FILTER (WHERE r.known IS NOT NULL AND r.why IS NULL) - (SELECT count(*) FROM u WHERE u.differs),
        coalesce(jsonb_agg(noctule.import_error(r."#", r.why)) FILTER (WHERE r.why IS NOT NULL), '[]') INTO result FROM r;
    RETURN result;
END $$;

-- The IPv6 side of a new row is brought by an owner alone (`load`): an import must not be a way around the state machine.
CREATE FUNCTION noctule.import_subscribers(tenant uuid, rows jsonb, load boolean) RETURNS noctule.import_result LANGUAGE plpgsql
AS $$
DECLARE result noctule.import_result;
BEGIN
    PERFORM 1 FROM noctule.subscribers AS t WHERE t.tenant_id = tenant AND t.number = ANY (ARRAY(SELECT value->>'number' FROM jsonb_array_elements(rows)))
        ORDER BY t.id FOR NO KEY UPDATE;
    WITH r AS MATERIALIZED (
        SELECT x.*, t.id AS known, coalesce(n.id, x.nas) AS the_nas, CASE
            WHEN coalesce(x.number, '') = '' THEN 'the subscriber number is empty'
            WHEN coalesce(x.username, '') = '' THEN 'the user name is empty'
            WHEN x.nas_name IS NOT NULL AND n.id IS NULL THEN 'there is no NAS named ''' || x.nas_name || ''': import the NASes first'
            WHEN x.vrf < CASE WHEN load THEN 0 ELSE 1 END THEN 'a VRF is a NetBox id, from 1'
            WHEN t.id IS NOT NULL AND t.username <> x.username AND t.state IN ('allocated', 'active', 'suspended', 'revoking')
                THEN 'the user name can not become ' || x.username || ' while the subscriber holds a prefix: its session is known as ' || t.username || '; revoke first'
            WHEN t.id IS NULL AND NOT load AND (coalesce(x.state, 'pending') <> 'pending' OR coalesce(x.enforcement, 'none') <> 'none'
                OR coalesce(x.prefix::text, x.netbox_prefix_id::text, x.enforcement_note, x.last_error) IS NOT NULL
                OR coalesce(x.hold_until, x.allocated_at, x.activated_at, x.suspended_at, x.resumed_at, x.revoked_at, x.failed_at) IS NOT NULL)
                THEN 'it brings an IPv6 state or prefix, which only the owner of the centre may load (noctule central load)'
            WHEN t.id IS NULL AND x.state IN ('allocated', 'active', 'suspended', 'revoking') AND x.prefix IS NULL
                THEN 'a subscriber that is ' || x.state || ' needs its prefix'
            END AS why
        FROM jsonb_to_recordset(rows) AS x("#" integer, id uuid, number text, username text, full_name text, email text, phone text, status text,
            service_type text, download_kbps bigint, upload_kbps bigint, service_address text, lat float8, lng float8, site text, nas uuid, nas_name text,
            vlan integer, circuit_id text, remote_id text, onu_serial text, cpe_mac text, static_ipv4 text, balance_flag boolean, suspend_reason text,
            notes text, state text, mode text, enforcement text, enforcement_note text, prefix cidr, vrf bigint, pd_size integer, netbox_prefix_id bigint,
            hold_until timestamptz, last_error text, allocated_at timestamptz, activated_at timestamptz, suspended_at timestamptz, resumed_at timestamptz,
            revoked_at timestamptz, failed_at timestamptz, since timestamptz, version bigint, created_at timestamptz, updated_at timestamptz)
        LEFT JOIN noctule.subscribers AS t ON t.tenant_id = tenant AND t.number = x.number
        LEFT JOIN noctule.nas AS n ON n.tenant_id = tenant AND lower(n.name) = lower(x.nas_name)
    ), u AS (
        UPDATE noctule.subscribers AS t SET (username, full_name, email, phone, status, service_type, download_kbps, upload_kbps, service_address, lat, lng,
                site, nas, vlan, circuit_id, remote_id, onu_serial, cpe_mac, static_ipv4, balance_flag, suspend_reason, notes, mode, pd_size, version,
                updated_at, updated_by) =
            (r.username, coalesce(r.full_name, ''), r.email, r.phone, coalesce(r.status, 'active'), r.service_type, r.download_kbps, r.upload_kbps,
                r.service_address, r.lat, r.lng, r.site, r.the_nas, r.vlan, r.circuit_id, r.remote_id, r.onu_serial, r.cpe_mac, r.static_ipv4,
                coalesce(r.balance_flag, false), r.suspend_reason, r.notes, coalesce(r.mode, 'none'), r.pd_size, t.version + 1, now(), session_user)
        FROM r WHERE t.tenant_id = tenant AND t.id = r.known AND r.why IS NULL
            AND (t.username, t.full_name, t.email, t.phone, t.status, t.service_type, t.download_kbps, t.upload_kbps, t.service_address, t.lat, t.lng, t.site,
                t.nas, t.vlan, t.circuit_id, t.remote_id, t.onu_serial, t.cpe_mac, t.static_ipv4, t.balance_flag, t.suspend_reason, t.notes, t.mode, t.pd_size)
                IS DISTINCT FROM
                (r.username, coalesce(r.full_name, ''), r.email, r.phone, coalesce(r.status, 'active'), r.service_type, r.download_kbps, r.upload_kbps,
                r.service_address, r.lat, r.lng, r.site, r.the_nas, r.vlan, r.circuit_id, r.remote_id, r.onu_serial, r.cpe_mac, r.static_ipv4,
                coalesce(r.balance_flag, false), r.suspend_reason, r.notes, coalesce(r.mode, 'none'), r.pd_size)
        RETURNING 1
    ), i AS (
        INSERT INTO noctule.subscribers (tenant_id, id, number, username, full_name, email, phone, status, service_type, download_kbps, upload_kbps,
            service_address, lat, lng, site, nas, vlan, circuit_id, remote_id, onu_serial, cpe_mac, static_ipv4, balance_flag, suspend_reason, notes, state,
            mode, enforcement, enforcement_note, prefix, vrf, pd_size, netbox_prefix_id, hold_until, last_error, allocated_at, activated_at, suspended_at,
            resumed_at, revoked_at, failed_at, since, version, created_at, updated_at, updated_by)
        SELECT tenant, coalesce(r.id, gen_random_uuid()), r.number, r.username, coalesce(r.full_name, ''), r.email, r.phone, coalesce(r.status, 'active'),
            r.service_type, r.download_kbps, r.upload_kbps, r.service_address, r.lat, r.lng, r.site, r.the_nas, r.vlan, r.circuit_id, r.remote_id,
            r.onu_serial, r.cpe_mac, r.static_ipv4, coalesce(r.balance_flag, false), r.suspend_reason, r.notes, coalesce(r.state, 'pending'),
            coalesce(r.mode, 'none'), coalesce(r.enforcement, 'none'), r.enforcement_note, r.prefix, coalesce(r.vrf, 0), r.pd_size, r.netbox_prefix_id,
            r.hold_until, r.last_error, r.allocated_at, r.activated_at, r.suspended_at, r.resumed_at, r.revoked_at, r.failed_at,
            CASE WHEN load THEN coalesce(r.since, now()) ELSE now() END, CASE WHEN load THEN coalesce(r.version, 1) ELSE 1 END,
            CASE WHEN load THEN coalesce(r.created_at, now()) ELSE now() END, CASE WHEN load THEN coalesce(r.updated_at, now()) ELSE now() END, session_user
        FROM r WHERE r.known IS NULL AND r.why IS NULL
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM i), (SELECT count(*) FROM u), count(*) FILTER (WHERE r.known IS NOT NULL AND r.why IS NULL) - (SELECT count(*) FROM u),
        coalesce(jsonb_agg(noctule.import_error(r."#", r.why)) FILTER (WHERE r.why IS NOT NULL), '[]') INTO result FROM r;
    RETURN result;
END $$;

-- Sessions: of a subscriber (by number, or its id); the NAS by name or id, else the one that the subscriber is registered at.
CREATE FUNCTION noctule.import_sessions(tenant uuid, rows jsonb, load boolean) RETURNS noctule.import_result LANGUAGE plpgsql
AS $$
DECLARE result noctule.import_result;
BEGIN
    WITH r AS MATERIALIZED (
        SELECT x."#", x.acct_session_id, x.framed_ipv4, x.delegated_prefix, x.started_at, x.seen_at, s.id AS subscriber, coalesce(n.id, x.nas, s.nas) AS the_nas,
            t.id AS known, CASE
            WHEN s.id IS NULL THEN 'there is no subscriber ' || coalesce(x.subscriber_number, x.id::text, 'without a number')
            WHEN x.nas_name IS NOT NULL AND n.id IS NULL THEN 'there is no NAS named ''' || x.nas_name || ''': import the NASes first'
            WHEN coalesce(n.id, x.nas, s.nas) IS NULL THEN 'a session needs the name of its NAS'
            WHEN coalesce(x.acct_session_id, '') = '' THEN 'the id of the session is empty'
            WHEN x.started_at IS NULL OR x.seen_at IS NULL THEN 'it does not say when the session began and was seen' END AS why
        FROM jsonb_to_recordset(rows) AS x("#" integer, id uuid, subscriber_number text, nas uuid, nas_name text, acct_session_id text, framed_ipv4 text,
            delegated_prefix cidr, started_at timestamptz, seen_at timestamptz)
        LEFT JOIN noctule.subscribers AS s ON s.tenant_id = tenant AND ((x.subscriber_number IS NOT NULL AND s.number = x.subscriber_number)
            OR (x.subscriber_number IS NULL AND s.id = x.id))
        LEFT JOIN noctule.nas AS n ON n.tenant_id = tenant AND lower(n.name) = lower(x.nas_name)
        LEFT JOIN noctule.sessions AS t ON t.tenant_id = tenant AND t.id = s.id
    ), p AS (
        INSERT INTO noctule.sessions AS t (tenant_id, id, nas, acct_session_id, framed_ipv4, delegated_prefix, started_at, seen_at)
        SELECT tenant, r.subscriber, r.the_nas, r.acct_session_id, r.framed_ipv4, r.delegated_prefix, r.started_at, r.seen_at FROM r WHERE r.why IS NULL
        ORDER BY r.subscriber
        ON CONFLICT (tenant_id, id) DO UPDATE SET nas = excluded.nas, acct_session_id = excluded.acct_session_id, framed_ipv4 = excluded.framed_ipv4,
            delegated_prefix = excluded.delegated_prefix, started_at = excluded.started_at, seen_at = excluded.seen_at
        WHERE (t.nas, t.acct_session_id, t.framed_ipv4, t.delegated_prefix, t.started_at, t.seen_at) IS DISTINCT FROM
            (excluded.nas, excluded.acct_session_id, excluded.framed_ipv4, excluded.delegated_prefix, excluded.started_at, excluded.seen_at)
        RETURNING t.id
    )
    SELECT count(*) FILTER (WHERE r.known IS NULL AND p.id IS NOT NULL), count(*) FILTER (WHERE r.known IS NOT NULL AND p.id IS NOT NULL),
        count(*) FILTER (WHERE r.why IS NULL AND p.id IS NULL),
        coalesce(jsonb_agg(noctule.import_error(r."#", r.why)) FILTER (WHERE r.why IS NOT NULL), '[]') INTO result
    FROM r LEFT JOIN p ON p.id = r.subscriber;
    RETURN result;
END $$;

-- Tasks: all that a row depends on are there already.
CREATE FUNCTION noctule.import_tasks(tenant uuid, rows jsonb, load boolean) RETURNS noctule.import_result LANGUAGE plpgsql
AS $$
DECLARE
    result noctule.import_result;
    touched uuid[];
BEGIN
    WITH r AS MATERIALIZED (
        SELECT x.*, t.id AS known, s.id AS the_subscriber, k.id AS the_technician, d.ids AS before, CASE
            WHEN coalesce(x.number, '') = '' THEN 'the task number is empty'
            WHEN coalesce(x.subscriber_number, x.subscriber::text) IS NOT NULL AND s.id IS NULL THEN 'there is no subscriber ' || coalesce(x.subscriber_number, x.subscriber::text)
            WHEN coalesce(x.technician_employee_id, x.technician::text) IS NOT NULL AND k.id IS NULL
                THEN 'there is no technician ' || coalesce(x.technician_employee_id, x.technician::text)
            WHEN t.id = ANY (d.ids) OR x.depends_on ? x.number THEN 'it depends on itself'
            WHEN cardinality(d.ids) < jsonb_array_length(coalesce(x.depends_on, '[]')) THEN 'it depends on task ' || d.missing || ', which is not there: put that one before it'
            END AS why
        FROM jsonb_to_recordset(rows) AS x("#" integer, id uuid, number text, title text, task_type text, status text, priority text, subscriber uuid,
            subscriber_number text, technician uuid, technician_employee_id text, address text, lat float8, lng float8, scheduled_at timestamptz,
            estimate_min bigint, sla_due_at timestamptz, depends_on jsonb, notes text, blocked_reason text, started_at timestamptz, ended_at timestamptz,
            version bigint, updated_at timestamptz)
        LEFT JOIN noctule.tasks AS t ON t.tenant_id = tenant AND t.number = x.number
        LEFT JOIN noctule.subscribers AS s ON s.tenant_id = tenant AND ((x.subscriber_number IS NOT NULL AND s.number = x.subscriber_number)
            OR (x.subscriber_number IS NULL AND s.id = x.subscriber))
        LEFT JOIN noctule.technicians AS k ON k.tenant_id = tenant AND ((x.technician_employee_id IS NOT NULL AND k.employee_id = x.technician_employee_id)
            OR (x.technician_employee_id IS NULL AND k.id = x.technician))
        CROSS JOIN LATERAL (SELECT coalesce(array_agg(DISTINCT b.id) FILTER (WHERE b.id IS NOT NULL), '{}') AS ids, min(w.number) FILTER (WHERE b.id IS NULL) AS missing
            FROM (SELECT DISTINCT e AS number FROM jsonb_array_elements_text(coalesce(x.depends_on, '[]')) AS e) AS w
            LEFT JOIN noctule.tasks AS b ON b.tenant_id = tenant AND b.number = w.number) AS d
    ), u AS (
        UPDATE noctule.tasks AS t SET title = coalesce(r.title, ''), task_type = coalesce(r.task_type, 'custom'), priority = coalesce(r.priority, 'normal'),
            subscriber = r.the_subscriber, address = r.address, lat = r.lat, lng = r.lng, scheduled_at = r.scheduled_at, estimate_min = r.estimate_min,
            sla_due_at = r.sla_due_at, notes = r.notes, depends_on = r.before, version = t.version + 1, updated_at = now(), updated_by = session_user
        FROM r WHERE t.tenant_id = tenant AND t.id = r.known AND r.why IS NULL
            AND (t.title, t.task_type, t.priority, t.subscriber, t.address, t.lat, t.lng, t.scheduled_at, t.estimate_min, t.sla_due_at, t.notes,
                ARRAY(SELECT e FROM unnest(t.depends_on) AS e ORDER BY e)) IS DISTINCT FROM
                (coalesce(r.title, ''), coalesce(r.task_type, 'custom'), coalesce(r.priority, 'normal'), r.the_subscriber, r.address, r.lat, r.lng,
                r.scheduled_at, r.estimate_min, r.sla_due_at, r.notes, r.before)
        RETURNING t.id
    ), i AS (
        INSERT INTO noctule.tasks (tenant_id, id, number, title, task_type, status, priority, subscriber, technician, address, lat, lng, scheduled_at,
            estimate_min, sla_due_at, depends_on, notes, blocked_reason, started_at, ended_at, version, updated_at, updated_by)
        SELECT tenant, coalesce(r.id, gen_random_uuid()), r.number, coalesce(r.title, ''), coalesce(r.task_type, 'custom'), coalesce(r.status, 'pending'),
            coalesce(r.priority, 'normal'), r.the_subscriber, r.the_technician, r.address, r.lat, r.lng, r.scheduled_at, r.estimate_min, r.sla_due_at,
            r.before, r.notes, r.blocked_reason, r.started_at, r.ended_at, CASE WHEN load THEN coalesce(r.version, 1) ELSE 1 END,
            CASE WHEN load THEN coalesce(r.updated_at, now()) ELSE now() END, session_user
        FROM r WHERE r.known IS NULL AND r.why IS NULL
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM i), (SELECT count(*) FROM u), count(*) FILTER (WHERE r.known IS NOT NULL AND r.why IS NULL) - (SELECT count(*) FROM u),
        coalesce(jsonb_agg(noctule.import_error(r."#", r.why)) FILTER (WHERE r.why IS NOT NULL), '[]'), (SELECT array_agg(u.id) FROM u)
        INTO result.new, result.changed, result.unchanged, result.errors, touched FROM r;
    -- A new task can not be what an older one waits for; one that was there can.
    IF touched IS NOT NULL AND EXISTS (
        WITH RECURSIVE before (origin, id) AS (
            SELECT t.id, unnest(t.depends_on) FROM noctule.tasks AS t WHERE t.tenant_id = tenant AND t.id = ANY (touched)
            UNION SELECT b.origin, unnest(t.depends_on) FROM before AS b JOIN noctule.tasks AS t ON t.tenant_id = tenant AND t.id = b.id
        ) SELECT 1 FROM before WHERE id = origin) THEN
        RAISE EXCEPTION 'its dependencies lead back to itself';
    END IF;
    RETURN result;
END $$;

-- One batch, all or nothing but for rows that are refused in words.
CREATE FUNCTION noctule.import_batch(tenant uuid, kind text, rows jsonb, load boolean) RETURNS noctule.import_result LANGUAGE plpgsql
AS $$
DECLARE
    key text := CASE kind WHEN 'nas' THEN 'name' WHEN 'technicians' THEN 'employee_id' WHEN 'sessions' THEN 'subscriber_number' ELSE 'number' END;
    left_over jsonb := rows;
    ready jsonb;
    waiting jsonb;
    one noctule.import_result;
    result noctule.import_result := (0, 0, 0, '[]');
BEGIN
    WHILE jsonb_array_length(left_over) > 0 LOOP
        -- Rows with one key follow each other; a task waits for those of this batch that it depends on.
        SELECT coalesce(jsonb_agg(v.value ORDER BY v.n) FILTER (WHERE v.turn = 1 AND NOT v.waits), '[]'),
            coalesce(jsonb_agg(v.value ORDER BY v.n) FILTER (WHERE NOT (v.turn = 1 AND NOT v.waits)), '[]')
            INTO ready, waiting
        FROM (SELECT e.value, e.n, row_number() OVER (PARTITION BY CASE WHEN kind = 'nas' THEN lower(e.value->>key) ELSE coalesce(e.value->>key, e.value->>'id', e.n::text) END ORDER BY e.n) AS turn,
                kind = 'tasks' AND jsonb_typeof(e.value->'depends_on') = 'array' AND EXISTS (SELECT 1 FROM jsonb_array_elements_text(e.value->'depends_on') AS d
                    WHERE d = ANY (names.all_of) AND NOT EXISTS (SELECT 1 FROM noctule.tasks AS t WHERE t.tenant_id = tenant AND t.number = d)) AS waits
            FROM jsonb_array_elements(left_over) WITH ORDINALITY AS e(value, n)
            CROSS JOIN (SELECT array_agg(a.value->>key) AS all_of FROM jsonb_array_elements(left_over) AS a) AS names) AS v;
        IF jsonb_array_length(ready) = 0 THEN
            -- They wait for each other: the words are those of a task that is not there.
            ready := waiting;
            waiting := '[]';
        END IF;
        one := CASE kind WHEN 'nas' THEN noctule.import_nas(tenant, ready, load) WHEN 'technicians' THEN noctule.import_technicians(tenant, ready, load)
            WHEN 'subscribers' THEN noctule.import_subscribers(tenant, ready, load) WHEN 'sessions' THEN noctule.import_sessions(tenant, ready, load)
            ELSE noctule.import_tasks(tenant, ready, load) END;
        result := (result.new + one.new, result.changed + one.changed, result.unchanged + one.unchanged, result.errors || one.errors)::noctule.import_result;
        -- A task that was refused is waited for no longer: it is not among those left.
        left_over := waiting;
    END LOOP;
    RETURN result;
END $$;

-- As import_batch; what a row makes a statement raise becomes that row's error.
CREATE FUNCTION noctule.import_careful(tenant uuid, kind text, rows jsonb, load boolean) RETURNS noctule.import_result LANGUAGE plpgsql
AS $$
DECLARE
    n integer := jsonb_array_length(rows);
    a noctule.import_result;
    b noctule.import_result;
    said text;
    broken text;
    row jsonb;
    holder text;
BEGIN
    RETURN noctule.import_batch(tenant, kind, rows, load);
EXCEPTION WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded OR raise_exception OR datatype_mismatch THEN
    GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, broken = CONSTRAINT_NAME;
    IF n > 1 THEN
        a := noctule.import_careful(tenant, kind, jsonb_path_query_array(rows, '$[$from to $to]', jsonb_build_object('from', 0, 'to', n / 2 - 1)), load);
        b := noctule.import_careful(tenant, kind, jsonb_path_query_array(rows, '$[$from to $to]', jsonb_build_object('from', n / 2, 'to', n - 1)), load);
        RETURN (a.new + b.new, a.changed + b.changed, a.unchanged + b.unchanged, a.errors || b.errors)::noctule.import_result;
    END IF;
    row := rows->0;
    IF broken = 'subscribers_no_overlap' THEN
        SELECT s.number INTO holder FROM noctule.subscribers AS s WHERE s.tenant_id = tenant AND s.vrf = coalesce((row->>'vrf')::bigint, 0)
            AND s.prefix && (row->>'prefix')::cidr AND s.state IN ('allocated', 'active', 'suspended', 'revoking') AND s.number <> row->>'number' LIMIT 1;
        said := 'the prefix ' || (row->>'prefix') || ' overlaps that of subscriber ' || coalesce(holder, '?');
    ELSIF broken = 'subscribers_username' THEN
        SELECT s.number INTO holder FROM noctule.subscribers AS s WHERE s.tenant_id = tenant AND s.username = row->>'username';
        said := 'the user name ' || (row->>'username') || ' is that of subscriber ' || coalesce(holder, '?') || ' already';
    ELSIF broken = 'subscribers_netbox' THEN
        SELECT s.number INTO holder FROM noctule.subscribers AS s WHERE s.tenant_id = tenant AND s.netbox_prefix_id = (row->>'netbox_prefix_id')::bigint;
        said := 'the NetBox prefix ' || (row->>'netbox_prefix_id') || ' is that of subscriber ' || coalesce(holder, '?') || ' already';
    ELSIF broken LIKE '%\_pkey' THEN
        said := 'its id is that of another row';
    ELSIF broken = 'subscribers_tenant_id_nas_fkey' THEN
        said := 'there is no such NAS: import the NASes first';
    ELSIF broken LIKE kind || '\_%\_check' AND row->>substr(broken, length(kind) + 2, length(broken) - length(kind) - 7) IS NOT NULL THEN
        broken := substr(broken, length(kind) + 2, length(broken) - length(kind) - 7);
        said := '''' || left(row->>broken, 60) || ''' can not be its ' || broken;
    ELSIF broken <> '' THEN
        said := 'the centre does not take it: ' || said;
    END IF;
    RETURN (0, 0, 0, jsonb_build_array(noctule.import_error((row->>'#')::integer, said)))::noctule.import_result;
END $$;

-- kind: nas, technicians, subscribers, sessions, tasks. rows: JSON array of objects with the names of the table's columns as they travel
-- (Table::columns), missing ones null; references may be told by name instead: nas_name, subscriber_number, technician_employee_id; depends_on of
-- tasks is a list of numbers. entry: {"origin", "reason", "target", "after", "load"}: with "load": true, an owner of the schema brings the
-- IPv6 side, versions and times of rows that are new. Gives {"new", "changed", "unchanged", "errors": [{"index", "words"}…]}.
CREATE FUNCTION noctule.import_rows(kind text, rows jsonb, entry jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET jit = off SET lock_timeout = '10s'
AS $$
DECLARE
    here uuid := noctule.tenant();
    my_role text := noctule.role();
    load boolean := coalesce(entry->>'load', 'false') = 'true';
    result noctule.import_result;
    counts jsonb;
BEGIN
    IF here IS NULL OR my_role IS NULL THEN
        RAISE EXCEPTION 'no tenant is chosen, or % is no member of it', session_user USING ERRCODE = 'invalid_authorization_specification';
    ELSIF my_role <> 'admin' THEN
        RAISE EXCEPTION 'the role % may not import', my_role USING ERRCODE = 'insufficient_privilege';
    ELSIF load AND NOT noctule.is_owner() THEN
        RAISE EXCEPTION 'only the owner of the centre loads rows with their IPv6 state' USING ERRCODE = 'insufficient_privilege';
    ELSIF kind IS NULL OR kind NOT IN ('nas', 'technicians', 'subscribers', 'sessions', 'tasks') THEN
        RAISE EXCEPTION 'rows of % can not be imported', coalesce(left(kind, 40), 'nothing') USING ERRCODE = 'invalid_parameter_value';
    ELSIF rows IS NULL OR jsonb_typeof(rows) <> 'array' OR jsonb_array_length(rows) > 5000 OR pg_column_size(rows) > 67108864 THEN
        RAISE EXCEPTION 'an import takes a JSON array of at most 5,000 rows and 64 MiB' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    result := noctule.import_careful(here, kind, coalesce((SELECT jsonb_agg(e.value || jsonb_build_object('#', e.n - 1) ORDER BY e.n)
        FROM jsonb_array_elements(rows) WITH ORDINALITY AS e(value, n) WHERE jsonb_typeof(e.value) = 'object'), '[]'), load);
    result.errors := result.errors || coalesce((SELECT jsonb_agg(noctule.import_error((e.n - 1)::integer, 'it is not a row'))
        FROM jsonb_array_elements(rows) WITH ORDINALITY AS e(value, n) WHERE jsonb_typeof(e.value) <> 'object'), '[]');
    counts := jsonb_build_object('new', result.new, 'changed', result.changed, 'unchanged', result.unchanged);
    PERFORM noctule.audit_append(jsonb_build_object('actor', session_user::text, 'origin', left(coalesce(entry->>'origin', ''), 2048), 'action', 'import-' || kind,
        'target', left(coalesce(entry->>'target', kind), 2048), 'reason', left(entry->>'reason', 2048),
        'after', CASE WHEN jsonb_typeof(entry->'after') = 'object' AND pg_column_size(entry->'after') < 16384 THEN entry->'after' ELSE '{}' END
            || counts || jsonb_build_object('rows', jsonb_array_length(rows), 'refused', jsonb_array_length(result.errors), 'load', load)));
    RETURN counts || jsonb_build_object('errors', (SELECT coalesce(jsonb_agg(x ORDER BY (x->>'index')::integer), '[]') FROM jsonb_array_elements(result.errors) AS x));
END $$;

DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc AS p WHERE p.pronamespace = 'noctule'::regnamespace AND p.proname LIKE 'import%' LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION noctule.import_rows(text, jsonb, jsonb) TO noctule_member;
