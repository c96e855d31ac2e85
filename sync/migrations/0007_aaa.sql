-- AAA in the lifecycle: what a login gets is written before the NAS is asked, taken back where an operation ends short of its goal, and taken
-- away before a prefix is released. The rules are those of domain/src/lifecycle (plan.rs, machine.rs), held to them by sync/tests/authority.

-- Whether an AAA system of ours decides what logins of a tenant get is a fact of the tenant, set with the owner's login: a console that has no
-- access to AAA is told so by its first step, and gets no plan without it.
ALTER TABLE noctule.tenants ADD COLUMN aaa boolean NOT NULL DEFAULT false;

ALTER TABLE noctule.operation_steps DROP CONSTRAINT operation_steps_step_check;
ALTER TABLE noctule.operation_steps ADD CONSTRAINT operation_steps_step_check CHECK (step IN ('netbox_delete', 'netbox_allocate',
    'netbox_activate', 'netbox_deprecate', 'nas_coa', 'nas_disconnect', 'aaa_write', 'aaa_restore'));

-- The steps of `kind`, a JSON list. `methods` are those of the NAS that owns the session; SQL null when there is no NAS.
DROP FUNCTION noctule.plan_of(text, text, text, boolean, boolean, boolean, jsonb, jsonb);
CREATE FUNCTION noctule.plan_of(kind text, state text, enforcement text, has_prefix boolean, has_netbox_id boolean, has_session boolean,
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
    END, NULL));

-- True when AAA holds, or may hold, what the goal says while the state does not move there. A revoke is not taken back: it stays `revoking`,
-- and AAA without the prefix.
CREATE FUNCTION noctule.aaa_is_ahead(kind text, plan jsonb, progress jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN kind <> 'revoke' AND coalesce((SELECT (progress->>'at')::int > s.n - 1 OR ((progress->>'at')::int = s.n - 1
            AND (progress->>'unclear')::boolean)
        FROM jsonb_array_elements_text(plan) WITH ORDINALITY AS s (step, n) WHERE s.step = 'aaa_write' ORDER BY s.n LIMIT 1), false);

-- The step that an operation stands at: putting AAA back comes before what stands in the plan. SQL null at the end.
CREATE FUNCTION noctule.step_of(o noctule.operations) RETURNS text LANGUAGE sql STABLE
    RETURN CASE
        WHEN jsonb_typeof((o).progress->'restore') IS DISTINCT FROM 'object' THEN (o).plan->>((o).progress->>'at')::int
        WHEN NOT ((o).progress->'restore'->>'done')::boolean THEN 'aaa_restore'
    END;

-- Progress::default().
CREATE OR REPLACE FUNCTION noctule.new_progress() RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '{"at": 0, "attempts": 0, "unclear": false, "watch": false, "prefix": null, "netbox_prefix_id": null, "vrf": null,
        "enforcement": "none", "enforcement_note": null, "before": null, "restore": null}'::jsonb;

-- Guards, writes the intent, takes the lease for this console, opens the audit trail. `request` is {id, subscriber, kind, origin, options,
-- expected_version}; who asks is the login, and its role stands in `members`. `methods` names, by profile, how NASes are made to obey (serde
-- form of Methods): what a profile says is the console's data. Answers {"operation"}, {"already_there": Subscriber}, {"refused": Refusal},
-- {"not_found"}, or {"profile", "nas"}: nothing was begun, ask again with the methods of that profile.
CREATE OR REPLACE FUNCTION noctule.begin(request jsonb, console uuid, methods jsonb) RETURNS jsonb
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
        EXISTS (SELECT FROM noctule.sessions AS x WHERE x.tenant_id = here AND x.id = subscriber.id), with_methods, options,
        (SELECT t.aaa FROM noctule.tenants AS t WHERE t.tenant_id = here));
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

-- A try of a step is about to leave. `step` is {operation, step, attempt, upstream, request, unclear}.
CREATE OR REPLACE FUNCTION noctule.step_started(step jsonb, console uuid) RETURNS jsonb
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
    IF kind IS DISTINCT FROM noctule.step_of(o) OR try IS NULL OR try < 1 THEN
        RAISE EXCEPTION 'operation % stands at step %, not at %: nothing was journalled', o.id, coalesce(noctule.step_of(o), 'end'), kind;
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

