-- Why a subscriber is suspended (dunning and others) stands in its row: written by a suspend that names a reason, gone with the resume or the
-- revoke. As `suspend_reason_after` of domain/src/lifecycle/record.rs.
CREATE FUNCTION noctule.suspend_reason_after(kind text, reason text, before text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE kind WHEN 'suspend' THEN coalesce(reason, before) WHEN 'resume' THEN NULL WHEN 'revoke' THEN NULL ELSE before END;
REVOKE ALL ON FUNCTION noctule.suspend_reason_after(text, text, text) FROM PUBLIC;

-- Ends the operation: subscriber row, operation, audit record. `ended` is {status, state, enforcement, enforcement_note, error, begin_hold,
-- forget_prefix} as the console's machine has it; it must be what the journal bears out. Answers {"finished": {operation, subscriber}}.
CREATE OR REPLACE FUNCTION noctule.finish(operation uuid, console uuid, progress jsonb, ended jsonb) RETURNS jsonb
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
    IF outcome->>'status' = 'succeeded'
        AND noctule.suspend_reason_after(o.kind, o.options->>'reason', after.suspend_reason) IS DISTINCT FROM after.suspend_reason THEN
        UPDATE noctule.subscribers AS r SET suspend_reason = noctule.suspend_reason_after(o.kind, o.options->>'reason', r.suspend_reason)
            WHERE r.tenant_id = here AND r.id = s.id RETURNING r.* INTO after;
    END IF;
    UPDATE noctule.operations AS x SET status = outcome->>'status', error = outcome->>'error', ended_at = moment, retry_at = NULL,
            lease_owner = NULL, lease_login = NULL, lease_until = NULL, ended_console = console, ended_login = session_user,
            watch_until = CASE WHEN (o.progress->>'watch')::boolean THEN moment + interval '1 hour' END,
            watch_next = CASE WHEN (o.progress->>'watch')::boolean THEN moment END
        WHERE x.tenant_id = here AND x.id = o.id RETURNING x.* INTO o;
    PERFORM noctule.audit_operation(o, '', s, noctule.ipv6_json(s), noctule.ipv6_json(after), jsonb_build_object('status', o.status,
        'error', o.error, 'steps', noctule.steps_json(here, o.id), 'ended_by', o.ended_login), o.actor, o.origin);
    RETURN jsonb_build_object('finished', jsonb_build_object('operation', noctule.operation_json(o), 'subscriber', noctule.subscriber_json(after)));
END $$;
