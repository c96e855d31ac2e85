-- Reconcile: what somebody else changed in AAA, NetBox or a session is set to what the state says, and what was revoked long ago goes back to
-- pending: a lifecycle operation like the others. The rules are those of domain/src/lifecycle, held to them by sync/tests/authority.

ALTER TABLE noctule.operations DROP CONSTRAINT operations_kind_check;
ALTER TABLE noctule.operations ADD CONSTRAINT operations_kind_check CHECK (kind IN ('allocate', 'activate', 'suspend', 'resume', 'revoke',
    'release', 'reconcile'));
ALTER TABLE noctule.operation_steps DROP CONSTRAINT operation_steps_step_check;
ALTER TABLE noctule.operation_steps ADD CONSTRAINT operation_steps_step_check CHECK (step IN ('netbox_delete', 'netbox_allocate',
    'netbox_activate', 'netbox_deprecate', 'netbox_put_back', 'nas_coa', 'nas_disconnect', 'aaa_write', 'aaa_restore', 'reset'));

-- The permission that an operation needs. A reconcile overrules what somebody wrote elsewhere, and may end a session.
CREATE OR REPLACE FUNCTION noctule.rule_needed(kind text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE kind
        WHEN 'allocate' THEN 'ipv6.allocate' WHEN 'activate' THEN 'ipv6.activate' WHEN 'suspend' THEN 'ipv6.suspend'
        WHEN 'resume' THEN 'ipv6.resume' WHEN 'revoke' THEN 'ipv6.revoke' WHEN 'release' THEN 'ipv6.revoke'
        WHEN 'reconcile' THEN 'ipv6.force'
    END;

-- The states from which an operation may begin.
CREATE OR REPLACE FUNCTION noctule.rule_from(kind text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE kind
        WHEN 'allocate' THEN ARRAY['pending', 'failed', 'revoked']
        WHEN 'activate' THEN ARRAY['allocated']
        WHEN 'suspend' THEN ARRAY['active']
        WHEN 'resume' THEN ARRAY['suspended']
        WHEN 'revoke' THEN ARRAY['allocated', 'active', 'suspended', 'failed', 'revoking']
        WHEN 'release' THEN ARRAY['revoked']
        WHEN 'reconcile' THEN ARRAY['pending', 'allocated', 'active', 'suspended', 'revoking', 'revoked', 'failed']
    END;

-- What a reconcile sets right: aaa, netbox, nas, pending.
CREATE FUNCTION noctule.reconcile_what(options jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(options->>'reconcile', 'aaa');

-- The states that say what it has to be.
CREATE FUNCTION noctule.reconciles(what text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE what
        WHEN 'aaa' THEN noctule.rule_from('reconcile')
        WHEN 'netbox' THEN ARRAY['allocated', 'active', 'suspended', 'revoked']
        WHEN 'nas' THEN ARRAY['pending', 'active', 'suspended', 'revoked', 'failed']
        WHEN 'pending' THEN ARRAY['revoked']
    END;
REVOKE ALL ON FUNCTION noctule.reconcile_what(jsonb), noctule.reconciles(text) FROM PUBLIC;

-- The options of a request, complete and of the right types (serde form of OperationOptions).
CREATE OR REPLACE FUNCTION noctule.options_of(given jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = ''
AS $$
DECLARE
    whole jsonb := '{"prefix_len": null, "pool": null, "send_coa": true, "send_disconnect": true, "release_to_netbox": true, "force": false,
        "reason": null, "reconcile": null}'::jsonb || coalesce(given, '{}');
    key text;
    good boolean;
BEGIN
    FOR key IN SELECT jsonb_object_keys(whole) LOOP
        good := CASE
            WHEN key IN ('send_coa', 'send_disconnect', 'release_to_netbox', 'force') THEN jsonb_typeof(whole->key) = 'boolean'
            WHEN whole->key = 'null' THEN key IN ('prefix_len', 'pool', 'reason', 'reconcile')
            -- Numbers as numbers: a text in their place would be read by no console.
            WHEN key = 'prefix_len' THEN jsonb_typeof(whole->key) = 'number' AND whole->>key ~ '^[0-9]{1,3}$' AND (whole->>key)::int <= 255
            WHEN key = 'pool' THEN jsonb_typeof(whole->key) = 'number' AND whole->>key ~ '^[0-9]{1,18}$'
            WHEN key = 'reconcile' THEN whole->>key IN ('aaa', 'netbox', 'nas', 'pending')
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
    -- Left out where nobody set it: a console that does not know it reads what the others say.
    RETURN CASE WHEN whole->>'reconcile' IS NULL THEN whole - 'reconcile' ELSE whole END;
END $$;

-- May `kind` begin? As before, and the guard of a reconcile.
CREATE OR REPLACE FUNCTION noctule.guard(kind text, state text, mode text, enforcement text, hold_until timestamptz, has_prefix boolean,
    has_netbox_id boolean, version bigint, running jsonb, options jsonb, role text, expected_version bigint, at timestamptz)
RETURNS jsonb LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = ''
AS $$
DECLARE
    needs text;
    kept boolean;
    what text := noctule.reconcile_what(options);
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
    IF kind = 'reconcile' THEN
        IF state <> ALL (noctule.reconciles(what)) THEN
            RETURN jsonb_build_object('refused', jsonb_build_object('WrongState', jsonb_build_object('kind', kind, 'state', state)));
        ELSIF what = 'pending' AND has_netbox_id THEN
            RETURN '{"refused": "NotReleased"}';
        ELSIF what = 'netbox' AND NOT has_prefix THEN
            RETURN '{"refused": "NoPrefix"}';
        -- NetBox was to keep this one, or it has been given back: no status of it is wrong.
        ELSIF what = 'netbox' AND state = 'revoked' AND hold_until IS NULL THEN
            RETURN jsonb_build_object('refused', jsonb_build_object('WrongState', jsonb_build_object('kind', kind, 'state', state)));
        END IF;
    END IF;
    RETURN '{"go": true}';
END $$;

-- The steps of `kind`, a JSON list. `methods` are those of the NAS that owns the session; SQL null when there is no NAS.
CREATE OR REPLACE FUNCTION noctule.plan_of(kind text, state text, enforcement text, has_prefix boolean, has_netbox_id boolean, has_session boolean,
    methods jsonb, options jsonb, has_aaa boolean)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN to_jsonb(array_remove(
        -- Before the NAS is asked: after a Disconnect the subscriber logs in again at once.
        ARRAY[CASE WHEN has_aaa AND kind IN ('activate', 'suspend', 'resume', 'revoke') THEN 'aaa_write' END] || CASE kind
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
        WHEN 'reconcile' THEN CASE noctule.reconcile_what(options)
            WHEN 'aaa' THEN ARRAY['aaa_write']
            WHEN 'netbox' THEN ARRAY['netbox_put_back']
            -- AAA first: after a Disconnect the login decides. A profile that asks nothing for this state leaves the Disconnect, which every NAS
            -- knows.
            WHEN 'nas' THEN ARRAY[CASE WHEN has_aaa THEN 'aaa_write' END, coalesce(noctule.nas_step(CASE state
                WHEN 'active' THEN methods->>'activate' WHEN 'suspended' THEN methods->>'suspend' END), 'nas_disconnect')]
            WHEN 'pending' THEN ARRAY[CASE WHEN has_aaa THEN 'aaa_write' END, 'reset']
        END
    END, NULL));

-- Applies an outcome. `ended` is {status, state, enforcement, enforcement_note, error, begin_hold, forget_prefix}, `hold` how long a released
-- prefix rests.
CREATE OR REPLACE FUNCTION noctule.record_end(record noctule.subscribers, kind text, ended jsonb, progress jsonb, at timestamptz, hold interval)
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
    -- The session of one that is not in service has ended: the network holds nothing of it.
    IF kind = 'reconcile' AND ended->>'status' = 'succeeded' AND ended->>'enforcement' IS NOT NULL AND record.state IN ('pending', 'failed') THEN
        record.enforcement := 'none';
    END IF;
    IF (ended->>'begin_hold')::boolean THEN
        record.hold_until := at + hold;
    END IF;
    -- What set something else right says nothing of why the last operation failed.
    IF kind <> 'reconcile' OR ended->>'error' IS NOT NULL OR target IS NOT NULL THEN
        record.last_error := ended->>'error';
    END IF;
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
            WHEN 'reconcile' THEN
                -- As if it had never had a prefix; the audit log knows.
                record.allocated_at := NULL;
                record.activated_at := NULL;
                record.suspended_at := NULL;
                record.resumed_at := NULL;
                record.revoked_at := NULL;
                record.failed_at := NULL;
                RETURN record;
            WHEN 'release' THEN RETURN record;
        END CASE;
    END IF;
    IF record.state = 'failed' AND target = 'failed' THEN
        record.failed_at := at;
    END IF;
    RETURN record;
END $$;

-- True when AAA holds, or may hold, what the goal says while the state does not move there. A revoke is not taken back; a reconcile writes
-- what the state says.
CREATE OR REPLACE FUNCTION noctule.aaa_is_ahead(kind text, plan jsonb, progress jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN kind NOT IN ('revoke', 'reconcile') AND coalesce((SELECT (progress->>'at')::int > s.n - 1 OR ((progress->>'at')::int = s.n - 1
            AND (progress->>'unclear')::boolean)
        FROM jsonb_array_elements_text(plan) WITH ORDINALITY AS s (step, n) WHERE s.step = 'aaa_write' ORDER BY s.n LIMIT 1), false);

-- What an operation that says it ended as `claimed` may have come to, by what stands in its journal: {status, state, enforcement, begin_hold,
-- forget_prefix}; SQL null when the journal does not bear it out. As `end` and `success` of domain/src/lifecycle/machine.rs.
CREATE OR REPLACE FUNCTION noctule.outcome_of(o noctule.operations, claimed text) RETURNS jsonb LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    p jsonb := o.progress;
    at integer := (p->>'at')::int;
    step text := o.plan->>at;
    asked boolean := p->>'before' IS NOT NULL OR p->>'enforcement' <> 'none' OR p->>'enforcement_note' IS NOT NULL;
    enforcement text := CASE WHEN asked THEN p->>'enforcement' END;
    state text;
    last text;
BEGIN
    IF jsonb_typeof(p->'restore') = 'object' THEN
        -- AAA was put back first, and confirmed it.
        IF NOT (p->'restore'->>'done')::boolean OR claimed IS DISTINCT FROM p->'restore'->>'status' THEN
            RETURN NULL;
        END IF;
        RETURN jsonb_build_object('status', claimed, 'state', NULL, 'enforcement', enforcement, 'begin_hold', false, 'forget_prefix', false);
    END IF;
    IF claimed = 'succeeded' THEN
        IF step IS NOT NULL THEN
            RETURN NULL;
        END IF;
        RETURN jsonb_build_object('status', claimed, 'state', CASE WHEN o.plan ? 'reset' THEN 'pending' ELSE noctule.rule_target(o.kind) END,
            'enforcement', CASE
                WHEN o.plan ? 'reset' THEN 'none'
                -- Who was not asked has shown nothing: what is known of the network stays.
                WHEN o.kind = 'reconcile' AND NOT o.plan ?| ARRAY['nas_coa', 'nas_disconnect'] THEN NULL
                WHEN o.kind IN ('allocate', 'release') OR NOT o.plan ?| ARRAY['nas_coa', 'nas_disconnect'] THEN 'none'
                ELSE p->>'enforcement' END,
            'begin_hold', o.kind = 'revoke' AND o.plan ? 'netbox_deprecate', 'forget_prefix',
            o.kind = 'release' OR o.plan ? 'reset');
    END IF;
    IF noctule.aaa_is_ahead(o.kind, o.plan, p) THEN
        RETURN NULL;
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
        AND (o.kind IN ('allocate', 'reconcile') OR (o.kind <> 'revoke' AND at = 0)) THEN
        -- Not delivered, nothing under way: it may stop here, everything as it was.
    ELSE
        RETURN NULL;
    END IF;
    RETURN jsonb_build_object('status', claimed, 'state', state, 'enforcement', enforcement, 'begin_hold', false,
        'forget_prefix', o.kind = 'allocate' AND at > 0);
END $$;

-- The words beside `observed`, when what is told of a user proves it; SQL null otherwise. As domain/src/lifecycle/observe.rs.
CREATE OR REPLACE FUNCTION noctule.proof(record noctule.subscribers, running boolean, kind text, asked_at timestamptz, proofs jsonb, told jsonb,
    at timestamptz) RETURNS text LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    since timestamptz;
    latest CONSTANT timestamptz := at + interval '120 seconds';
    found jsonb;
    moment timestamptz;
    -- A reconcile asks for what the state says, so what proves it is what proves that.
    meant text := CASE WHEN kind <> 'reconcile' THEN kind ELSE CASE record.state
        WHEN 'active' THEN 'activate' WHEN 'suspended' THEN 'suspend' ELSE 'revoke' END END;
    shown_by text := CASE
        WHEN running THEN NULL
        WHEN record.enforcement = 'none' AND record.state = 'active' THEN 'seen'
        WHEN record.enforcement IN ('acknowledged', 'unanswered') AND CASE
            WHEN meant IN ('activate', 'resume') THEN record.state = 'active'
            WHEN meant = 'suspend' THEN record.state = 'suspended'
            WHEN meant = 'revoke' THEN record.state IN ('revoking', 'revoked')
            END THEN proofs->>meant
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

-- A prefix of NetBox that belongs to nobody is about to be put to rest or deleted, or was. No subscriber is concerned, so it is no operation; but
-- what somebody holds by now is refused, and the log has it. `entry` is the serde form of AuditEntry; who acts is the login.
CREATE FUNCTION noctule.prefix_retired(entry jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
    needs CONSTANT text := noctule.rule_needed('revoke');
    held text;
BEGIN
    IF NOT noctule.allows(noctule.role(), needs) THEN
        RETURN noctule.not_permitted(noctule.role(), needs);
    END IF;
    IF entry->>'action' NOT IN ('drift-deprecate-begin', 'drift-deprecate', 'drift-delete-begin', 'drift-delete')
        OR (entry->'before'->>'netbox_id')::bigint IS NULL THEN
        RAISE EXCEPTION 'this is no record of a prefix that belongs to nobody: nothing was written';
    END IF;
    IF entry->>'action' LIKE '%-begin' THEN
        SELECT r.number INTO held FROM noctule.subscribers AS r
            WHERE r.tenant_id = here AND r.netbox_prefix_id = (entry->'before'->>'netbox_id')::bigint;
        IF held IS NOT NULL THEN
            RETURN jsonb_build_object('held', held);
        END IF;
    END IF;
    PERFORM noctule.audit_append(jsonb_build_object('actor', session_user::text, 'origin', coalesce(noctule.bounded(entry->>'origin'), ''),
        'action', entry->>'action', 'target', coalesce(noctule.bounded(entry->>'target'), ''), 'operation', entry->'operation',
        'reason', noctule.bounded(entry->>'reason'), 'before', entry->'before', 'answers', entry->'answers'));
    RETURN '{"ok": true}';
END $$;
REVOKE ALL ON FUNCTION noctule.prefix_retired(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION noctule.prefix_retired(jsonb) TO noctule_member;

-- A console of before `reconcile` can not read such an operation, and would miss it without a word: it is told to update, and keeps its unsent
-- work.
UPDATE noctule.meta SET min_protocol = 2 WHERE min_protocol < 2;