-- The try ended. `step` is {operation, step, attempt, status, answer, progress, wait_ms, why}; with `wait_ms` the operation waits so long.
CREATE OR REPLACE FUNCTION noctule.step_ended(step jsonb, console uuid) RETURNS jsonb
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
    short text;
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
    IF kind IS DISTINCT FROM noctule.step_of(o) THEN
        RAISE EXCEPTION 'operation % does not stand at step %: nothing was journalled', o.id, kind;
    END IF;
    unclear := (p->>'unclear')::boolean OR ending = 'unclear' OR coalesce((said->>'unclear')::boolean, false);
    goes_on := (said->>'at')::int = (p->>'at')::int + 1;
    -- Past a NAS that refuses or is silent goes an operation only with force; what could not be sent counts as silent after an unclear try.
    may_go_on := (ending = 'done' AND kind <> 'aaa_restore') OR (noctule.is_nas_step(kind) AND (o.options->>'force')::boolean
        AND (ending IN ('refused', 'unanswered') OR (ending = 'skipped' AND unclear)));
    IF goes_on IS NULL OR (goes_on AND NOT may_go_on) OR (ending = 'done' AND NOT goes_on AND kind <> 'aaa_restore')
        OR (NOT goes_on AND (said->>'at')::int <> (p->>'at')::int) OR (goes_on AND pause IS NOT NULL) THEN
        RAISE EXCEPTION 'after % ended as %, operation % does not go on to step %: nothing was journalled', kind, ending, o.id, said->>'at';
    END IF;
    IF noctule.is_nas_step(kind) THEN
        enforcement := said->>'enforcement';
        IF enforcement IS NULL OR NOT (
            (NOT goes_on AND enforcement = p->>'enforcement')
            OR (ending = 'done' AND enforcement IN ('acknowledged', 'none'))
            -- Accounting is looked at where AAA is ours.
            OR (ending = 'done' AND enforcement = 'observed' AND o.plan ? 'aaa_write')
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
    IF kind = 'aaa_restore' THEN
        -- Asked until AAA has confirmed; then comes the end that waited for it.
        IF (ending = 'done') = (pause IS NOT NULL) THEN
            RAISE EXCEPTION 'after % ended as %, operation % waits for AAA, or is done with it: nothing was journalled', kind, ending, o.id;
        END IF;
        IF ending = 'done' THEN
            p := p || jsonb_build_object('restore', p->'restore' || '{"done": true}', 'attempts', 0, 'unclear', false);
        END IF;
    ELSIF jsonb_typeof(said->'restore') = 'object' THEN
        -- Short of the goal after AAA was written: how it ends when AAA has been put back.
        short := CASE
            WHEN ending = 'refused' THEN 'refused'
            WHEN noctule.is_nas_step(kind) AND (ending = 'unanswered' OR (ending = 'skipped' AND unclear)) THEN 'unanswered'
            WHEN noctule.is_nas_step(kind) AND ending = 'skipped' THEN 'failed'
        END;
        IF goes_on OR pause IS NOT NULL OR said->'restore'->>'status' IS DISTINCT FROM short
            OR NOT noctule.aaa_is_ahead(o.kind, o.plan, p || jsonb_build_object('unclear', unclear)) THEN
            RAISE EXCEPTION 'after % ended as %, operation % does not put AAA back to end as %: nothing was journalled', kind, ending, o.id,
                coalesce(left(said->'restore'->>'status', 40), 'nothing');
        END IF;
        p := p || jsonb_build_object('attempts', 0, 'unclear', false, 'restore', jsonb_build_object('status', short, 'error',
            coalesce(noctule.bounded(said->'restore'->>'error'), ''), 'done', false));
    END IF;
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
        RETURN jsonb_build_object('status', claimed, 'state', noctule.rule_target(o.kind),
            'enforcement', CASE WHEN o.kind IN ('allocate', 'release') OR NOT o.plan ?| ARRAY['nas_coa', 'nas_disconnect'] THEN 'none'
                ELSE p->>'enforcement' END,
            'begin_hold', o.kind = 'revoke' AND o.plan ? 'netbox_deprecate', 'forget_prefix', o.kind = 'release');
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
        AND (o.kind = 'allocate' OR (o.kind <> 'revoke' AND at = 0)) THEN
        -- Not delivered, nothing under way: it may stop here, everything as it was.
    ELSE
        RETURN NULL;
    END IF;
    RETURN jsonb_build_object('status', claimed, 'state', state, 'enforcement', enforcement, 'begin_hold', false,
        'forget_prefix', o.kind = 'allocate' AND at > 0);
END $$;

REVOKE ALL ON FUNCTION noctule.plan_of(text, text, text, boolean, boolean, boolean, jsonb, jsonb, boolean),
    noctule.aaa_is_ahead(text, jsonb, jsonb), noctule.step_of(noctule.operations) FROM PUBLIC;
