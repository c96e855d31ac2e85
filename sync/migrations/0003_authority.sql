-- The authority of lifecycle operations: the state machine inside the database, so that no client, however made, gets around it. The rules
-- are those of `domain/src/lifecycle`, written a second time as small functions; a test asks both sides over every combination of facts and
-- fails when one was changed alone. Expected refusals are JSON answers, exceptions are for what should not happen.
-- All functions that members may call are SECURITY DEFINER with an empty search_path; who acts is session_user, never what a request says.

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- Small helpers.

-- A time as consoles read it: RFC 3339, microseconds, Z.
CREATE FUNCTION noctule.at_text(at timestamptz) RETURNS text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = ''
    RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- The audit log: one chain a tenant, appended to in the transaction of what it speaks of, never changed.

-- Appends one entry (serde form of AuditEntry); tenant and time are the server's, whatever the entry says. Callers do this last in their
-- transaction: the head's row is locked from here to the commit, and every writer of the tenant stands in that line.
CREATE FUNCTION noctule.audit_append(entry jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.tenant();
    last bigint;
    before text;
    record text;
    digest text;
BEGIN
    IF here IS NULL THEN
        RAISE EXCEPTION 'no tenant is chosen, or % is no member of it', session_user USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT h.seq, h.hash INTO last, before FROM noctule.audit_heads AS h WHERE h.tenant_id = here FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO noctule.audit_heads (tenant_id, seq, hash) VALUES (here, 0, repeat('0', 64)) ON CONFLICT DO NOTHING;
        SELECT h.seq, h.hash INTO STRICT last, before FROM noctule.audit_heads AS h WHERE h.tenant_id = here FOR UPDATE;
    END IF;
    record := jsonb_build_object('seq', last + 1, 'entry',
        jsonb_build_object('actor', '', 'origin', '', 'action', '', 'target', '', 'operation', NULL, 'reason', NULL, 'before', NULL,
            'after', NULL, 'answers', NULL)
        || entry
        || jsonb_build_object('tenant', here, 'at', noctule.at_text(clock_timestamp())))::text;
    digest := encode(sha256(convert_to(before || record, 'UTF8')), 'hex');
    INSERT INTO noctule.audit (tenant_id, seq, body, previous, hash) VALUES (here, last + 1, record, before, digest);
    UPDATE noctule.audit_heads AS h SET seq = last + 1, hash = digest WHERE h.tenant_id = here;
END $$;
REVOKE ALL ON FUNCTION noctule.audit_append(jsonb) FROM PUBLIC;

-- Also its owner does not change what was written; taking the trigger away is the only way, and that shows.
CREATE FUNCTION noctule.audit_is_append_only() RETURNS trigger
    LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only ever appended to' USING ERRCODE = 'restrict_violation';
END $$;
REVOKE ALL ON FUNCTION noctule.audit_is_append_only() FROM PUBLIC;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON noctule.audit
    FOR EACH STATEMENT EXECUTE FUNCTION noctule.audit_is_append_only();
CREATE TRIGGER audit_heads_stay BEFORE DELETE OR TRUNCATE ON noctule.audit_heads
    FOR EACH STATEMENT EXECUTE FUNCTION noctule.audit_is_append_only();

-- The head of the chain only moves on by one.
CREATE FUNCTION noctule.audit_head_moves_on() RETURNS trigger
    LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF NEW.tenant_id <> OLD.tenant_id OR NEW.seq <> OLD.seq + 1 THEN
        RAISE EXCEPTION 'the audit log is only ever appended to' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION noctule.audit_head_moves_on() FROM PUBLIC;
CREATE TRIGGER audit_head_moves_on BEFORE UPDATE ON noctule.audit_heads
    FOR EACH ROW EXECUTE FUNCTION noctule.audit_head_moves_on();

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- The rules, as in domain/src/permission.rs and domain/src/lifecycle/{guard,plan,record}.rs. `sync/tests/authority` compares both.

CREATE FUNCTION noctule.allows(role text, permission text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(CASE role
        WHEN 'admin' THEN true
        WHEN 'noc' THEN permission IN ('read', 'ipv6.allocate', 'ipv6.activate', 'ipv6.suspend', 'ipv6.resume', 'ipv6.revoke', 'ipv6.force',
            'subscriber.write')
        WHEN 'dispatcher' THEN permission IN ('read', 'field.write', 'subscriber.write')
        WHEN 'technician' THEN permission IN ('read', 'own.write')
        WHEN 'viewer' THEN permission = 'read'
    END, false);

-- The permission that an operation needs. A release is done after the rest and needs what a revoke needs.
CREATE FUNCTION noctule.rule_needed(kind text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE kind
        WHEN 'allocate' THEN 'ipv6.allocate' WHEN 'activate' THEN 'ipv6.activate' WHEN 'suspend' THEN 'ipv6.suspend'
        WHEN 'resume' THEN 'ipv6.resume' WHEN 'revoke' THEN 'ipv6.revoke' WHEN 'release' THEN 'ipv6.revoke'
    END;

-- The state that an operation leads to; none for release, which keeps it.
CREATE FUNCTION noctule.rule_target(kind text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE kind
        WHEN 'allocate' THEN 'allocated' WHEN 'activate' THEN 'active' WHEN 'resume' THEN 'active' WHEN 'suspend' THEN 'suspended'
        WHEN 'revoke' THEN 'revoked'
    END;

-- The states from which an operation may begin.
CREATE FUNCTION noctule.rule_from(kind text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE kind
        WHEN 'allocate' THEN ARRAY['pending', 'failed', 'revoked']
        WHEN 'activate' THEN ARRAY['allocated']
        WHEN 'suspend' THEN ARRAY['active']
        WHEN 'resume' THEN ARRAY['suspended']
        WHEN 'revoke' THEN ARRAY['allocated', 'active', 'suspended', 'failed', 'revoking']
        WHEN 'release' THEN ARRAY['revoked']
    END;

CREATE FUNCTION noctule.is_nas_step(step text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN step IN ('nas_coa', 'nas_disconnect');

-- True when the network may hold the prefix: then nothing is released before a Disconnect is confirmed.
CREATE FUNCTION noctule.was_used(state text, enforcement text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN state IN ('active', 'suspended', 'revoking') OR enforcement <> 'none';

-- May `kind` begin? {"go": true}, {"already_there": true}, or {"refused": serde form of Refusal}. `running` is {operation, kind, by} of the
-- operation that runs for the subscriber, or SQL null. `options` is complete (noctule.options_of).
CREATE FUNCTION noctule.guard(kind text, state text, mode text, enforcement text, hold_until timestamptz, has_prefix boolean,
    has_netbox_id boolean, version bigint, running jsonb, options jsonb, role text, expected_version bigint, at timestamptz)
RETURNS jsonb LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = ''
AS $$
DECLARE
    needs text;
    kept boolean;
BEGIN
    FOREACH needs IN ARRAY array_remove(ARRAY[noctule.rule_needed(kind), CASE WHEN (options->>'force')::boolean THEN 'ipv6.force' END], NULL)
    LOOP
        IF NOT noctule.allows(role, needs) THEN
            RETURN jsonb_build_object('refused', jsonb_build_object('NotPermitted', jsonb_build_object('role', role, 'needs', needs)));
        END IF;
    END LOOP;
    IF kind = 'allocate' AND (options->>'prefix_len')::int NOT BETWEEN 48 AND 64 THEN
        RETURN jsonb_build_object('refused', jsonb_build_object('BadPrefixLength', jsonb_build_object('asked', options->'prefix_len')));
    END IF;
    IF running IS NOT NULL THEN
        RETURN jsonb_build_object('refused', jsonb_build_object('Busy', running));
    END IF;
    -- Revoked, but NetBox was to keep the prefix: it is still to be given back, and only a revoke does that.
    kept := kind = 'revoke' AND state = 'revoked' AND (options->>'release_to_netbox')::boolean AND has_netbox_id AND hold_until IS NULL;
    IF noctule.rule_target(kind) = state AND NOT kept THEN
        RETURN '{"already_there": true}';
    END IF;
    IF expected_version <> version THEN
        RETURN jsonb_build_object('refused', jsonb_build_object('StaleVersion',
            jsonb_build_object('expected', expected_version, 'found', version)));
    END IF;
    IF NOT kept AND state <> ALL (noctule.rule_from(kind)) THEN
        RETURN jsonb_build_object('refused', jsonb_build_object('WrongState', jsonb_build_object('kind', kind, 'state', state)));
    END IF;
    IF kind = 'allocate' AND mode NOT IN ('pd', 'dual_stack') THEN
        RETURN jsonb_build_object('refused', jsonb_build_object('WrongMode', jsonb_build_object('mode', mode)));
    END IF;
    IF kind IN ('allocate', 'release') AND hold_until > at THEN
        RETURN jsonb_build_object('refused', jsonb_build_object('OnHold', jsonb_build_object('until', noctule.at_text(hold_until))));
    END IF;
    IF kind = 'release' AND NOT has_netbox_id THEN
        RETURN '{"already_there": true}';
    END IF;
    IF kind IN ('activate', 'suspend', 'resume') AND NOT has_prefix THEN
        RETURN '{"refused": "NoPrefix"}';
    END IF;
    IF kind = 'revoke' AND NOT (options->>'send_disconnect')::boolean AND NOT (options->>'force')::boolean
        AND noctule.was_used(state, enforcement) THEN
        RETURN '{"refused": "DisconnectRequired"}';
    END IF;
    RETURN '{"go": true}';
END $$;

-- The step by which a method of a NAS profile is carried out.
CREATE FUNCTION noctule.nas_step(method text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN method = 'disconnect_then_login' THEN 'nas_disconnect'
                WHEN method IN ('coa_prefix', 'coa_filter', 'coa_service') THEN 'nas_coa' END;

-- The steps of `kind`, a JSON list. `methods` are those of the NAS that owns the session; SQL null when there is no NAS.
CREATE FUNCTION noctule.plan_of(kind text, state text, enforcement text, has_prefix boolean, has_netbox_id boolean, has_session boolean,
    methods jsonb, options jsonb)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN to_jsonb(array_remove(CASE kind
        WHEN 'allocate' THEN ARRAY[CASE WHEN has_netbox_id THEN 'netbox_delete' END, 'netbox_allocate']
        WHEN 'activate' THEN ARRAY[
            CASE WHEN (options->>'send_coa')::boolean AND has_session THEN noctule.nas_step(methods->>'activate') END,
            CASE WHEN has_prefix THEN 'netbox_activate' END]
        WHEN 'suspend' THEN ARRAY[CASE WHEN methods IS NULL THEN 'nas_coa' ELSE noctule.nas_step(methods->>'suspend') END]
        WHEN 'resume' THEN ARRAY[CASE WHEN methods IS NULL THEN 'nas_coa' ELSE noctule.nas_step(methods->>'resume') END]
        WHEN 'revoke' THEN ARRAY[
            CASE WHEN (options->>'send_disconnect')::boolean AND noctule.was_used(state, enforcement) THEN 'nas_disconnect' END,
            CASE WHEN (options->>'release_to_netbox')::boolean AND has_prefix THEN 'netbox_deprecate' END]
        WHEN 'release' THEN ARRAY['netbox_delete']
    END, NULL));

-- A revoke is `revoking` from its first moment; the others change nothing before their end.
CREATE FUNCTION noctule.record_begin(record noctule.subscribers, kind text, at timestamptz) RETURNS noctule.subscribers
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = ''
AS $$
BEGIN
    IF kind = 'revoke' AND record.state <> 'revoking' THEN
        record.state := 'revoking';
        record.since := at;
    END IF;
    RETURN record;
END $$;

-- A request to the NAS is about to leave.
CREATE FUNCTION noctule.record_nas_asked(record noctule.subscribers) RETURNS noctule.subscribers
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = ''
AS $$
BEGIN
    record.enforcement := 'requested';
    record.enforcement_note := NULL;
    RETURN record;
END $$;

-- Applies an outcome. `ended` is {status, state, enforcement, enforcement_note, error, begin_hold, forget_prefix}, `hold` how long a released
-- prefix rests.
CREATE FUNCTION noctule.record_end(record noctule.subscribers, kind text, ended jsonb, progress jsonb, at timestamptz, hold interval)
RETURNS noctule.subscribers LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = ''
AS $$
DECLARE
    before text := record.state;
    target text := ended->>'state';
    forget boolean := (ended->>'forget_prefix')::boolean;
BEGIN
    IF forget THEN
        record.prefix := NULL;
        record.netbox_prefix_id := NULL;
        record.vrf := 0;
        record.hold_until := NULL;
    END IF;
    IF kind = 'allocate' AND progress->>'netbox_prefix_id' IS NOT NULL THEN
        record.prefix := (progress->>'prefix')::cidr;
        record.netbox_prefix_id := (progress->>'netbox_prefix_id')::bigint;
        record.vrf := coalesce((progress->>'vrf')::bigint, 0);
        record.hold_until := NULL;
    ELSIF record.netbox_prefix_id IS NULL AND NOT forget THEN
        -- An imported prefix whose NetBox object was found on the way.
        record.netbox_prefix_id := (progress->>'netbox_prefix_id')::bigint;
    END IF;
    IF ended->>'enforcement' IS NOT NULL THEN
        record.enforcement := ended->>'enforcement';
        record.enforcement_note := ended->>'enforcement_note';
    END IF;
    IF (ended->>'begin_hold')::boolean THEN
        record.hold_until := at + hold;
    END IF;
    record.last_error := ended->>'error';
    IF target IS NOT NULL AND target <> before THEN
        record.state := target;
        record.since := at;
    END IF;
    IF ended->>'status' = 'succeeded' AND before <> record.state THEN
        CASE kind
            WHEN 'allocate' THEN
                -- A new life of the prefix: the stamps of the last one would only mislead.
                record.activated_at := NULL;
                record.suspended_at := NULL;
                record.resumed_at := NULL;
                record.revoked_at := NULL;
                record.failed_at := NULL;
                record.allocated_at := at;
            WHEN 'activate' THEN record.activated_at := at;
            WHEN 'suspend' THEN record.suspended_at := at;
            WHEN 'resume' THEN record.resumed_at := at;
            WHEN 'revoke' THEN record.revoked_at := at;
            WHEN 'release' THEN RETURN record;
        END CASE;
    END IF;
    IF record.state = 'failed' AND target = 'failed' THEN
        record.failed_at := at;
    END IF;
    RETURN record;
END $$;

-- NetBox handed out a prefix that overlaps one which is live here: the outcome is turned into this failure.
CREATE FUNCTION noctule.overlap(progress jsonb, theirs cidr, holder text) RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE
    RETURN jsonb_build_object('status', 'failed', 'state', 'failed', 'enforcement', 'none', 'enforcement_note', NULL, 'error',
        format('NetBox handed out %s, but %s holds %s here: nothing was given to the subscriber. If that is right, enter %3$s in NetBox, '
            || 'otherwise mend it here; then allocate again.', coalesce(progress->>'prefix', ''), holder, theirs::text),
        'begin_hold', false, 'forget_prefix', false);

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- Rows as the domain's types (serde forms).

CREATE FUNCTION noctule.position_json(lat double precision, lng double precision) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN lat IS NOT NULL AND lng IS NOT NULL THEN jsonb_build_object('lat', lat, 'lng', lng) END;

-- Ipv6Record.
CREATE FUNCTION noctule.ipv6_json(s noctule.subscribers) RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE
    RETURN jsonb_build_object(
        'state', s.state, 'mode', s.mode, 'enforcement', s.enforcement, 'enforcement_note', s.enforcement_note, 'prefix', s.prefix::text,
        'vrf', nullif(s.vrf, 0), 'pd_size', s.pd_size, 'netbox_prefix_id', s.netbox_prefix_id, 'hold_until', noctule.at_text(s.hold_until),
        'last_error', s.last_error, 'allocated_at', noctule.at_text(s.allocated_at), 'activated_at', noctule.at_text(s.activated_at),
        'suspended_at', noctule.at_text(s.suspended_at), 'resumed_at', noctule.at_text(s.resumed_at),
        'revoked_at', noctule.at_text(s.revoked_at), 'failed_at', noctule.at_text(s.failed_at), 'since', noctule.at_text(s.since));

-- Subscriber, with its session and the operation that runs for it.
CREATE FUNCTION noctule.subscriber_json(s noctule.subscribers) RETURNS jsonb LANGUAGE sql STABLE
    RETURN jsonb_build_object(
        'id', s.id, 'tenant', s.tenant_id, 'subscriber_number', s.number, 'username', s.username, 'full_name', s.full_name,
        'email', s.email, 'phone', s.phone, 'status', s.status, 'service_type', s.service_type, 'download_kbps', s.download_kbps,
        'upload_kbps', s.upload_kbps, 'service_address', s.service_address, 'position', noctule.position_json(s.lat, s.lng),
        'site', s.site, 'nas', s.nas, 'vlan', s.vlan, 'circuit_id', s.circuit_id, 'remote_id', s.remote_id, 'onu_serial', s.onu_serial,
        'cpe_mac', s.cpe_mac, 'static_ipv4', s.static_ipv4, 'balance_flag', s.balance_flag, 'suspend_reason', s.suspend_reason,
        'notes', s.notes, 'ipv6', noctule.ipv6_json(s), 'version', s.version, 'created_at', noctule.at_text(s.created_at),
        'updated_at', noctule.at_text(s.updated_at),
        'session', (SELECT jsonb_build_object('nas', x.nas, 'acct_session_id', x.acct_session_id, 'framed_ipv4', x.framed_ipv4,
                'delegated_prefix', x.delegated_prefix::text, 'started_at', noctule.at_text(x.started_at),
                'seen_at', noctule.at_text(x.seen_at))
            FROM noctule.sessions AS x WHERE x.tenant_id = s.tenant_id AND x.id = s.id),
        'running', (SELECT o.id FROM noctule.operations AS o
            WHERE o.tenant_id = s.tenant_id AND o.subscriber = s.id AND o.status IN ('running', 'waiting')));

-- Operation.
CREATE FUNCTION noctule.operation_json(o noctule.operations) RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE
    RETURN jsonb_build_object(
        'id', o.id, 'tenant', o.tenant_id, 'subscriber', o.subscriber, 'kind', o.kind,
        'actor', jsonb_build_object('name', o.actor, 'role', o.role, 'origin', o.origin), 'options', o.options,
        'expected_version', o.expected_version, 'requested_at', noctule.at_text(o.requested_at), 'status', o.status, 'plan', o.plan,
        'progress', o.progress, 'retry_at', noctule.at_text(o.retry_at), 'ended_at', noctule.at_text(o.ended_at), 'error', o.error,
        'lease_owner', o.lease_owner, 'lease_until', noctule.at_text(o.lease_until));

-- Nas, with its health; the round trip as serde writes a Duration.
CREATE FUNCTION noctule.nas_json(n noctule.nas) RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE
    RETURN jsonb_build_object(
        'id', n.id, 'tenant', n.tenant_id, 'name', n.name, 'profile', n.profile, 'address', n.address, 'nas_ip', n.nas_ip,
        'nas_identifier', n.nas_identifier, 'secret', n.secret, 'position', noctule.position_json(n.lat, n.lng), 'site', n.site,
        'enabled', n.enabled, 'health', jsonb_build_object('reach', n.reach,
            'round_trip', CASE WHEN n.round_trip_us IS NOT NULL THEN
                jsonb_build_object('secs', n.round_trip_us / 1000000, 'nanos', n.round_trip_us % 1000000 * 1000) END,
            'last_answer_at', noctule.at_text(n.last_answer_at), 'last_asked_at', noctule.at_text(n.last_asked_at), 'acks', n.acks,
            'naks', n.naks, 'timeouts', n.timeouts));

-- The journal: a list of StepRow.
CREATE FUNCTION noctule.steps_json(here uuid, of_operation uuid) RETURNS jsonb LANGUAGE sql STABLE
    RETURN coalesce((SELECT jsonb_agg(jsonb_build_object('step', j.step, 'attempt', j.attempt, 'upstream', j.upstream, 'request', j.request,
            'status', j.status, 'answer', j.answer, 'started_at', noctule.at_text(j.started_at), 'ended_at', noctule.at_text(j.ended_at))
            ORDER BY j.seq)
        FROM (SELECT * FROM noctule.operation_steps AS j WHERE j.tenant_id = here AND j.operation = of_operation ORDER BY j.seq LIMIT 10000) AS j),
        '[]');

-- The NAS that owns the session, else the one that the subscriber is registered at.
CREATE FUNCTION noctule.nas_of(s noctule.subscribers) RETURNS noctule.nas LANGUAGE sql STABLE
    RETURN (SELECT n FROM noctule.nas AS n WHERE n.tenant_id = s.tenant_id AND n.id = coalesce(
        (SELECT x.nas FROM noctule.sessions AS x WHERE x.tenant_id = s.tenant_id AND x.id = s.id), s.nas));

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- What the parts of the authority share.

-- Which console ended it: the same end told again, after a lost answer, is answered again.
ALTER TABLE noctule.operations ADD COLUMN ended_console uuid, ADD COLUMN ended_login text;

-- The tenant of this session. Nobody without one comes further.
CREATE FUNCTION noctule.authority_tenant() RETURNS uuid LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.tenant();
BEGIN
    IF here IS NULL THEN
        RAISE EXCEPTION 'no tenant is chosen, or % is no member of it', session_user USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN here;
END $$;

-- Text from a client: bounded here, made harmless where it is read (SafeText).
CREATE FUNCTION noctule.bounded(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN left(given, 2000);

CREATE FUNCTION noctule.not_found(what text, id text) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN jsonb_build_object('not_found', jsonb_build_object('what', what, 'id', id));

CREATE FUNCTION noctule.not_permitted(role text, needs text) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN jsonb_build_object('refused', jsonb_build_object('NotPermitted', jsonb_build_object('role', role, 'needs', needs)));

-- An operation that is not this console's to write on: ended, or led by another; SQL null when it is. A console is known by its id and by
-- the login that it works for, so that nobody speaks for another's console.
CREATE FUNCTION noctule.not_held(o noctule.operations, console uuid) RETURNS jsonb LANGUAGE sql STABLE
    RETURN CASE
        WHEN o.status NOT IN ('running', 'waiting') THEN jsonb_build_object('ended', jsonb_build_object('operation', o.id, 'status', o.status))
        WHEN o.lease_owner IS DISTINCT FROM console OR o.lease_login IS DISTINCT FROM session_user::text
            THEN jsonb_build_object('lease_lost', jsonb_build_object('operation', o.id))
    END;

-- The options of a request, complete and of the right types (serde form of OperationOptions).
CREATE FUNCTION noctule.options_of(given jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = ''
AS $$
DECLARE
    whole jsonb := '{"prefix_len": null, "pool": null, "send_coa": true, "send_disconnect": true, "release_to_netbox": true, "force": false,
        "reason": null}'::jsonb || coalesce(given, '{}');
    key text;
    good boolean;
BEGIN
    FOR key IN SELECT jsonb_object_keys(whole) LOOP
        good := CASE
            WHEN key IN ('send_coa', 'send_disconnect', 'release_to_netbox', 'force') THEN jsonb_typeof(whole->key) = 'boolean'
            WHEN whole->key = 'null' THEN key IN ('prefix_len', 'pool', 'reason')
            -- Numbers as numbers: a text in their place would be read by no console.
            WHEN key = 'prefix_len' THEN jsonb_typeof(whole->key) = 'number' AND whole->>key ~ '^[0-9]{1,3}$' AND (whole->>key)::int <= 255
            WHEN key = 'pool' THEN jsonb_typeof(whole->key) = 'number' AND whole->>key ~ '^[0-9]{1,18}$'
            WHEN key = 'reason' THEN jsonb_typeof(whole->key) = 'string'
            ELSE false
        END;
        IF good IS NOT TRUE THEN
            RAISE EXCEPTION 'the option % of this request is not one of ours, or not of its kind: nothing was begun', left(key, 40);
        END IF;
    END LOOP;
    IF whole->>'reason' IS NOT NULL THEN
        whole := jsonb_set(whole, '{reason}', to_jsonb(noctule.bounded(whole->>'reason')));
    END IF;
    RETURN whole;
END $$;

-- Writes the IPv6 side of a row, raises its version, says who did it. The constraints of the schema speak here.
CREATE FUNCTION noctule.write_ipv6(r noctule.subscribers, at timestamptz) RETURNS noctule.subscribers
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    UPDATE noctule.subscribers AS s SET
        state = (r).state, mode = (r).mode, enforcement = (r).enforcement, enforcement_note = (r).enforcement_note, prefix = (r).prefix,
        vrf = (r).vrf, pd_size = (r).pd_size, netbox_prefix_id = (r).netbox_prefix_id, hold_until = (r).hold_until,
        last_error = (r).last_error, allocated_at = (r).allocated_at, activated_at = (r).activated_at, suspended_at = (r).suspended_at,
        resumed_at = (r).resumed_at, revoked_at = (r).revoked_at, failed_at = (r).failed_at, since = (r).since,
        version = s.version + 1, updated_at = at, updated_by = session_user::text
    WHERE s.tenant_id = (r).tenant_id AND s.id = (r).id
    RETURNING s.*;
END;

-- The audit record of a moment of an operation: `ipv6-revoke` for its end, `ipv6-revoke-begin` and the like for others.
CREATE FUNCTION noctule.audit_operation(o noctule.operations, moment text, s noctule.subscribers, before jsonb, after jsonb, answers jsonb,
    actor text, origin text) RETURNS void LANGUAGE sql VOLATILE
    RETURN noctule.audit_append(jsonb_build_object('actor', actor, 'origin', origin, 'action', 'ipv6-' || o.kind || moment,
        'target', format('subscriber %s (%s)', s.number, s.id), 'operation', o.id, 'reason', o.options->'reason', 'before', before,
        'after', after, 'answers', answers));

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- Begin and context.

-- Guards, writes the intent, takes the lease for this console, opens the audit trail. `request` is {id, subscriber, kind, origin, options,
-- expected_version}; who asks is the login, and its role stands in `members`. `methods` names, by profile, how NASes are made to obey (serde
-- form of Methods): what a profile says is the console's data. Answers {"operation"}, {"already_there": Subscriber}, {"refused": Refusal},
-- {"not_found"}, or {"profile", "nas"}: nothing was begun, ask again with the methods of that profile.
CREATE FUNCTION noctule.begin(request jsonb, console uuid, methods jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
    wanted uuid := (request->>'id')::uuid;
    wanted_kind text := request->>'kind';
    options jsonb := noctule.options_of(request->'options');
    as_role text := noctule.role();
    moment timestamptz;
    subscriber noctule.subscribers;
    after noctule.subscribers;
    operation noctule.operations;
    other noctule.operations;
    nas noctule.nas;
    answer jsonb;
    with_methods jsonb;
BEGIN
    IF wanted IS NULL OR console IS NULL OR noctule.rule_needed(wanted_kind) IS NULL THEN
        RAISE EXCEPTION 'this is no request for a lifecycle operation: nothing was begun';
    END IF;
    SELECT s.* INTO subscriber FROM noctule.subscribers AS s WHERE s.tenant_id = here AND s.id = (request->>'subscriber')::uuid FOR UPDATE;
    -- The same value twice is the same operation, also when the first of the two has been waiting for the row until now.
    SELECT o.* INTO operation FROM noctule.operations AS o WHERE o.tenant_id = here AND o.id = wanted;
    IF operation.id IS NOT NULL THEN
        IF operation.subscriber IS DISTINCT FROM (request->>'subscriber')::uuid OR operation.kind <> wanted_kind
            OR operation.actor <> session_user THEN
            RAISE EXCEPTION 'the operation id % was used for another request: nothing was begun', wanted;
        END IF;
        RETURN jsonb_build_object('operation', noctule.operation_json(operation));
    END IF;
    IF subscriber.id IS NULL THEN
        RETURN noctule.not_found('subscriber', request->>'subscriber');
    END IF;
    -- After the wait for the row: what is written now comes after what was written before.
    moment := clock_timestamp();
    SELECT o.* INTO other FROM noctule.operations AS o
        WHERE o.tenant_id = here AND o.subscriber = subscriber.id AND o.status IN ('running', 'waiting');
    answer := noctule.guard(wanted_kind, subscriber.state, subscriber.mode, subscriber.enforcement, subscriber.hold_until,
        subscriber.prefix IS NOT NULL, subscriber.netbox_prefix_id IS NOT NULL, subscriber.version,
        CASE WHEN other.id IS NOT NULL THEN jsonb_build_object('operation', other.id, 'kind', other.kind, 'by', other.actor) END,
        options, as_role, (request->>'expected_version')::bigint, moment);
    IF answer ? 'already_there' THEN
        RETURN jsonb_build_object('already_there', noctule.subscriber_json(subscriber));
    ELSIF answer ? 'refused' THEN
        RETURN answer;
    END IF;
    nas := noctule.nas_of(subscriber);
    IF nas.id IS NOT NULL THEN
        with_methods := methods->nas.profile;
        -- An unknown profile is no reason to leave the NAS out: a revoke would then release a prefix that is still routed.
        IF with_methods IS NULL THEN
            RETURN jsonb_build_object('profile', nas.profile, 'nas', nas.name);
        END IF;
        IF (SELECT count(*) <> 3 FROM jsonb_each_text(with_methods) AS m
            WHERE m.key IN ('activate', 'suspend', 'resume')
                AND m.value IN ('coa_prefix', 'coa_filter', 'coa_service', 'disconnect_then_login', 'none')) THEN
            RAISE EXCEPTION 'the methods of the profile % are not ours: nothing was begun', nas.profile;
        END IF;
    END IF;
    operation := NULL;
    operation.tenant_id := here;
    operation.id := wanted;
    operation.subscriber := subscriber.id;
    operation.kind := wanted_kind;
    operation.status := 'running';
    operation.actor := session_user;
    operation.role := as_role;
    operation.origin := coalesce(noctule.bounded(request->>'origin'), '');
    operation.options := options;
    operation.expected_version := (request->>'expected_version')::bigint;
    operation.requested_at := moment;
    operation.plan := noctule.plan_of(wanted_kind, subscriber.state, subscriber.enforcement, subscriber.prefix IS NOT NULL,
        subscriber.netbox_prefix_id IS NOT NULL,
        EXISTS (SELECT FROM noctule.sessions AS x WHERE x.tenant_id = here AND x.id = subscriber.id), with_methods, options);
    operation.progress := noctule.new_progress();
    operation.before := noctule.ipv6_json(subscriber);
    operation.lease_owner := console;
    operation.lease_login := session_user;
    operation.lease_until := moment + (SELECT t.lease FROM noctule.tenants AS t WHERE t.tenant_id = here);
    INSERT INTO noctule.operations SELECT operation.* ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        -- The row was locked, so this is an id that somebody used for another subscriber a moment ago.
        RAISE EXCEPTION 'the operation id % was used for another request: nothing was begun', wanted;
    END IF;
    after := noctule.record_begin(subscriber, wanted_kind, moment);
    IF after IS DISTINCT FROM subscriber THEN
        after := noctule.write_ipv6(after, moment);
    END IF;
    PERFORM noctule.audit_operation(operation, '-begin', subscriber, operation.before, noctule.ipv6_json(after),
        jsonb_build_object('options', options, 'plan', operation.plan, 'nas', nas.name), operation.actor, operation.origin);
    RETURN jsonb_build_object('operation', noctule.operation_json(operation));
END $$;

-- Progress::default().
CREATE FUNCTION noctule.new_progress() RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '{"at": 0, "attempts": 0, "unclear": false, "watch": false, "prefix": null, "netbox_prefix_id": null, "vrf": null,
        "enforcement": "none", "enforcement_note": null, "before": null}'::jsonb;

-- The operation, its subscriber, the NAS that is asked. `now` is the clock by which the times in it are meant.
CREATE FUNCTION noctule.context(operation uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
    o noctule.operations;
    s noctule.subscribers;
    n noctule.nas;
BEGIN
    SELECT x.* INTO o FROM noctule.operations AS x WHERE x.tenant_id = here AND x.id = context.operation;
    IF NOT FOUND THEN
        RETURN noctule.not_found('operation', context.operation::text);
    END IF;
    -- A technician sees own work; operations are not among it.
    IF NOT noctule.allows(noctule.role(), 'read') OR noctule.role() = 'technician' THEN
        RETURN noctule.not_found('operation', context.operation::text);
    END IF;
    SELECT x.* INTO STRICT s FROM noctule.subscribers AS x WHERE x.tenant_id = here AND x.id = o.subscriber;
    n := noctule.nas_of(s);
    RETURN jsonb_build_object('operation', noctule.operation_json(o), 'subscriber', noctule.subscriber_json(s),
        'nas', CASE WHEN n.id IS NOT NULL THEN noctule.nas_json(n) END, 'now', noctule.at_text(clock_timestamp()));
END $$;

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- The journal. The progress of an operation is kept here: a client says how a step ended, and what follows from that is checked, so `at`
-- moves on only past a step that is done (or, with force, past a NAS that said no), and what an allocation gave stands as it was journalled.

-- A try of a step is about to leave. `step` is {operation, step, attempt, upstream, request, unclear}.
CREATE FUNCTION noctule.step_started(step jsonb, console uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
    moment timestamptz;
    kind text := step->>'step';
    try integer := (step->>'attempt')::integer;
    o noctule.operations;
    s noctule.subscribers;
    p jsonb;
    answer jsonb;
    last_seq integer;
BEGIN
    SELECT x.* INTO o FROM noctule.operations AS x WHERE x.tenant_id = here AND x.id = (step->>'operation')::uuid FOR UPDATE;
    IF NOT FOUND THEN
        RETURN noctule.not_found('operation', step->>'operation');
    END IF;
    answer := noctule.not_held(o, console);
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    moment := clock_timestamp();
    -- Told again after a lost answer: it stands there already.
    IF EXISTS (SELECT FROM noctule.operation_steps AS j WHERE j.tenant_id = here AND j.operation = o.id AND j.step = kind
        AND j.attempt = try AND j.console = step_started.console) THEN
        RETURN '{"ok": true}';
    END IF;
    p := o.progress;
    IF kind IS DISTINCT FROM o.plan->>(p->>'at')::int OR try IS NULL OR try < 1 THEN
        RAISE EXCEPTION 'operation % stands at step %, not at %: nothing was journalled', o.id, coalesce(o.plan->>(p->>'at')::int, 'end'), kind;
    END IF;
    -- A try of this console whose end could not be taken down.
    UPDATE noctule.operation_steps AS j SET status = 'unclear', answer = 'its end could not be written down', ended_at = moment
        WHERE j.tenant_id = here AND j.operation = o.id AND j.status = 'started';
    p := p || jsonb_build_object('attempts', greatest((p->>'attempts')::int, try),
        'unclear', (p->>'unclear')::boolean OR FOUND OR coalesce((step->>'unclear')::boolean, false));
    SELECT coalesce(max(j.seq), 0) INTO last_seq FROM noctule.operation_steps AS j WHERE j.tenant_id = here AND j.operation = o.id;
    INSERT INTO noctule.operation_steps (tenant_id, operation, seq, step, attempt, upstream, request, status, console, started_at)
        VALUES (here, o.id, last_seq + 1, kind, try, coalesce(noctule.bounded(step->>'upstream'), ''),
            coalesce(noctule.bounded(step->>'request'), ''), 'started', step_started.console, moment);
    IF noctule.is_nas_step(kind) THEN
        SELECT x.* INTO STRICT s FROM noctule.subscribers AS x WHERE x.tenant_id = here AND x.id = o.subscriber FOR UPDATE;
        IF p->>'before' IS NULL THEN
            p := p || jsonb_build_object('before', jsonb_build_array(s.enforcement, s.enforcement_note));
        END IF;
        IF noctule.record_nas_asked(s) IS DISTINCT FROM s THEN
            PERFORM noctule.write_ipv6(noctule.record_nas_asked(s), moment);
        END IF;
    END IF;
    UPDATE noctule.operations AS x SET progress = p, status = 'running', retry_at = NULL,
            lease_until = moment + (SELECT t.lease FROM noctule.tenants AS t WHERE t.tenant_id = here)
        WHERE x.tenant_id = here AND x.id = o.id;
    RETURN '{"ok": true}';
END $$;

-- What a client says of the allocation that NetBox made, checked: {prefix, netbox_prefix_id, vrf}.
CREATE FUNCTION noctule.allocated_of(said jsonb, asked integer) RETURNS jsonb LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    net cidr := (said->>'prefix')::cidr;
    id bigint := (said->>'netbox_prefix_id')::bigint;
    table_of bigint := (said->>'vrf')::bigint;
BEGIN
    IF net IS NULL OR id IS NULL OR id <= 0 OR family(net) <> 6 OR table_of < 0
        OR NOT (masklen(net) BETWEEN 48 AND 64 OR masklen(net) IS NOT DISTINCT FROM asked) THEN
        RAISE EXCEPTION 'NetBox is said to have given % (id %): that is no delegated prefix, and it is not journalled',
            coalesce(said->>'prefix', 'nothing'), coalesce(said->>'netbox_prefix_id', 'none');
    END IF;
    RETURN jsonb_build_object('prefix', net::text, 'netbox_prefix_id', id, 'vrf', table_of);
END $$;

-- The try ended. `step` is {operation, step, attempt, status, answer, progress, wait_ms, why}; with `wait_ms` the operation waits so long.
CREATE FUNCTION noctule.step_ended(step jsonb, console uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
    moment timestamptz;
    kind text := step->>'step';
    try integer := (step->>'attempt')::integer;
    ending text := CASE step->>'status' WHEN 'started' THEN 'unclear' ELSE step->>'status' END;
    words text := coalesce(noctule.bounded(step->>'answer'), '');
    said jsonb := step->'progress';
    goes_on boolean;
    may_go_on boolean;
    unclear boolean;
    enforcement text;
    o noctule.operations;
    s noctule.subscribers;
    p jsonb;
    answer jsonb;
    open_seq integer;
    -- LEAST passes over nulls.
    pause interval := CASE WHEN step->>'wait_ms' IS NOT NULL THEN
        least(greatest((step->>'wait_ms')::bigint, 0), 3600000) * interval '1 millisecond' END;
BEGIN
    SELECT x.* INTO o FROM noctule.operations AS x WHERE x.tenant_id = here AND x.id = (step->>'operation')::uuid FOR UPDATE;
    IF NOT FOUND THEN
        RETURN noctule.not_found('operation', step->>'operation');
    END IF;
    answer := noctule.not_held(o, console);
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    moment := clock_timestamp();
    SELECT max(j.seq) INTO open_seq FROM noctule.operation_steps AS j
        WHERE j.tenant_id = here AND j.operation = o.id AND j.step = kind AND j.attempt = try AND j.status = 'started';
    IF open_seq IS NULL THEN
        -- Told again after a lost answer: it stands there already.
        IF EXISTS (SELECT FROM noctule.operation_steps AS j WHERE j.tenant_id = here AND j.operation = o.id AND j.step = kind
            AND j.attempt = try AND j.console = step_ended.console AND j.status = ending AND j.answer = words) THEN
            RETURN '{"ok": true}';
        END IF;
        RETURN noctule.not_found('started step', format('%s of operation %s', kind, o.id));
    END IF;
    p := o.progress;
    IF kind IS DISTINCT FROM o.plan->>(p->>'at')::int THEN
        RAISE EXCEPTION 'operation % does not stand at step %: nothing was journalled', o.id, kind;
    END IF;
    unclear := (p->>'unclear')::boolean OR ending = 'unclear' OR coalesce((said->>'unclear')::boolean, false);
    goes_on := (said->>'at')::int = (p->>'at')::int + 1;
    -- Past a NAS that refuses or is silent goes an operation only with force; what could not be sent counts as silent after an unclear try.
    may_go_on := ending = 'done' OR (noctule.is_nas_step(kind) AND (o.options->>'force')::boolean
        AND (ending IN ('refused', 'unanswered') OR (ending = 'skipped' AND unclear)));
    IF goes_on IS NULL OR (goes_on AND NOT may_go_on) OR (ending = 'done' AND NOT goes_on)
        OR (NOT goes_on AND (said->>'at')::int <> (p->>'at')::int) OR (goes_on AND pause IS NOT NULL) THEN
        RAISE EXCEPTION 'after % ended as %, operation % does not go on to step %: nothing was journalled', kind, ending, o.id, said->>'at';
    END IF;
    IF noctule.is_nas_step(kind) THEN
        enforcement := said->>'enforcement';
        IF enforcement IS NULL OR NOT (
            (NOT goes_on AND enforcement = p->>'enforcement')
            OR (ending = 'done' AND enforcement IN ('acknowledged', 'none'))
            OR (ending = 'refused' AND enforcement = 'refused')
            OR (ending = 'unanswered' AND enforcement = 'unanswered')
            OR (ending = 'skipped' AND enforcement = CASE WHEN unclear THEN 'unanswered' ELSE p->'before'->>0 END)) THEN
            RAISE EXCEPTION 'a NAS step that ended as % shows no %: nothing was journalled', ending, coalesce(enforcement, 'enforcement');
        END IF;
        p := p || jsonb_build_object('enforcement', enforcement, 'enforcement_note', noctule.bounded(said->>'enforcement_note'));
    ELSIF kind = 'netbox_allocate' AND ending = 'done' THEN
        SELECT x.* INTO STRICT s FROM noctule.subscribers AS x WHERE x.tenant_id = here AND x.id = o.subscriber;
        p := p || noctule.allocated_of(said, coalesce((o.options->>'prefix_len')::int, s.pd_size, 56));
    ELSIF kind IN ('netbox_activate', 'netbox_deprecate') AND p->>'netbox_prefix_id' IS NULL
        AND (said->>'netbox_prefix_id')::bigint > 0 THEN
        -- The NetBox object of an imported prefix, found by its value.
        p := p || jsonb_build_object('netbox_prefix_id', (said->>'netbox_prefix_id')::bigint);
    END IF;
    p := p || jsonb_build_object('at', (said->>'at')::int, 'attempts', CASE WHEN goes_on THEN 0 ELSE greatest((p->>'attempts')::int, try) END,
        'unclear', unclear AND NOT goes_on,
        -- A try that ended unclear may land after the operation has ended in a refusal.
        'watch', kind = 'netbox_allocate' AND ending = 'refused' AND unclear);
    UPDATE noctule.operation_steps AS j SET status = ending, answer = words, ended_at = moment
        WHERE j.tenant_id = here AND j.operation = o.id AND j.seq = open_seq;
    UPDATE noctule.operations AS x SET progress = p,
            status = CASE WHEN pause IS NOT NULL THEN 'waiting' ELSE 'running' END,
            retry_at = moment + pause,
            error = CASE WHEN pause IS NOT NULL THEN coalesce(noctule.bounded(step->>'why'), '') ELSE x.error END,
            lease_until = moment + (SELECT t.lease FROM noctule.tenants AS t WHERE t.tenant_id = here)
        WHERE x.tenant_id = here AND x.id = o.id;
    RETURN '{"ok": true}';
END $$;

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- The end.

-- What an operation that says it ended as `claimed` may have come to, by what stands in its journal: {status, state, enforcement, begin_hold,
-- forget_prefix}; SQL null when the journal does not bear it out. As `end` and `success` of domain/src/lifecycle/machine.rs.
CREATE FUNCTION noctule.outcome_of(o noctule.operations, claimed text) RETURNS jsonb LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    p jsonb := o.progress;
    at integer := (p->>'at')::int;
    step text := o.plan->>at;
    asked boolean := p->>'enforcement' <> 'none' OR p->>'enforcement_note' IS NOT NULL;
    enforcement text := CASE WHEN asked THEN p->>'enforcement' END;
    state text;
    last text;
BEGIN
    IF claimed = 'succeeded' THEN
        IF step IS NOT NULL THEN
            RETURN NULL;
        END IF;
        RETURN jsonb_build_object('status', claimed, 'state', noctule.rule_target(o.kind),
            'enforcement', CASE WHEN o.kind IN ('allocate', 'release') OR NOT o.plan ?| ARRAY['nas_coa', 'nas_disconnect'] THEN 'none'
                ELSE p->>'enforcement' END,
            'begin_hold', o.kind = 'revoke' AND o.plan ? 'netbox_deprecate', 'forget_prefix', o.kind = 'release');
    END IF;
    SELECT j.status INTO last FROM noctule.operation_steps AS j
        WHERE j.tenant_id = o.tenant_id AND j.operation = o.id AND j.step = outcome_of.o.plan->>at ORDER BY j.seq DESC LIMIT 1;
    IF claimed = 'refused' AND last = 'refused' THEN
        IF noctule.is_nas_step(step) THEN
            enforcement := 'refused';
        ELSIF step = 'netbox_allocate' THEN
            state := 'failed';
        END IF;
    ELSIF claimed = 'unanswered' AND noctule.is_nas_step(step) AND (last = 'unanswered' OR (last = 'skipped' AND (p->>'unclear')::boolean)) THEN
        enforcement := 'unanswered';
    ELSIF claimed = 'failed' AND last = 'skipped' AND noctule.is_nas_step(step) AND NOT (p->>'unclear')::boolean THEN
        enforcement := p->'before'->>0;
    ELSIF claimed = 'failed' AND last = 'unreachable' AND NOT (p->>'unclear')::boolean
        AND (o.kind = 'allocate' OR (o.kind <> 'revoke' AND at = 0)) THEN
        -- Not delivered, nothing under way: it may stop here, everything as it was.
    ELSE
        RETURN NULL;
    END IF;
    RETURN jsonb_build_object('status', claimed, 'state', state, 'enforcement', enforcement, 'begin_hold', false,
        'forget_prefix', o.kind = 'allocate' AND at > 0);
END $$;

-- Ends the operation: subscriber row, operation, audit record. `ended` is {status, state, enforcement, enforcement_note, error, begin_hold,
-- forget_prefix} as the console's machine has it; it must be what the journal bears out. Answers {"finished": {operation, subscriber}}.
CREATE FUNCTION noctule.finish(operation uuid, console uuid, progress jsonb, ended jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
    moment timestamptz;
    rest interval;
    o noctule.operations;
    s noctule.subscribers;
    after noctule.subscribers;
    answer jsonb;
    outcome jsonb;
    theirs cidr;
    holder text;
BEGIN
    SELECT x.* INTO o FROM noctule.operations AS x WHERE x.tenant_id = here AND x.id = finish.operation FOR UPDATE;
    IF NOT FOUND THEN
        RETURN noctule.not_found('operation', finish.operation::text);
    END IF;
    -- Told again after a lost answer: what was stored is the answer.
    IF o.ended_console = console AND o.ended_login = session_user AND o.status <> 'cancelled' THEN
        SELECT x.* INTO STRICT s FROM noctule.subscribers AS x WHERE x.tenant_id = here AND x.id = o.subscriber;
        RETURN jsonb_build_object('finished', jsonb_build_object('operation', noctule.operation_json(o), 'subscriber', noctule.subscriber_json(s)));
    END IF;
    answer := noctule.not_held(o, console);
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    IF EXISTS (SELECT FROM noctule.operation_steps AS j WHERE j.tenant_id = here AND j.operation = o.id AND j.status = 'started') THEN
        RAISE EXCEPTION 'operation % has a step under way: nothing was ended', o.id;
    END IF;
    outcome := noctule.outcome_of(o, ended->>'status');
    IF outcome IS NULL OR ended->>'state' IS DISTINCT FROM outcome->>'state'
        OR ended->>'enforcement' IS DISTINCT FROM outcome->>'enforcement'
        OR (ended->>'begin_hold')::boolean IS DISTINCT FROM (outcome->>'begin_hold')::boolean
        OR (ended->>'forget_prefix')::boolean IS DISTINCT FROM (outcome->>'forget_prefix')::boolean
        OR (progress->>'at')::int IS DISTINCT FROM (o.progress->>'at')::int
        OR (progress->>'prefix')::cidr IS DISTINCT FROM (o.progress->>'prefix')::cidr
        OR (progress->>'netbox_prefix_id')::bigint IS DISTINCT FROM (o.progress->>'netbox_prefix_id')::bigint THEN
        RAISE EXCEPTION 'the journal of operation % does not bear out that it ended as % (%): nothing was ended', o.id,
            coalesce(left(ended->>'status', 40), 'nothing'), coalesce(left(ended->>'state', 40), 'state as before');
    END IF;
    outcome := outcome || jsonb_build_object('enforcement_note', noctule.bounded(ended->>'enforcement_note'),
        'error', CASE WHEN outcome->>'status' <> 'succeeded' THEN coalesce(noctule.bounded(ended->>'error'), '') END);
    SELECT t.hold INTO STRICT rest FROM noctule.tenants AS t WHERE t.tenant_id = here;
    SELECT x.* INTO STRICT s FROM noctule.subscribers AS x WHERE x.tenant_id = here AND x.id = o.subscriber FOR UPDATE;
    moment := clock_timestamp();
    BEGIN
        after := noctule.write_ipv6(noctule.record_end(s, o.kind, outcome, o.progress, moment, rest), moment);
    EXCEPTION WHEN exclusion_violation OR unique_violation THEN
        -- Who holds a live prefix that overlaps the new one, or the same NetBox object.
        SELECT r.prefix, CASE r.full_name WHEN '' THEN r.number ELSE format('%s (%s)', r.full_name, r.number) END INTO theirs, holder
            FROM noctule.subscribers AS r
            WHERE r.tenant_id = here AND r.id <> s.id AND r.prefix IS NOT NULL
                AND ((r.state IN ('allocated', 'active', 'suspended', 'revoking')
                        AND r.vrf = CASE WHEN o.progress->>'prefix' IS NOT NULL THEN coalesce((o.progress->>'vrf')::bigint, 0) ELSE s.vrf END
                        AND r.prefix && coalesce((o.progress->>'prefix')::cidr, s.prefix))
                    OR r.netbox_prefix_id = (o.progress->>'netbox_prefix_id')::bigint)
            LIMIT 1;
        IF theirs IS NULL THEN
            RAISE;
        END IF;
        outcome := noctule.overlap(o.progress, theirs, holder);
        after := noctule.record_end(s, o.kind, outcome, o.progress, moment, rest);
        BEGIN
            after := noctule.write_ipv6(after, moment);
        EXCEPTION WHEN unique_violation THEN
            -- The NetBox object itself is somebody else's here: then it is theirs to give back.
            after.netbox_prefix_id := NULL;
            after := noctule.write_ipv6(after, moment);
        END;
    END;
    UPDATE noctule.operations AS x SET status = outcome->>'status', error = outcome->>'error', ended_at = moment, retry_at = NULL,
            lease_owner = NULL, lease_login = NULL, lease_until = NULL, ended_console = console, ended_login = session_user,
            watch_until = CASE WHEN (o.progress->>'watch')::boolean THEN moment + interval '1 hour' END,
            watch_next = CASE WHEN (o.progress->>'watch')::boolean THEN moment END
        WHERE x.tenant_id = here AND x.id = o.id RETURNING x.* INTO o;
    PERFORM noctule.audit_operation(o, '', s, noctule.ipv6_json(s), noctule.ipv6_json(after), jsonb_build_object('status', o.status,
        'error', o.error, 'steps', noctule.steps_json(here, o.id), 'ended_by', o.ended_login), o.actor, o.origin);
    RETURN jsonb_build_object('finished', jsonb_build_object('operation', noctule.operation_json(o), 'subscriber', noctule.subscriber_json(after)));
END $$;

-- Ends an open operation that has had no effect yet; any console of a permitted role may.
CREATE FUNCTION noctule.cancel(operation uuid, console uuid, origin text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
    moment timestamptz;
    o noctule.operations;
    s noctule.subscribers;
    after noctule.subscribers;
    done noctule.operation_steps;
BEGIN
    SELECT x.* INTO o FROM noctule.operations AS x WHERE x.tenant_id = here AND x.id = cancel.operation FOR UPDATE;
    IF NOT FOUND THEN
        RETURN noctule.not_found('operation', cancel.operation::text);
    END IF;
    IF o.status = 'cancelled' AND o.ended_console = console AND o.ended_login = session_user THEN
        RETURN '{"ok": true}';
    END IF;
    IF o.status NOT IN ('running', 'waiting') THEN
        RETURN jsonb_build_object('ended', jsonb_build_object('operation', o.id, 'status', o.status));
    END IF;
    IF NOT noctule.allows(noctule.role(), noctule.rule_needed(o.kind)) THEN
        RETURN noctule.not_permitted(noctule.role(), noctule.rule_needed(o.kind));
    END IF;
    SELECT j.* INTO done FROM noctule.operation_steps AS j
        WHERE j.tenant_id = here AND j.operation = o.id AND j.status NOT IN ('refused', 'unreachable', 'skipped') ORDER BY j.seq LIMIT 1;
    IF FOUND THEN
        RETURN jsonb_build_object('not_cancellable', jsonb_build_object('operation', o.id, 'why', done.step || CASE done.status
            WHEN 'started' THEN ' is under way'
            WHEN 'done' THEN ' is done: let it end, then do the opposite'
            ELSE ' may have happened: it is tried until that is clear' END));
    END IF;
    SELECT x.* INTO STRICT s FROM noctule.subscribers AS x WHERE x.tenant_id = here AND x.id = o.subscriber FOR UPDATE;
    moment := clock_timestamp();
    after := s;
    -- Nothing happened: what the beginning and the asking wrote is taken back.
    after.state := o.before->>'state';
    after.since := (o.before->>'since')::timestamptz;
    after.enforcement := o.before->>'enforcement';
    after.enforcement_note := o.before->>'enforcement_note';
    IF after IS DISTINCT FROM s THEN
        after := noctule.write_ipv6(after, moment);
    END IF;
    UPDATE noctule.operations AS x SET status = 'cancelled', error = format('cancelled by %s', session_user), ended_at = moment,
            retry_at = NULL, lease_owner = NULL, lease_login = NULL, lease_until = NULL, ended_console = console, ended_login = session_user
        WHERE x.tenant_id = here AND x.id = o.id RETURNING x.* INTO o;
    PERFORM noctule.audit_operation(o, '-cancel', s, noctule.ipv6_json(s), noctule.ipv6_json(after), '{}', session_user,
        coalesce(noctule.bounded(cancel.origin), ''));
    RETURN '{"ok": true}';
END $$;

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- Leases.

CREATE FUNCTION noctule.renew(operation uuid, console uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
    o noctule.operations;
    answer jsonb;
BEGIN
    SELECT x.* INTO o FROM noctule.operations AS x WHERE x.tenant_id = here AND x.id = renew.operation FOR UPDATE;
    IF NOT FOUND THEN
        RETURN noctule.not_found('operation', renew.operation::text);
    END IF;
    answer := noctule.not_held(o, console);
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    UPDATE noctule.operations AS x
        SET lease_until = clock_timestamp() + (SELECT t.lease FROM noctule.tenants AS t WHERE t.tenant_id = here)
        WHERE x.tenant_id = here AND x.id = o.id;
    RETURN '{"ok": true}';
END $$;

-- Open operations whose console is gone: its lease is over by the server's clock, or it is one of `dead`, which a login may say of its own
-- consoles alone. They are this console's now, if its role permits them; a step that left and whose end nobody wrote down may have happened.
-- An operation of this very console whose lease is over is among them: nobody renews it, as when the answer to an earlier call was lost. (The
-- executor leaves those alone that it drives.)
CREATE FUNCTION noctule.take_over(console uuid, dead uuid[]) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
    as_role text := noctule.role();
    moment timestamptz := clock_timestamp();
    o noctule.operations;
    taken jsonb := '[]';
BEGIN
    IF console IS NULL THEN
        RAISE EXCEPTION 'no console is named: nothing was taken over';
    END IF;
    FOR o IN
        SELECT x.* FROM noctule.operations AS x
        WHERE x.tenant_id = here AND x.status IN ('running', 'waiting')
            AND (x.lease_owner IS NULL OR x.lease_until < moment OR (x.lease_owner = ANY (dead) AND x.lease_login = session_user))
            AND noctule.allows(as_role, noctule.rule_needed(x.kind))
        ORDER BY x.requested_at LIMIT 1000 FOR UPDATE SKIP LOCKED
    LOOP
        UPDATE noctule.operation_steps AS j SET status = 'unclear', answer = 'console ended in between', ended_at = moment
            WHERE j.tenant_id = here AND j.operation = o.id AND j.status = 'started'
                -- Its own, asked for again: its driver closes what it had begun.
                AND (o.lease_owner IS DISTINCT FROM take_over.console OR o.lease_login IS DISTINCT FROM session_user);
        UPDATE noctule.operations AS x SET
                progress = CASE WHEN FOUND THEN x.progress || '{"unclear": true}' ELSE x.progress END,
                lease_owner = console, lease_login = session_user,
                lease_until = moment + (SELECT t.lease FROM noctule.tenants AS t WHERE t.tenant_id = here)
            WHERE x.tenant_id = here AND x.id = o.id;
        taken := taken || to_jsonb(o.id);
    END LOOP;
    RETURN jsonb_build_object('operations', taken);
END $$;

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- Jobs.

-- Revoked subscribers whose rest is over and whose prefix NetBox still has; none for a role that could not release them. A release that did
-- not succeed is not tried again for a quarter of an hour.
CREATE FUNCTION noctule.rested(most integer) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
BEGIN
    RETURN jsonb_build_object('subscribers', coalesce((SELECT jsonb_agg(r.id ORDER BY r.hold_until) FROM (
        SELECT s.id, s.hold_until FROM noctule.subscribers AS s
        WHERE s.tenant_id = here AND s.hold_until <= now() AND s.state = 'revoked' AND s.netbox_prefix_id IS NOT NULL
            AND noctule.allows(noctule.role(), noctule.rule_needed('release'))
            AND NOT EXISTS (SELECT FROM noctule.operations AS o WHERE o.tenant_id = here AND o.subscriber = s.id
                AND (o.status IN ('running', 'waiting') OR (o.kind = 'release' AND o.ended_at > now() - interval '15 minutes')))
        ORDER BY s.hold_until LIMIT least(most, 10000)) AS r), '[]'));
END $$;

-- Ended allocations for which a late prefix may still land, each at most once a minute. Its hour being over does not end a watch: only a look
-- that NetBox answered does, and who looks says so by `unwatch`.
CREATE FUNCTION noctule.watched(most integer) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
    found_ones jsonb;
BEGIN
    IF NOT noctule.allows(noctule.role(), noctule.rule_needed('allocate')) THEN
        RETURN '{"operations": []}';
    END IF;
    WITH due AS (
        SELECT o.id, o.watch_next FROM noctule.operations AS o
        WHERE o.tenant_id = here AND o.watch_until IS NOT NULL AND o.watch_next <= now()
        ORDER BY o.watch_next LIMIT least(most, 10000) FOR UPDATE SKIP LOCKED
    ), moved AS (
        UPDATE noctule.operations AS o SET watch_next = now() + interval '1 minute' FROM due
        WHERE o.tenant_id = here AND o.id = due.id RETURNING o.id
    )
    SELECT jsonb_agg(due.id ORDER BY due.watch_next) INTO found_ones FROM due JOIN moved USING (id);
    RETURN jsonb_build_object('operations', coalesce(found_ones, '[]'));
END $$;

-- The late prefix was found and put to rest, or the watch is over.
CREATE FUNCTION noctule.unwatch(operation uuid, console uuid, note text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
    o noctule.operations;
    s noctule.subscribers;
BEGIN
    IF NOT noctule.allows(noctule.role(), noctule.rule_needed('allocate')) THEN
        RETURN noctule.not_permitted(noctule.role(), noctule.rule_needed('allocate'));
    END IF;
    SELECT x.* INTO o FROM noctule.operations AS x WHERE x.tenant_id = here AND x.id = unwatch.operation FOR UPDATE;
    IF NOT FOUND THEN
        RETURN noctule.not_found('operation', unwatch.operation::text);
    END IF;
    IF NOT (o.progress->>'watch')::boolean THEN
        RETURN '{"ok": true}';
    END IF;
    UPDATE noctule.operations AS x SET progress = x.progress || '{"watch": false}', watch_until = NULL, watch_next = NULL
        WHERE x.tenant_id = here AND x.id = o.id;
    SELECT x.* INTO STRICT s FROM noctule.subscribers AS x WHERE x.tenant_id = here AND x.id = o.subscriber;
    PERFORM noctule.audit_append(jsonb_build_object('actor', session_user, 'origin', format('housekeeping of console %s', console),
        'action', 'ipv6-allocate-watch-end', 'target', format('subscriber %s (%s)', s.number, s.id), 'operation', o.id,
        'reason', coalesce(noctule.bounded(note), '')));
    RETURN '{"ok": true}';
END $$;

-- Adds what an exchange told of a NAS. Counts are added, so parallel exchanges lose none; the times are the server's, so the last one to
-- arrive says how the NAS does.
CREATE FUNCTION noctule.nas_health(nas uuid, seen jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
    -- Probes belong to whoever may change something on a NAS.
    needs CONSTANT text := noctule.rule_needed('activate');
    micros bigint := (seen->'round_trip'->>'secs')::bigint * 1000000 + (seen->'round_trip'->>'nanos')::bigint / 1000;
    moment timestamptz := clock_timestamp();
BEGIN
    IF NOT noctule.allows(noctule.role(), needs) THEN
        RETURN noctule.not_permitted(noctule.role(), needs);
    END IF;
    UPDATE noctule.nas AS n SET
            reach = CASE WHEN seen->>'reach' = 'unknown' THEN n.reach ELSE seen->>'reach' END,
            round_trip_us = CASE WHEN micros IS NULL THEN n.round_trip_us ELSE least(greatest(micros, 0), 3600000000) END,
            last_answer_at = CASE WHEN seen->>'answered_at' IS NULL THEN n.last_answer_at ELSE greatest(n.last_answer_at, moment) END,
            last_asked_at = CASE WHEN seen->>'asked_at' IS NULL THEN n.last_asked_at ELSE greatest(n.last_asked_at, moment) END,
            acks = n.acks + least(greatest((seen->>'acks')::bigint, 0), 1000000),
            naks = n.naks + least(greatest((seen->>'naks')::bigint, 0), 1000000),
            timeouts = n.timeouts + least(greatest((seen->>'timeouts')::bigint, 0), 1000000)
        WHERE n.tenant_id = here AND n.id = nas_health.nas;
    IF NOT FOUND THEN
        RETURN noctule.not_found('NAS', nas_health.nas::text);
    END IF;
    RETURN '{"ok": true}';
END $$;

-- What NetBox says of the pools now (a list of Pool): pools that it does not name any more are forgotten. Many consoles ask NetBox, so the
-- same told again within 20 seconds writes nothing.
CREATE FUNCTION noctule.pools_replace(pools jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
    needs CONSTANT text := noctule.rule_needed('allocate');
    moment timestamptz;
    differs boolean;
BEGIN
    IF NOT noctule.allows(noctule.role(), needs) THEN
        RETURN noctule.not_permitted(noctule.role(), needs);
    END IF;
    IF jsonb_typeof(pools) IS DISTINCT FROM 'array' OR jsonb_array_length(pools) > 10000 THEN
        RAISE EXCEPTION 'this is no list of pools: those that are known stay';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('noctule.pools ' || here, 0));
    moment := clock_timestamp();
    WITH said AS (SELECT p.* FROM jsonb_to_recordset(pools) AS p(id bigint, prefix cidr, vrf bigint, status text, description text,
            delegated_len integer, used bigint)),
        here_now AS (SELECT k.netbox_id, k.prefix, k.vrf, k.status, k.description, k.delegated_len, k.used FROM noctule.pools AS k
            WHERE k.tenant_id = here),
        said_now AS (SELECT s.id, s.prefix, s.vrf, s.status, coalesce(noctule.bounded(s.description), ''), s.delegated_len, s.used FROM said AS s)
    SELECT EXISTS (SELECT * FROM said_now EXCEPT SELECT * FROM here_now) OR EXISTS (SELECT * FROM here_now EXCEPT SELECT * FROM said_now)
        INTO differs;
    IF NOT differs AND moment - interval '20 seconds' < (SELECT min(k.seen_at) FROM noctule.pools AS k WHERE k.tenant_id = here) THEN
        RETURN '{"ok": true, "changed": false}';
    END IF;
    DELETE FROM noctule.pools AS k WHERE k.tenant_id = here
        AND k.netbox_id NOT IN (SELECT p.id FROM jsonb_to_recordset(pools) AS p(id bigint) WHERE p.id IS NOT NULL);
    INSERT INTO noctule.pools AS k (tenant_id, netbox_id, prefix, vrf, status, description, delegated_len, used, seen_at)
        SELECT here, p.id, p.prefix, p.vrf, p.status, coalesce(noctule.bounded(p.description), ''), p.delegated_len, p.used, moment
        FROM jsonb_to_recordset(pools) AS p(id bigint, prefix cidr, vrf bigint, status text, description text, delegated_len integer,
            used bigint)
        ON CONFLICT (tenant_id, netbox_id) DO UPDATE SET prefix = excluded.prefix, vrf = excluded.vrf, status = excluded.status,
            description = excluded.description, delegated_len = excluded.delegated_len, used = excluded.used, seen_at = excluded.seen_at;
    RETURN '{"ok": true, "changed": true}';
END $$;

-- Records of the audit log after `after_seq`, oldest first, and the head of the chain as it is in the same moment. At most `most` and about
-- 4 MiB, but always one if there is one. For those who answer for the network, as the policy of the table says.
CREATE FUNCTION noctule.audit_page(after_seq bigint, most integer) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
    page jsonb;
BEGIN
    IF noctule.role() NOT IN ('admin', 'noc') THEN
        RETURN noctule.not_permitted(noctule.role(), 'configure');
    END IF;
    SELECT jsonb_agg(jsonb_build_array(p.seq, p.body, p.previous, p.hash) ORDER BY p.seq) INTO page FROM (
        SELECT a.*, sum(octet_length(a.body)) OVER (ORDER BY a.seq) - octet_length(a.body) AS earlier FROM (
            SELECT x.* FROM noctule.audit AS x WHERE x.tenant_id = here AND x.seq > after_seq ORDER BY x.seq LIMIT least(greatest(most, 1), 2000)
        ) AS a) AS p
        WHERE p.earlier < 4194304;
    RETURN jsonb_build_object('records', coalesce(page, '[]'),
        'head', (SELECT jsonb_build_array(h.seq, h.hash) FROM noctule.audit_heads AS h WHERE h.tenant_id = here));
END $$;

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- Who may call what: members the functions of the port and nothing beside it.

DO $$
DECLARE
    one regprocedure;
BEGIN
    FOR one IN SELECT p.oid FROM pg_proc AS p WHERE p.pronamespace = 'noctule'::regnamespace AND p.proname IN (
        'at_text', 'allows', 'rule_needed', 'rule_target', 'rule_from', 'is_nas_step', 'was_used', 'guard', 'nas_step', 'plan_of',
        'record_begin', 'record_nas_asked', 'record_end', 'overlap', 'position_json', 'ipv6_json', 'subscriber_json', 'operation_json',
        'nas_json', 'steps_json', 'nas_of', 'authority_tenant', 'bounded', 'not_found', 'not_permitted', 'not_held', 'options_of',
        'write_ipv6', 'audit_operation', 'new_progress', 'allocated_of', 'outcome_of', 'begin', 'context', 'step_started', 'step_ended',
        'finish', 'cancel', 'renew', 'take_over', 'rested', 'watched', 'unwatch', 'nas_health', 'pools_replace', 'audit_page')
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', one);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION noctule.begin(jsonb, uuid, jsonb), noctule.context(uuid), noctule.step_started(jsonb, uuid),
    noctule.step_ended(jsonb, uuid), noctule.finish(uuid, uuid, jsonb, jsonb), noctule.cancel(uuid, uuid, text), noctule.renew(uuid, uuid),
    noctule.take_over(uuid, uuid[]), noctule.rested(integer), noctule.watched(integer), noctule.unwatch(uuid, uuid, text),
    noctule.nas_health(uuid, jsonb), noctule.pools_replace(jsonb), noctule.audit_page(bigint, integer) TO noctule_member;
