-- Less work for each poll, and a console that ends is gone at once.

-- A changed row as it travels: the binary form of the view's record. In a function of its own, so that a poll prepares only the tables that
-- changed instead of all of them at every execution. STABLE: it sees the snapshot of the poll that calls it, and it reads with the rights of
-- the operator who asks.
CREATE FUNCTION noctule.wire_row(tab smallint, row_id uuid) RETURNS bytea
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.tenant();
    found bytea;
BEGIN
    CASE tab
    WHEN 1 THEN
        SELECT record_send(ROW(w.id, w.name, w.profile, w.address, w.nas_ip, w.nas_identifier, w.secret, w.lat, w.lng, w.site, w.enabled, w.reach,
            w.round_trip_us, w.last_answer_at, w.last_asked_at, w.acks, w.naks, w.timeouts)) INTO found
        FROM noctule.wire_nas AS w WHERE w.tenant_id = here AND w.id = row_id;
    WHEN 2 THEN
        SELECT record_send(ROW(w.id, w.netbox_id, w.prefix, w.vrf, w.status, w.description, w.delegated_len, w.used, w.seen_at)) INTO found
        FROM noctule.wire_pools AS w WHERE w.tenant_id = here AND w.id = row_id;
    WHEN 3 THEN
        SELECT record_send(ROW(w.id, w.employee_id, w.name, w.email, w.phone, w.mobile, w.status, w.skill_level, w.home_lat, w.home_lng, w.fix_lat,
            w.fix_lng, w.fix_accuracy_m, w.fix_speed_kmh, w.fix_heading_deg, w.fix_at, w.team, w.skills, w.time_zone,
            w.work_from_min, w.work_to_min, w.on_call, w.available_for_emergency, w.rating, w.completion_rate, w.version,
            w.updated_at)) INTO found
        FROM noctule.wire_technicians AS w WHERE w.tenant_id = here AND w.id = row_id;
    WHEN 4 THEN
        SELECT record_send(ROW(w.id, w.number, w.username, w.full_name, w.email, w.phone, w.status, w.service_type, w.download_kbps, w.upload_kbps,
            w.service_address, w.lat, w.lng, w.site, w.nas, w.vlan, w.circuit_id, w.remote_id, w.onu_serial, w.cpe_mac,
            w.static_ipv4, w.balance_flag, w.suspend_reason, w.notes, w.state, w.mode, w.enforcement, w.enforcement_note,
            w.prefix, w.vrf, w.pd_size, w.netbox_prefix_id, w.hold_until, w.last_error, w.allocated_at, w.activated_at,
            w.suspended_at, w.resumed_at, w.revoked_at, w.failed_at, w.since, w.version, w.created_at, w.updated_at)) INTO found
        FROM noctule.wire_subscribers AS w WHERE w.tenant_id = here AND w.id = row_id;
    WHEN 5 THEN
        SELECT record_send(ROW(w.id, w.nas, w.acct_session_id, w.framed_ipv4, w.delegated_prefix, w.started_at, w.seen_at, w.accounting_key,
            w.framed_prefix, w.input_octets, w.output_octets)) INTO found
        FROM noctule.wire_sessions AS w WHERE w.tenant_id = here AND w.id = row_id;
    WHEN 6 THEN
        SELECT record_send(ROW(w.id, w.number, w.title, w.task_type, w.status, w.priority, w.subscriber, w.technician, w.address, w.lat, w.lng,
            w.scheduled_at, w.estimate_min, w.sla_due_at, w.depends_on, w.notes, w.blocked_reason, w.started_at, w.ended_at,
            w.version, w.updated_at)) INTO found
        FROM noctule.wire_tasks AS w WHERE w.tenant_id = here AND w.id = row_id;
    WHEN 7 THEN
        SELECT record_send(ROW(w.id, w.subscriber, w.kind, w.status, w.actor, w.role, w.origin, w.options, w.expected_version, w.requested_at,
            w.plan, w.progress, w.before, w.retry_at, w.ended_at, w.error, w.lease_owner, w.lease_until, w.watch_until,
            w.watch_next, w.steps)) INTO found
        FROM noctule.wire_operations AS w WHERE w.tenant_id = here AND w.id = row_id;
    WHEN 8 THEN
        SELECT record_send(ROW(w.id, w.technician, w.kind, w.status, w.task, w.started_at, w.ended_at, w.start_lat, w.start_lng, w.end_lat,
            w.end_lng, w.notes, w.version, w.updated_at)) INTO found
        FROM noctule.wire_time_entries AS w WHERE w.tenant_id = here AND w.id = row_id;
    WHEN 9 THEN
        SELECT record_send(ROW(w.id, w.task, w.technician, w.starts_at, w.ends_at, w.status, w.method, w.version, w.updated_at)) INTO found
        FROM noctule.wire_assignments AS w WHERE w.tenant_id = here AND w.id = row_id;
    -- A table of a later migration: the console does not know it either.
    ELSE found := NULL;
    END CASE;
    RETURN found;
END $$;
REVOKE ALL ON FUNCTION noctule.wire_row(smallint, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION noctule.wire_row(smallint, uuid) TO noctule_member;

-- This console ends: nobody is shown that it looks at something. Somebody else's console stays.
CREATE FUNCTION noctule.leave(console uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.tenant();
    mine uuid := console;
BEGIN
    IF here IS NULL THEN
        RAISE EXCEPTION 'no tenant is chosen, or % is no member of it', session_user USING ERRCODE = 'invalid_authorization_specification';
    END IF;
    DELETE FROM noctule.presence AS p WHERE p.tenant_id = here AND p.console = mine AND p.login = session_user;
    RETURN to_jsonb(FOUND);
END $$;
REVOKE ALL ON FUNCTION noctule.leave(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION noctule.leave(uuid) TO noctule_member;
