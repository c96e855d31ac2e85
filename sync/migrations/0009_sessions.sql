-- Sessions as accounting tells of them, and what they prove. One console reads the accounting of a tenant and tells it here; all others get the
-- rows by the feed. The rule is that of domain/src/lifecycle/observe.rs; `sync/tests/authority` compares both.

ALTER TABLE noctule.sessions
    -- The row in the AAA system; empty where accounting does not tell of it.
    ADD COLUMN accounting_key text,
    ADD COLUMN framed_prefix cidr,
    -- From the subscriber and to it.
    ADD COLUMN input_octets bigint,
    ADD COLUMN output_octets bigint;

-- New columns at the end: a console that does not know them goes on reading its own.
CREATE OR REPLACE VIEW noctule.wire_sessions WITH (security_invoker = true) AS SELECT
    tenant_id, id, nas, acct_session_id, framed_ipv4, delegated_prefix::text AS delegated_prefix, started_at, seen_at,
    accounting_key, framed_prefix::text AS framed_prefix, input_octets, output_octets
FROM noctule.sessions;

CREATE FUNCTION noctule.session_json(x noctule.sessions) RETURNS jsonb LANGUAGE sql STABLE
    RETURN jsonb_build_object('nas', x.nas, 'acct_session_id', x.acct_session_id, 'framed_ipv4', x.framed_ipv4,
        'delegated_prefix', x.delegated_prefix::text, 'started_at', noctule.at_text(x.started_at), 'seen_at', noctule.at_text(x.seen_at),
        'accounting', CASE WHEN x.accounting_key IS NOT NULL THEN jsonb_build_object('key', x.accounting_key,
            'framed_prefix', x.framed_prefix::text, 'input_octets', coalesce(x.input_octets, 0),
            'output_octets', coalesce(x.output_octets, 0)) END);

CREATE OR REPLACE FUNCTION noctule.subscriber_json(s noctule.subscribers) RETURNS jsonb LANGUAGE sql STABLE
    RETURN jsonb_build_object(
        'id', s.id, 'tenant', s.tenant_id, 'subscriber_number', s.number, 'username', s.username, 'full_name', s.full_name,
        'email', s.email, 'phone', s.phone, 'status', s.status, 'service_type', s.service_type, 'download_kbps', s.download_kbps,
        'upload_kbps', s.upload_kbps, 'service_address', s.service_address, 'position', noctule.position_json(s.lat, s.lng),
        'site', s.site, 'nas', s.nas, 'vlan', s.vlan, 'circuit_id', s.circuit_id, 'remote_id', s.remote_id, 'onu_serial', s.onu_serial,
        'cpe_mac', s.cpe_mac, 'static_ipv4', s.static_ipv4, 'balance_flag', s.balance_flag, 'suspend_reason', s.suspend_reason,
        'notes', s.notes, 'ipv6', noctule.ipv6_json(s), 'version', s.version, 'created_at', noctule.at_text(s.created_at),
        'updated_at', noctule.at_text(s.updated_at),
        'session', (SELECT noctule.session_json(x) FROM noctule.sessions AS x WHERE x.tenant_id = s.tenant_id AND x.id = s.id),
        'running', (SELECT o.id FROM noctule.operations AS o
            WHERE o.tenant_id = s.tenant_id AND o.subscriber = s.id AND o.status IN ('running', 'waiting')));

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- The rule.

-- The words beside `observed`, when what is told of a user proves it; SQL null otherwise. `kind` and `asked_at` are those of the request that a
-- NAS was sent last, `proofs` what its profile takes for a proof (serde form of Proofs), `told` what accounting has (serde form of Told).
CREATE FUNCTION noctule.proof(record noctule.subscribers, running boolean, kind text, asked_at timestamptz, proofs jsonb, told jsonb,
    at timestamptz) RETURNS text LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    since timestamptz;
    latest CONSTANT timestamptz := at + interval '120 seconds';
    found jsonb;
    moment timestamptz;
    shown_by text := CASE
        WHEN running THEN NULL
        WHEN record.enforcement = 'none' AND record.state = 'active' THEN 'seen'
        WHEN record.enforcement IN ('acknowledged', 'unanswered') AND CASE
            WHEN kind IN ('activate', 'resume') THEN record.state = 'active'
            WHEN kind = 'suspend' THEN record.state = 'suspended'
            WHEN kind = 'revoke' THEN record.state IN ('revoking', 'revoked')
            END THEN proofs->>kind
    END;
