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
