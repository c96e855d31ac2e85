-- What follows one upon the other with nothing between, in one transaction and one round trip: thousands of operations of a bulk go this way.

-- `begin`, and where it made an operation the `context` of its first step: {"operation", "subscriber", "nas", "now"}. An operation that was
-- there already comes alone, and every other answer is that of `begin`.
CREATE FUNCTION noctule.begin_in_context(request jsonb, console uuid, methods jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.authority_tenant();
    there boolean := EXISTS (SELECT FROM noctule.operations AS o WHERE o.tenant_id = here AND o.id = (request->>'id')::uuid);
    answer jsonb := noctule.begin(request, console, methods);
    seen jsonb;
BEGIN
    IF NOT answer ? 'operation' OR there THEN
        RETURN answer;
    END IF;
    seen := noctule.context((request->>'id')::uuid);
    RETURN CASE WHEN seen ? 'operation' THEN seen ELSE answer END;
END $$;

-- `step_ended` of the last try, and `finish`. Told again after a lost answer it answers what was stored.
CREATE FUNCTION noctule.end_and_finish(step jsonb, console uuid, ended jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    answer jsonb := noctule.step_ended(step, console);
BEGIN
    -- An operation that has ended is `finish`'s to explain: it may be this very end.
    IF NOT answer ? 'ok' AND NOT answer ? 'ended' THEN
        RETURN answer;
    END IF;
    RETURN noctule.finish((step->>'operation')::uuid, console, step->'progress', ended);
END $$;

REVOKE ALL ON FUNCTION noctule.begin_in_context(jsonb, uuid, jsonb), noctule.end_and_finish(jsonb, uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION noctule.begin_in_context(jsonb, uuid, jsonb), noctule.end_and_finish(jsonb, uuid, jsonb) TO noctule_member;