BEGIN
    -- Accounting counts whole seconds.
    IF shown_by = 'seen' THEN
        since := date_trunc('second', record.since);
    ELSE
        since := date_trunc('second', asked_at);
    END IF;
    IF shown_by IN ('seen', 'interim') THEN
        SELECT x.value INTO found FROM jsonb_array_elements(told->'open') WITH ORDINALITY AS x(value, n)
            WHERE (x.value->>'updated_at')::timestamptz BETWEEN since AND latest
                AND (x.value->>'delegated_prefix')::cidr = record.prefix
            ORDER BY x.n LIMIT 1;
        moment := (found->>'updated_at')::timestamptz;
        RETURN 'seen in accounting ' || to_char(moment AT TIME ZONE 'UTC', 'HH24:MI:SS "UTC"') || ', session ' || (found->>'acct_session_id');
    ELSIF shown_by = 'stop' THEN
        -- One that lived through the request was not ended by it.
        IF EXISTS (SELECT FROM jsonb_array_elements(told->'open') AS x WHERE (x->>'started_at')::timestamptz < since) THEN
            RETURN NULL;
        END IF;
        SELECT x.value INTO found FROM jsonb_array_elements(told->'stopped') WITH ORDINALITY AS x(value, n)
            WHERE (x.value->>'started_at')::timestamptz <= asked_at AND (x.value->>'stopped_at')::timestamptz BETWEEN since AND latest
            ORDER BY x.n LIMIT 1;
        moment := (found->>'stopped_at')::timestamptz;
        RETURN 'ended in accounting ' || to_char(moment AT TIME ZONE 'UTC', 'HH24:MI:SS "UTC"') || ', session ' || (found->>'acct_session_id');
    END IF;
    RETURN NULL;
END $$;

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- What is told.

-- The NAS that accounting calls by this address: what it calls itself goes before where its packets go.
CREATE FUNCTION noctule.nas_at(here uuid, address text) RETURNS uuid LANGUAGE sql STABLE
    RETURN (SELECT n.id FROM noctule.nas AS n WHERE n.tenant_id = here AND (n.nas_ip = nas_at.address
            OR starts_with(n.address, nas_at.address || ':') OR starts_with(n.address, '[' || nas_at.address || ']:'))
        ORDER BY (n.nas_ip IS NOT DISTINCT FROM nas_at.address) DESC, n.name LIMIT 1);

-- All that accounting has of some users now: a list of Told. The same again changes nothing; octets and the last sign of life alone are
-- written every five minutes, because each change goes to every console. `proofs` by the key of the NAS profile: what a profile says is the
-- console's data. Answers {"heard": Heard}.
CREATE FUNCTION noctule.sessions_told(told jsonb, proofs jsonb, console uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
    needs CONSTANT text := noctule.rule_needed('activate');
    moment timestamptz := clock_timestamp();
    one jsonb;
    session jsonb;
    s noctule.subscribers;
    after noctule.subscribers;
    before noctule.sessions;
    the_nas uuid;
    asked record;
    note text;
    put integer := 0;
    ended integer := 0;
    observed integer := 0;
    strangers integer := 0;
    unknown text[] := '{}';
BEGIN
    IF NOT noctule.allows(noctule.role(), needs) THEN
        RETURN noctule.not_permitted(noctule.role(), needs);
    END IF;
    IF jsonb_typeof(told) IS DISTINCT FROM 'array' OR jsonb_array_length(told) > 2000 THEN
        RAISE EXCEPTION 'this is no list of users, or too long a one: nothing was changed';
    END IF;
    FOR one IN SELECT x FROM jsonb_array_elements(told) AS x ORDER BY x->>'username' LOOP
        SELECT * INTO s FROM noctule.subscribers AS x WHERE x.tenant_id = here AND x.username = one->>'username' FOR UPDATE;
        IF NOT FOUND THEN
            strangers := strangers + 1;
            CONTINUE;
        END IF;
        SELECT * INTO before FROM noctule.sessions AS x WHERE x.tenant_id = here AND x.id = s.id;
        SELECT x.value, noctule.nas_at(here, x.value->>'nas_address') INTO session, the_nas
            FROM jsonb_array_elements(one->'open') WITH ORDINALITY AS x(value, n)
            WHERE noctule.nas_at(here, x.value->>'nas_address') IS NOT NULL ORDER BY x.n LIMIT 1;
        unknown := unknown || ARRAY(SELECT DISTINCT x->>'nas_address' FROM jsonb_array_elements(one->'open') AS x
            WHERE noctule.nas_at(here, x->>'nas_address') IS NULL AND x->>'nas_address' <> ALL (unknown) LIMIT 3);
        IF session IS NOT NULL THEN
            INSERT INTO noctule.sessions AS t (tenant_id, id, nas, acct_session_id, framed_ipv4, delegated_prefix, started_at, seen_at,
                    accounting_key, framed_prefix, input_octets, output_octets)
                VALUES (here, s.id, the_nas, left(session->>'acct_session_id', 253), session->>'framed_ipv4', (session->>'delegated_prefix')::cidr,
                    (session->>'started_at')::timestamptz, (session->>'updated_at')::timestamptz, left(session->>'key', 200),
                    (session->>'framed_prefix')::cidr, least((session->>'input_octets')::numeric, 9223372036854775807)::bigint,
                    least((session->>'output_octets')::numeric, 9223372036854775807)::bigint)
                ON CONFLICT (tenant_id, id) DO UPDATE SET nas = excluded.nas, acct_session_id = excluded.acct_session_id,
                    framed_ipv4 = excluded.framed_ipv4, delegated_prefix = excluded.delegated_prefix, started_at = excluded.started_at,
                    seen_at = excluded.seen_at, accounting_key = excluded.accounting_key, framed_prefix = excluded.framed_prefix,
                    input_octets = excluded.input_octets, output_octets = excluded.output_octets
                WHERE (t.nas, t.acct_session_id, t.framed_ipv4, t.delegated_prefix, t.started_at, t.accounting_key, t.framed_prefix)
                        IS DISTINCT FROM (excluded.nas, excluded.acct_session_id, excluded.framed_ipv4, excluded.delegated_prefix,
                            excluded.started_at, excluded.accounting_key, excluded.framed_prefix)
                    OR excluded.seen_at NOT BETWEEN t.seen_at AND t.seen_at + interval '5 minutes';
            IF FOUND THEN
                put := put + 1;
            END IF;
        ELSE
            -- What an import told is not accounting's to take away.
            DELETE FROM noctule.sessions AS x WHERE x.tenant_id = here AND x.id = s.id AND x.accounting_key IS NOT NULL;
            IF FOUND THEN
                ended := ended + 1;
            END IF;
        END IF;
        IF s.enforcement IN ('acknowledged', 'unanswered') OR (s.enforcement = 'none' AND s.state = 'active') THEN
            SELECT o.id, o.kind, j.started_at INTO asked FROM noctule.operations AS o
                JOIN noctule.operation_steps AS j ON j.tenant_id = o.tenant_id AND j.operation = o.id
                WHERE o.tenant_id = here AND o.subscriber = s.id AND noctule.is_nas_step(j.step)
                ORDER BY j.started_at DESC, j.seq DESC LIMIT 1;
            note := noctule.proof(s,
                EXISTS (SELECT FROM noctule.operations AS o WHERE o.tenant_id = here AND o.subscriber = s.id AND o.status IN ('running', 'waiting')),
                asked.kind, asked.started_at,
                proofs->(SELECT n.profile FROM noctule.nas AS n WHERE n.tenant_id = here AND n.id = coalesce(before.nas, the_nas,
                    noctule.nas_at(here, one->'stopped'->0->>'nas_address'), s.nas)),
                one, moment);
            IF note IS NOT NULL THEN
                after := s;
                after.enforcement := 'observed';
                after.enforcement_note := noctule.bounded(note);
                after := noctule.write_ipv6(after, moment);
                observed := observed + 1;
                PERFORM noctule.audit_append(jsonb_build_object('actor', 'accounting',
                    'origin', format('console %s of %s', console, session_user), 'action', 'ipv6-observed',
                    'target', format('subscriber %s (%s)', s.number, s.id), 'operation', asked.id, 'before', noctule.ipv6_json(s),
                    'after', noctule.ipv6_json(after), 'answers', jsonb_build_object('accounting', note)));
            END IF;
        END IF;
    END LOOP;
    RETURN jsonb_build_object('heard', jsonb_build_object('put', put, 'ended', ended, 'observed', observed, 'strangers', strangers,
        'unknown_nas', to_jsonb(unknown[1:20])));
END $$;

REVOKE ALL ON FUNCTION noctule.session_json(noctule.sessions), noctule.nas_at(uuid, text), noctule.sessions_told(jsonb, jsonb, uuid),
    noctule.proof(noctule.subscribers, boolean, text, timestamptz, jsonb, jsonb, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION noctule.sessions_told(jsonb, jsonb, uuid) TO noctule_member;

-- Whether an AAA system decides what logins of this tenant get: from then on operations write logins, on every console. For administrators.
CREATE FUNCTION noctule.aaa_use(used boolean) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
    before boolean;
BEGIN
    SELECT t.aaa INTO STRICT before FROM noctule.tenants AS t WHERE t.tenant_id = here FOR UPDATE;
    IF used IS NULL OR used = before THEN
        RETURN jsonb_build_object('used', before);
    END IF;
    IF noctule.role() <> 'admin' THEN
        RAISE EXCEPTION 'only an administrator says whether logins are written in an AAA system' USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE noctule.tenants AS t SET aaa = used WHERE t.tenant_id = here;
    PERFORM noctule.audit_append(jsonb_build_object('actor', session_user::text, 'origin', 'noctule aaa', 'action', 'aaa-use',
        'target', 'tenant', 'before', to_jsonb(before), 'after', to_jsonb(used)));
    RETURN jsonb_build_object('used', used);
END $$;
REVOKE ALL ON FUNCTION noctule.aaa_use(boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION noctule.aaa_use(boolean) TO noctule_member;
