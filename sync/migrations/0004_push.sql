-- The way of local changes into the centre: noctule.push applies each op once, however often, in whatever order and over however many
-- connections it comes, and answers it; noctule.beat says who is there. Rules are those of domain/src/sync/op.rs, domain/src/task.rs and
-- domain/src/permission.rs, held together by tests.
--
-- How it stays fast: ops are taken apart, weighed against the rows, and applied by set statements; ops that follow each other on one row are
-- applied in rounds. How it stays safe: one lock per login keeps the same outbox, pushed twice at once, in one line; the rows are locked in
-- the order of their ids; the log of ops is written last with its answer, and its primary key is what makes "once" true; a statement that
-- fails is rolled back, and the batch halved until the op that can not be applied is alone.

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- Small rules. Not SECURITY DEFINER and without settings of their own, so that they are inlined.

-- RFC 3339, microseconds, Z: one form, so that times are compared as texts.
CREATE FUNCTION noctule.push_stamp(at timestamptz) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT pg_catalog.to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') $$;

-- A time that says its zone, of which PostgreSQL and the consoles think the same.
CREATE FUNCTION noctule.push_is_time(value text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT value ~ '^[12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$' $$;

-- Cut to microseconds as consoles do (a cast would round).
CREATE FUNCTION noctule.push_time(value text) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT pg_catalog.regexp_replace(value, '(\.\d{6})\d+', '\1')::timestamptz $$;

CREATE FUNCTION noctule.push_is_uuid(value text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT value ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' $$;

-- Nothing but white space, as Rust's `trim` sees it, whatever the database's locale.
CREATE FUNCTION noctule.is_blank(value text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT pg_catalog.btrim(value, E'\t\n\u000b\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000') = '' $$;

-- domain::sync::merge_text: both grew from the same text; NULL where that can not stand.
CREATE FUNCTION noctule.merge_text(was text, yours text, theirs text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN NOT (starts_with(yours, was) AND starts_with(theirs, was)) THEN NULL
        WHEN noctule.is_blank(substr(yours, length(was) + 1)) OR noctule.is_blank(substr(theirs, length(was) + 1)) THEN NULL
        ELSE theirs || CASE WHEN right(theirs, 1) = E'\n' OR substr(yours, length(was) + 1, 1) = E'\n' THEN '' ELSE E'\n' END
            || substr(yours, length(was) + 1)
    END
$$;

CREATE FUNCTION noctule.task_ended(status text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT status IN ('completed', 'failed', 'cancelled', 'skipped') $$;

-- domain::task::TaskStatus::change: NULL when it may, else the words of TaskRefusal.
CREATE FUNCTION noctule.task_may(was text, becomes text, has_technician boolean, open_dependencies bigint, reason text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN was = becomes THEN NULL
        WHEN NOT becomes = ANY (CASE was
                WHEN 'pending' THEN '{ready,assigned,blocked,cancelled,skipped}'::text[]
                WHEN 'ready' THEN '{assigned,blocked,cancelled,skipped}'
                WHEN 'assigned' THEN '{in_progress,ready,blocked,cancelled,skipped}'
                WHEN 'in_progress' THEN '{completed,paused,blocked,failed,cancelled}'
                WHEN 'paused' THEN '{in_progress,blocked,failed,cancelled}'
                WHEN 'blocked' THEN '{pending,ready,assigned,in_progress,cancelled}'
                WHEN 'failed' THEN '{ready}'
                ELSE '{}' END)
            THEN 'a task that is ' || was || ' can not become ' || becomes
        WHEN becomes IN ('assigned', 'in_progress') AND NOT has_technician
            THEN 'a task that is ' || becomes || ' needs a technician: assign one first'
        WHEN becomes IN ('ready', 'in_progress') AND open_dependencies > 0
            THEN open_dependencies || ' task(s) that this one depends on are not ended yet'
        WHEN becomes = 'blocked' AND (reason IS NULL OR noctule.is_blank(reason)) THEN 'blocking a task needs a reason'
    END
$$;

-- Which fields an op may hold, and of what kind. NULL: none of ours.
CREATE FUNCTION noctule.push_kind(verb text, field text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE verb
        WHEN 'task_edit' THEN CASE field
            WHEN 'notes' THEN 'text' WHEN 'status' THEN 'task_status' WHEN 'technician' THEN 'uuid' WHEN 'blocked_reason' THEN 'text'
            WHEN 'title' THEN 'words' WHEN 'priority' THEN 'priority' WHEN 'address' THEN 'text' WHEN 'scheduled_at' THEN 'time'
            WHEN 'estimate_min' THEN 'minutes' END
        WHEN 'subscriber_edit' THEN CASE WHEN field IN ('notes', 'phone', 'email') THEN 'text' END
        WHEN 'technician_edit' THEN CASE field WHEN 'status' THEN 'technician_status' WHEN 'phone' THEN 'text' WHEN 'mobile' THEN 'text' END
    END
$$;

-- What is wrong with one field of an edit, in words; NULL when nothing is. 2,048 bytes is what a console keeps of a text.
CREATE FUNCTION noctule.push_field_fault(verb text, field text, value jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN noctule.push_kind(verb, field) IS NULL THEN 'it has no field ''' || left(field, 40) || ''' that can be changed'
        WHEN jsonb_typeof(value) <> 'object' OR NOT (value ? 'was' AND value ? 'new') THEN 'its field ' || field || ' does not say what it was and what it is to be'
        WHEN jsonb_typeof(value->'was') IN ('object', 'array') OR jsonb_typeof(value->'new') IN ('object', 'array', 'boolean')
            THEN 'its field ' || field || ' is of the wrong kind'
        WHEN octet_length(value->>'new') > 2048 OR octet_length(value->>'was') > 8192 THEN 'its field ' || field || ' is longer than 2,048 bytes'
        ELSE CASE noctule.push_kind(verb, field)
            WHEN 'text' THEN CASE WHEN jsonb_typeof(value->'new') NOT IN ('string', 'null') THEN 'its field ' || field || ' is not a text' END
            WHEN 'words' THEN CASE WHEN jsonb_typeof(value->'new') <> 'string' OR noctule.is_blank(value->>'new')
                THEN 'its field ' || field || ' must not be empty' END
            WHEN 'uuid' THEN CASE WHEN jsonb_typeof(value->'new') <> 'null' AND noctule.push_is_uuid(value->>'new') IS NOT TRUE
                THEN 'its field ' || field || ' is not an id' END
            WHEN 'time' THEN CASE WHEN jsonb_typeof(value->'new') <> 'null'
                AND (jsonb_typeof(value->'new') <> 'string' OR noctule.push_is_time(value->>'new') IS NOT TRUE)
                THEN 'its field ' || field || ' is not a time (RFC 3339)' END
            WHEN 'minutes' THEN CASE WHEN jsonb_typeof(value->'new') <> 'null'
                AND (jsonb_typeof(value->'new') <> 'number' OR (value->>'new') ~ '^\d{1,7}$' IS NOT TRUE)
                THEN 'its field ' || field || ' is not a number of minutes' END
            ELSE CASE WHEN jsonb_typeof(value->'new') <> 'string' OR NOT (value->>'new') = ANY (CASE noctule.push_kind(verb, field)
                    WHEN 'task_status' THEN '{pending,ready,assigned,in_progress,blocked,paused,completed,failed,cancelled,skipped}'::text[]
                    WHEN 'priority' THEN '{low,normal,high,critical,emergency}'
                    WHEN 'technician_status' THEN '{available,on_job,on_break,off_duty,unavailable}' END)
                THEN '''' || left(coalesce(value->>'new', 'nothing'), 40) || ''' is no ' || field END
        END
    END
$$;

-- The value of a field in the one form in which it is compared.
CREATE FUNCTION noctule.push_plain(field text, value text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT CASE field
        WHEN 'scheduled_at' THEN CASE WHEN noctule.push_is_time(value) THEN noctule.push_stamp(noctule.push_time(value)) ELSE value END
        WHEN 'technician' THEN lower(value)
        ELSE value
    END
$$;

-- What becomes of one field: same (nothing to do), apply, merge, collide.
CREATE FUNCTION noctule.push_weigh(field text, was text, new text, cur text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN cur IS NOT DISTINCT FROM new THEN 'same'
        WHEN cur IS NOT DISTINCT FROM was THEN 'apply'
        -- A merged text that is too long for a console would be cut there: then somebody must decide.
        WHEN field = 'notes' AND octet_length(noctule.merge_text(coalesce(was, ''), new, coalesce(cur, ''))) <= 2048 THEN 'merge'
        ELSE 'collide'
    END
$$;

CREATE FUNCTION noctule.push_refused(why text) RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT jsonb_build_object('answer', 'refused', 'why', left(why, 1000)) $$;
CREATE FUNCTION noctule.push_denied(why text) RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT jsonb_build_object('answer', 'denied', 'why', left(why, 1000)) $$;

-- The answer to an edit, from what became of its fields.
CREATE FUNCTION noctule.push_edited(version bigint, changes jsonb, merged jsonb) RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN changes IS NULL THEN jsonb_build_object('answer', 'already', 'version', version)
        ELSE jsonb_build_object('answer', 'applied', 'version', version, 'merged', coalesce(merged, '[]')) END
$$;
-- The same where fields collided. Not inlined, and asked for few.
CREATE FUNCTION noctule.push_collided(changes jsonb, collisions jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT jsonb_build_object('answer', 'conflict', 'collisions', collisions, 'applied',
        coalesce((SELECT jsonb_agg(k ORDER BY k) FROM jsonb_object_keys(changes) AS k), '[]'))
$$;

-- Whether a role may do a verb at all, and to whom: NULL when it may, else why not.
CREATE FUNCTION noctule.push_may(role text, own uuid, verb text, technician uuid, fields jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN role = 'admin' THEN NULL
        WHEN verb = 'task_edit' THEN CASE
            WHEN role = 'dispatcher' THEN NULL
            WHEN role <> 'technician' THEN 'the role ' || role || ' does not change tasks'
            WHEN EXISTS (SELECT 1 FROM jsonb_object_keys(fields) AS k WHERE k NOT IN ('status', 'notes', 'blocked_reason'))
                THEN 'a technician changes only status, notes and reason of a task' END
        WHEN verb = 'subscriber_edit' THEN CASE WHEN role NOT IN ('noc', 'dispatcher') THEN 'the role ' || role || ' does not change subscribers' END
        WHEN verb IN ('technician_edit', 'position', 'clock_in', 'clock_out') THEN CASE
            WHEN role = 'dispatcher' OR (role = 'technician' AND technician = own) THEN NULL
            WHEN role = 'technician' THEN 'a technician tells only own time, position and status'
            ELSE 'the role ' || role || ' does not do field work' END
        WHEN verb = 'emergency' THEN CASE WHEN role <> 'noc' THEN 'the role ' || role || ' may not act on the network while the centre is away' END
    END
$$;

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- What travels between the steps of one push.

CREATE TYPE noctule.push_work AS (
    n         integer,
    id        uuid,
    seq       bigint,
    verb      text,
    target    uuid,
    change    jsonb,
    fields    jsonb,
    origin    text,
    reason    text,
    made_at   timestamptz,
    -- Known before any row was looked at: refused, denied.
    answer    jsonb,
    round     integer
);
CREATE TYPE noctule.push_done AS (n integer, answer jsonb, changed boolean);
CREATE TYPE noctule.push_result AS (answers jsonb, audits jsonb, changed bigint, ids uuid[]);

-- Who holds the other value of a field: the last op that changed it, else whoever changed the row last.
CREATE FUNCTION noctule.push_collision(tenant uuid, op_verb text, op_target uuid, field text, value jsonb, theirs jsonb, changed_by text,
        changed_at timestamptz) RETURNS jsonb
    LANGUAGE sql STABLE
AS $$
    SELECT jsonb_build_object('field', field, 'was', value->'was', 'yours', value->'new', 'theirs', theirs,
        'by', coalesce(last.login, nullif(changed_by, '')), 'at', noctule.push_stamp(coalesce(last.received_at, changed_at)))
    FROM (SELECT 1) AS one LEFT JOIN LATERAL (
        SELECT o.login, o.received_at
        FROM (SELECT * FROM noctule.ops AS x WHERE x.tenant_id = tenant AND x.target = op_target ORDER BY x.received_at DESC LIMIT 500) AS o
        WHERE o.verb = op_verb AND o.change->'fields' ? field
            AND (o.answer->>'answer' = 'applied' OR (o.answer->>'answer' = 'conflict' AND o.answer->'applied' ? field))
        ORDER BY o.received_at DESC LIMIT 1
    ) AS last ON true
$$;

-- Takes ops apart and says what can be said without a row. Raises where a value is not what its place needs: the caller then goes on one by one.
CREATE FUNCTION noctule.push_parse(ops jsonb, role text, own uuid) RETURNS noctule.push_work[] LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (SELECT array_agg(ROW(p.n, p.id, p.seq, coalesce(left(p.verb, 40), ''), p.target, p.change, p.fields, p.origin, p.reason, p.made_at,
        CASE
            WHEN p.id IS NULL THEN noctule.push_refused('it has no id')
            WHEN p.seq IS NULL OR isfinite(p.made_at) IS NOT TRUE THEN noctule.push_refused('it does not say its place in the outbox, or when it was made')
            WHEN p.size > 65536 THEN noctule.push_refused('it is larger than 64 KiB')
            WHEN p.verb = 'lifecycle' THEN noctule.push_refused('a lifecycle operation is not pushed: it is begun at the centre')
            WHEN p.verb IS NULL OR p.verb NOT IN ('task_edit', 'subscriber_edit', 'technician_edit', 'position', 'clock_in', 'clock_out', 'emergency')
                THEN noctule.push_refused('''' || left(coalesce(p.verb, 'nothing'), 40) || ''' is nothing that the centre knows: is this console newer than the centre?')
            WHEN p.target IS NULL THEN noctule.push_refused('it does not say what it changes')
            WHEN p.verb LIKE '%\_edit' AND p.fields IS NULL THEN noctule.push_refused('it has no fields')
            WHEN p.fault IS NOT NULL THEN noctule.push_refused(p.fault)
            -- Who may do all field work need not be asked one by one.
            WHEN role = 'admin' OR (role = 'dispatcher' AND p.verb <> 'emergency') THEN NULL
            ELSE (SELECT noctule.push_denied(no) FROM noctule.push_may(role, own, p.verb,
                CASE WHEN p.verb IN ('clock_in', 'clock_out') THEN (p.change->>'technician')::uuid ELSE p.target END, p.fields) AS no WHERE no IS NOT NULL)
        END, 0)::noctule.push_work ORDER BY n)
    FROM (
        SELECT e.n::integer AS n, (e.op->>'id')::uuid AS id, (e.op->>'seq')::bigint AS seq, c.verb, c.change, c.fields,
            CASE c.verb
                WHEN 'task_edit' THEN c.change->>'task' WHEN 'subscriber_edit' THEN c.change->>'subscriber'
                WHEN 'technician_edit' THEN c.change->>'technician' WHEN 'position' THEN c.change->>'technician'
                WHEN 'clock_in' THEN c.change->>'entry' WHEN 'clock_out' THEN c.change->>'entry'
                WHEN 'emergency' THEN c.change->>'subscriber' END::uuid AS target,
            left(coalesce(e.op->>'origin', ''), 2048) AS origin, left(e.op->>'reason', 2048) AS reason,
            (e.op->>'made_at')::timestamptz AS made_at,
            pg_column_size(e.op) AS size,
            CASE WHEN c.fields IS NOT NULL AND pg_column_size(e.op) <= 65536 THEN
                (SELECT min(noctule.push_field_fault(c.verb, f.key, f.value)) FROM jsonb_each(c.fields) AS f) END AS fault
        FROM jsonb_array_elements(ops) WITH ORDINALITY AS e(op, n)
        CROSS JOIN LATERAL (SELECT e.op->'change' AS change, e.op->'change'->>'verb' AS verb,
            CASE WHEN jsonb_typeof(e.op->'change'->'fields') = 'object' THEN e.op->'change'->'fields' END AS fields OFFSET 0) AS c
        -- A fence: without it the planner writes each of these out at every place where it is used.
        OFFSET 0
    ) AS p);
END $$;

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- One round of edits of each kind: at most one op a row. The rows are locked by the caller.

CREATE FUNCTION noctule.push_tasks(tenant uuid, role text, own uuid, part noctule.push_work[]) RETURNS noctule.push_done[] LANGUAGE plpgsql
AS $$
DECLARE
    done noctule.push_done[];
BEGIN
    WITH g AS (
        SELECT w.n, w.reason, t.id, t.status AS old_status, t.technician AS old_technician, t.depends_on, t.blocked_reason AS old_reason,
            t.version, a.changes, a.merged, a.collisions
        FROM unnest(part) AS w
        JOIN noctule.tasks AS t ON t.tenant_id = tenant AND t.id = w.target AND (role <> 'technician' OR t.technician = own)
        CROSS JOIN LATERAL (
            SELECT jsonb_object_agg(s.key, CASE s.how WHEN 'merge' THEN noctule.merge_text(coalesce(s.was, ''), s.new, coalesce(s.cur, '')) ELSE s.new END)
                    FILTER (WHERE s.how IN ('apply', 'merge')) AS changes,
                jsonb_agg(s.key) FILTER (WHERE s.how = 'merge') AS merged,
                jsonb_agg(noctule.push_collision(tenant, 'task_edit', t.id, s.key, s.value,
                    CASE s.key WHEN 'estimate_min' THEN to_jsonb(t.estimate_min) ELSE to_jsonb(s.cur) END, t.updated_by, t.updated_at) ORDER BY s.key)
                    FILTER (WHERE s.how = 'collide') AS collisions
            FROM (
                SELECT c.*, CASE
                    -- The reason of a status that somebody else has changed has nothing to stand on.
                    WHEN c.key = 'blocked_reason' AND w.fields ? 'status' AND c.cur IS DISTINCT FROM c.new
                        AND t.status <> w.fields->'status'->>'new' AND t.status IS DISTINCT FROM w.fields->'status'->>'was' THEN 'collide'
                    ELSE noctule.push_weigh(c.key, c.was, c.new, c.cur) END AS how
                FROM (
                    SELECT f.key, f.value, noctule.push_plain(f.key, f.value->>'was') AS was, noctule.push_plain(f.key, f.value->>'new') AS new,
                        CASE f.key WHEN 'notes' THEN t.notes WHEN 'status' THEN t.status WHEN 'technician' THEN t.technician::text
                            WHEN 'blocked_reason' THEN t.blocked_reason WHEN 'title' THEN t.title WHEN 'priority' THEN t.priority
                            WHEN 'address' THEN t.address WHEN 'scheduled_at' THEN noctule.push_stamp(t.scheduled_at)
                            WHEN 'estimate_min' THEN t.estimate_min::text END AS cur
                    FROM jsonb_each(w.fields) AS f OFFSET 0
                ) AS c OFFSET 0
            ) AS s
        ) AS a
    ), d AS (
        SELECT g.*, e.technician, e.status, CASE WHEN g.changes ?| '{status,technician,blocked_reason}' THEN CASE
                WHEN g.changes->>'technician' IS NOT NULL AND NOT EXISTS (
                    SELECT 1 FROM noctule.technicians AS x WHERE x.tenant_id = tenant AND x.id = e.technician)
                    THEN 'there is no such technician any more'
                WHEN g.changes ? 'technician' AND noctule.task_ended(g.old_status) AND NOT g.changes ? 'status'
                    THEN 'a task that is ' || g.old_status || ' is not assigned any more'
                WHEN g.changes ? 'technician' AND e.technician IS NULL AND e.status = 'in_progress'
                    THEN 'a task that is in_progress needs a technician: assign one first'
                WHEN g.changes->>'blocked_reason' IS NOT NULL AND e.status <> 'blocked' THEN 'only a blocked task has a reason for it'
                ELSE noctule.task_may(g.old_status, e.status, e.technician IS NOT NULL,
                    CASE WHEN e.status IN ('ready', 'in_progress') AND cardinality(g.depends_on) > 0 THEN (
                        SELECT count(*) FROM noctule.tasks AS x
                        WHERE x.tenant_id = tenant AND x.id = ANY (g.depends_on) AND NOT noctule.task_ended(x.status)) ELSE 0 END,
                    coalesce(g.changes->>'blocked_reason', g.old_reason, g.reason)) END END AS why
        FROM g CROSS JOIN LATERAL (SELECT h.technician, CASE
                WHEN g.changes ? 'status' THEN g.changes->>'status'
                -- Given to somebody, or taken away: the status follows.
                WHEN g.changes ? 'technician' AND h.technician IS NOT NULL AND g.old_status IN ('pending', 'ready') THEN 'assigned'
                WHEN g.changes ? 'technician' AND h.technician IS NULL AND g.old_status = 'assigned' THEN 'ready'
                ELSE g.old_status END AS status
            FROM (SELECT CASE WHEN g.changes ? 'technician' THEN (g.changes->>'technician')::uuid ELSE g.old_technician END AS technician OFFSET 0) AS h
            OFFSET 0) AS e
    ), u AS (
        UPDATE noctule.tasks AS t SET
            status = d.status,
            technician = d.technician,
            notes = CASE WHEN d.changes ? 'notes' THEN d.changes->>'notes' ELSE t.notes END,
            title = coalesce(d.changes->>'title', t.title),
            priority = coalesce(d.changes->>'priority', t.priority),
            address = CASE WHEN d.changes ? 'address' THEN d.changes->>'address' ELSE t.address END,
            scheduled_at = CASE WHEN d.changes ? 'scheduled_at' THEN (d.changes->>'scheduled_at')::timestamptz ELSE t.scheduled_at END,
            estimate_min = CASE WHEN d.changes ? 'estimate_min' THEN (d.changes->>'estimate_min')::bigint ELSE t.estimate_min END,
            started_at = CASE WHEN d.status = t.status OR NOT d.changes ? 'status' THEN t.started_at WHEN d.status = 'in_progress' THEN coalesce(t.started_at, now())
                WHEN d.status = 'ready' THEN NULL ELSE t.started_at END,
            ended_at = CASE WHEN d.status = t.status THEN t.ended_at WHEN noctule.task_ended(d.status) THEN now() END,
            blocked_reason = CASE
                WHEN d.status <> 'blocked' THEN CASE WHEN d.status = t.status AND NOT d.changes ? 'blocked_reason' THEN t.blocked_reason END
                WHEN d.changes ? 'blocked_reason' THEN d.changes->>'blocked_reason'
                ELSE coalesce(t.blocked_reason, d.reason) END,
            version = t.version + 1, updated_at = now(), updated_by = session_user
        FROM d WHERE t.tenant_id = tenant AND t.id = d.id AND d.why IS NULL AND d.changes IS NOT NULL
        RETURNING d.n, t.version
    )
    SELECT array_agg(ROW(w.n, CASE
            WHEN d.n IS NULL THEN '{"answer": "gone"}'::jsonb
            WHEN d.why IS NOT NULL THEN noctule.push_refused(d.why)
            WHEN d.collisions IS NOT NULL THEN noctule.push_collided(d.changes, d.collisions)
            ELSE noctule.push_edited(coalesce(u.version, d.version), d.changes, d.merged) END, u.n IS NOT NULL)::noctule.push_done) INTO done
    FROM unnest(part) AS w LEFT JOIN d ON d.n = w.n LEFT JOIN u ON u.n = w.n;
    RETURN done;
END $$;

-- `ready` is computed: what waited for these alone can begin.
CREATE FUNCTION noctule.push_make_ready(tenant uuid, ended uuid[]) RETURNS void LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE noctule.tasks AS t SET status = 'ready', version = t.version + 1, updated_at = now(), updated_by = session_user
    WHERE t.tenant_id = tenant AND t.status = 'pending' AND t.depends_on && ended
        AND EXISTS (SELECT 1 FROM noctule.tasks AS x WHERE x.tenant_id = tenant AND x.id = ANY (ended) AND x.id = ANY (t.depends_on)
            AND x.status IN ('completed', 'skipped'))
        AND NOT EXISTS (SELECT 1 FROM noctule.tasks AS x WHERE x.tenant_id = tenant AND x.id = ANY (t.depends_on) AND NOT noctule.task_ended(x.status));
END $$;

CREATE FUNCTION noctule.push_subscribers(tenant uuid, part noctule.push_work[]) RETURNS noctule.push_done[] LANGUAGE plpgsql
AS $$
DECLARE
    done noctule.push_done[];
BEGIN
    WITH d AS (
        SELECT w.n, s.id, s.version, a.changes, a.merged, a.collisions
        FROM unnest(part) AS w
        JOIN noctule.subscribers AS s ON s.tenant_id = tenant AND s.id = w.target
        CROSS JOIN LATERAL (
            SELECT jsonb_object_agg(c.key, CASE c.how WHEN 'merge' THEN noctule.merge_text(coalesce(c.was, ''), c.new, coalesce(c.cur, '')) ELSE c.new END)
                    FILTER (WHERE c.how IN ('apply', 'merge')) AS changes,
                jsonb_agg(c.key) FILTER (WHERE c.how = 'merge') AS merged,
                jsonb_agg(noctule.push_collision(tenant, 'subscriber_edit', s.id, c.key, c.value, to_jsonb(c.cur), s.updated_by, s.updated_at) ORDER BY c.key)
                    FILTER (WHERE c.how = 'collide') AS collisions
            FROM (
                SELECT v.*, noctule.push_weigh(v.key, v.was, v.new, v.cur) AS how
                FROM (
                    SELECT f.key, f.value, f.value->>'was' AS was, f.value->>'new' AS new,
                        CASE f.key WHEN 'notes' THEN s.notes WHEN 'phone' THEN s.phone WHEN 'email' THEN s.email END AS cur
                    FROM jsonb_each(w.fields) AS f OFFSET 0
                ) AS v OFFSET 0
            ) AS c
        ) AS a
    ), u AS (
        UPDATE noctule.subscribers AS s SET
            notes = CASE WHEN d.changes ? 'notes' THEN d.changes->>'notes' ELSE s.notes END,
            phone = CASE WHEN d.changes ? 'phone' THEN d.changes->>'phone' ELSE s.phone END,
            email = CASE WHEN d.changes ? 'email' THEN d.changes->>'email' ELSE s.email END,
            version = s.version + 1, updated_at = now(), updated_by = session_user
        FROM d WHERE s.tenant_id = tenant AND s.id = d.id AND d.changes IS NOT NULL
        RETURNING d.n, s.version
    )
    SELECT array_agg(ROW(w.n, CASE WHEN d.n IS NULL THEN '{"answer": "gone"}'::jsonb
            WHEN d.collisions IS NOT NULL THEN noctule.push_collided(d.changes, d.collisions)
            ELSE noctule.push_edited(coalesce(u.version, d.version), d.changes, d.merged) END, u.n IS NOT NULL)::noctule.push_done) INTO done
    FROM unnest(part) AS w LEFT JOIN d ON d.n = w.n LEFT JOIN u ON u.n = w.n;
    RETURN done;
END $$;

CREATE FUNCTION noctule.push_technicians(tenant uuid, part noctule.push_work[]) RETURNS noctule.push_done[] LANGUAGE plpgsql
AS $$
DECLARE
    done noctule.push_done[];
BEGIN
    WITH d AS (
        SELECT w.n, t.id, t.version, a.changes, a.collisions
        FROM unnest(part) AS w
        JOIN noctule.technicians AS t ON t.tenant_id = tenant AND t.id = w.target
        CROSS JOIN LATERAL (
            SELECT jsonb_object_agg(c.key, c.new) FILTER (WHERE c.how = 'apply') AS changes,
                jsonb_agg(noctule.push_collision(tenant, 'technician_edit', t.id, c.key, c.value, to_jsonb(c.cur), t.updated_by, t.updated_at) ORDER BY c.key)
                    FILTER (WHERE c.how = 'collide') AS collisions
            FROM (
                SELECT v.*, noctule.push_weigh(v.key, v.was, v.new, v.cur) AS how
                FROM (
                    SELECT f.key, f.value, f.value->>'was' AS was, f.value->>'new' AS new,
                        CASE f.key WHEN 'status' THEN t.status WHEN 'phone' THEN t.phone WHEN 'mobile' THEN t.mobile END AS cur
                    FROM jsonb_each(w.fields) AS f OFFSET 0
                ) AS v OFFSET 0
            ) AS c
        ) AS a
    ), u AS (
        UPDATE noctule.technicians AS t SET
            status = coalesce(d.changes->>'status', t.status),
            phone = CASE WHEN d.changes ? 'phone' THEN d.changes->>'phone' ELSE t.phone END,
            mobile = CASE WHEN d.changes ? 'mobile' THEN d.changes->>'mobile' ELSE t.mobile END,
            version = t.version + 1, updated_at = now(), updated_by = session_user
        FROM d WHERE t.tenant_id = tenant AND t.id = d.id AND d.changes IS NOT NULL
        RETURNING d.n, t.version
    )
    SELECT array_agg(ROW(w.n, CASE WHEN d.n IS NULL THEN '{"answer": "gone"}'::jsonb
            WHEN d.collisions IS NOT NULL THEN noctule.push_collided(d.changes, d.collisions)
            ELSE noctule.push_edited(coalesce(u.version, d.version), d.changes, NULL) END, u.n IS NOT NULL)::noctule.push_done) INTO done
    FROM unnest(part) AS w LEFT JOIN d ON d.n = w.n LEFT JOIN u ON u.n = w.n;
    RETURN done;
END $$;

-- All positions of a batch in one statement: each is answered as if they came one by one, the newest by device time stands. The version counts
-- what people decide, not where they are.
CREATE FUNCTION noctule.push_positions(tenant uuid, part noctule.push_work[]) RETURNS noctule.push_done[] LANGUAGE plpgsql
AS $$
DECLARE
    done noctule.push_done[];
BEGIN
    WITH p AS (
        SELECT q.*, CASE
            WHEN q.fault THEN 'a position needs latitude, longitude and the time of the device, in range'
            WHEN noctule.push_time(q.device) > now() + interval '10 minutes'
                THEN 'the clock of the device is ahead by ' || date_trunc('second', noctule.push_time(q.device) - now()) || ': set it right'
            END AS why
        FROM (
            SELECT w.n, w.target, w.fix, w.fix->>'device_time' AS device,
                (jsonb_typeof(w.fix->'at'->'lat') = 'number' AND jsonb_typeof(w.fix->'at'->'lng') = 'number'
                    AND abs((w.fix->'at'->>'lat')::numeric) <= 90 AND abs((w.fix->'at'->>'lng')::numeric) <= 180
                    AND noctule.push_is_time(w.fix->>'device_time')
                    AND coalesce(jsonb_typeof(w.fix->'accuracy_m'), 'null') IN ('number', 'null')
                    AND coalesce(jsonb_typeof(w.fix->'speed_kmh'), 'null') IN ('number', 'null')
                    AND coalesce(jsonb_typeof(w.fix->'heading_deg'), 'null') IN ('number', 'null')) IS NOT TRUE AS fault
            FROM (SELECT x.n, x.target, x.change->'fix' AS fix FROM unnest(part) AS x OFFSET 0) AS w OFFSET 0
        ) AS q
    ), o AS (
        SELECT p.n, p.target, p.fix, p.why, t.id, t.fix_at, t.version, v.at,
            max(CASE WHEN p.why IS NULL THEN v.at END) OVER (PARTITION BY p.target ORDER BY p.n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before,
            row_number() OVER (PARTITION BY p.target, p.why IS NULL ORDER BY v.at DESC, p.n) AS newest
        FROM p LEFT JOIN noctule.technicians AS t ON t.tenant_id = tenant AND t.id = p.target
        CROSS JOIN LATERAL (SELECT CASE WHEN NOT p.fault THEN noctule.push_time(p.device) END AS at) AS v
    ), u AS (
        UPDATE noctule.technicians AS t SET fix_lat = (o.fix->'at'->>'lat')::float8, fix_lng = (o.fix->'at'->>'lng')::float8,
            fix_accuracy_m = (o.fix->>'accuracy_m')::float8, fix_speed_kmh = (o.fix->>'speed_kmh')::float8,
            fix_heading_deg = (o.fix->>'heading_deg')::float8, fix_at = o.at, updated_at = now(), updated_by = session_user
        FROM o WHERE t.tenant_id = tenant AND t.id = o.id AND o.why IS NULL AND o.newest = 1 AND (t.fix_at IS NULL OR t.fix_at < o.at)
        RETURNING o.n
    )
    SELECT array_agg(ROW(o.n, CASE
            WHEN o.id IS NULL THEN '{"answer": "gone"}'::jsonb
            WHEN o.why IS NOT NULL THEN noctule.push_refused(o.why)
            WHEN o.at <= greatest(o.fix_at, o.before) THEN jsonb_build_object('answer', 'already', 'version', o.version)
            ELSE jsonb_build_object('answer', 'applied', 'version', o.version, 'merged', '[]'::jsonb) END, u.n IS NOT NULL)::noctule.push_done) INTO done
    FROM o LEFT JOIN u ON u.n = o.n;
    RETURN done;
END $$;

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- What is rare: one by one, in their order.

CREATE FUNCTION noctule.push_point(value jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT value IS NULL OR jsonb_typeof(value) = 'null' OR (jsonb_typeof(value->'lat') = 'number' AND jsonb_typeof(value->'lng') = 'number'
        AND abs((value->>'lat')::numeric) <= 90 AND abs((value->>'lng')::numeric) <= 180) IS TRUE
$$;

CREATE FUNCTION noctule.push_clock(tenant uuid, w noctule.push_work) RETURNS noctule.push_done LANGUAGE plpgsql
AS $$
DECLARE
    who uuid := (w.change->>'technician')::uuid;
    at timestamptz;
    old noctule.time_entries;
    task_id uuid;
BEGIN
    IF noctule.push_is_time(w.change->>'at') IS NOT TRUE OR NOT noctule.push_point(w.change->'position') THEN
        RETURN (w.n, noctule.push_refused('it needs a time, and a position in range if any'), false);
    END IF;
    at := noctule.push_time(w.change->>'at');
    IF at > now() + interval '10 minutes' THEN
        RETURN (w.n, noctule.push_refused('the clock of the device is ahead by ' || date_trunc('second', at - now()) || ': set it right'), false);
    END IF;
    -- Everybody's clock waits in line at the technician's row, which the caller has locked.
    SELECT * INTO old FROM noctule.time_entries AS e WHERE e.tenant_id = tenant AND e.id = w.target FOR UPDATE;
    IF w.verb = 'clock_out' THEN
        IF old.id IS NULL OR old.technician <> who THEN
            RETURN (w.n, '{"answer": "gone"}'::jsonb, false);
        ELSIF old.ended_at = at THEN
            RETURN (w.n, jsonb_build_object('answer', 'already', 'version', old.version), false);
        ELSIF old.ended_at IS NOT NULL THEN
            RETURN (w.n, jsonb_build_object('answer', 'conflict', 'applied', '[]'::jsonb, 'collisions', jsonb_build_array(
                jsonb_build_object('field', 'ended_at', 'was', NULL, 'yours', noctule.push_stamp(at), 'theirs', noctule.push_stamp(old.ended_at),
                    'by', nullif(old.updated_by, ''), 'at', noctule.push_stamp(old.updated_at)))), false);
        ELSIF at < old.started_at THEN
            RETURN (w.n, noctule.push_refused('it would end at ' || noctule.push_stamp(at) || ', before it began at ' || noctule.push_stamp(old.started_at)
                || ': was a clock set wrong?'), false);
        END IF;
        UPDATE noctule.time_entries AS e SET ended_at = at, end_lat = (w.change->'position'->>'lat')::float8,
            end_lng = (w.change->'position'->>'lng')::float8, version = e.version + 1, updated_at = now(), updated_by = session_user
        WHERE e.tenant_id = tenant AND e.id = w.target;
        RETURN (w.n, jsonb_build_object('answer', 'applied', 'version', old.version + 1, 'merged', '[]'::jsonb), true);
    END IF;
    IF old.id IS NOT NULL THEN
        RETURN CASE WHEN old.technician = who THEN (w.n, jsonb_build_object('answer', 'already', 'version', old.version), false)::noctule.push_done
            ELSE (w.n, noctule.push_refused('this entry is somebody else''s'), false)::noctule.push_done END;
    END IF;
    IF w.change->>'kind' IN ('regular', 'overtime', 'break', 'travel', 'training', 'administrative') IS NOT TRUE THEN
        RETURN (w.n, noctule.push_refused('''' || left(coalesce(w.change->>'kind', 'nothing'), 40) || ''' is no kind of working time'), false);
    END IF;
    IF NOT EXISTS (SELECT 1 FROM noctule.technicians AS t WHERE t.tenant_id = tenant AND t.id = who) THEN
        RETURN (w.n, '{"answer": "gone"}'::jsonb, false);
    END IF;
    task_id := (w.change->>'task')::uuid;
    IF task_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM noctule.tasks AS t WHERE t.tenant_id = tenant AND t.id = task_id) THEN
        RETURN (w.n, noctule.push_refused('the task it was for is not there any more: clock in without it'), false);
    END IF;
    SELECT * INTO old FROM noctule.time_entries AS e WHERE e.tenant_id = tenant AND e.technician = who AND e.ended_at IS NULL;
    IF FOUND THEN
        RETURN (w.n, noctule.push_refused('clocked in already since ' || noctule.push_stamp(old.started_at)
            || coalesce(' by ' || nullif(old.updated_by, ''), '') || ': clock out first'), false);
    END IF;
    INSERT INTO noctule.time_entries (tenant_id, id, technician, kind, task, started_at, start_lat, start_lng, updated_by)
    VALUES (tenant, w.target, who, w.change->>'kind', task_id, at, (w.change->'position'->>'lat')::float8, (w.change->'position'->>'lng')::float8, session_user);
    RETURN (w.n, jsonb_build_object('answer', 'applied', 'version', 1, 'merged', '[]'::jsonb), true);
END $$;

-- Rule 11, told afterwards. The state does not move: nobody decided here whether it may. So the operation is written as ended without success,
-- with what the NAS did in its journal and beside the subscriber, and says that the operation itself must still be asked for.
CREATE FUNCTION noctule.push_emergency(tenant uuid, role text, console uuid, w noctule.push_work, OUT done noctule.push_done, OUT audit jsonb)
    LANGUAGE plpgsql
AS $$
DECLARE
    c jsonb := w.change;
    op_id uuid := (c->>'operation')::uuid;
    began timestamptz;
    ended timestamptz;
    word text := coalesce(nullif(c->>'enforcement', 'requested'), 'unanswered');
    sub noctule.subscribers;
    known noctule.operations;
    nas_name text;
    words text;
    note text;
    step_kind text;
    newer boolean;
BEGIN
    IF op_id IS NULL OR noctule.push_is_time(c->>'began_at') IS NOT TRUE OR jsonb_typeof(c->'request') IS DISTINCT FROM 'string'
        OR coalesce(jsonb_typeof(c->'ended_at'), 'null') <> 'null' AND noctule.push_is_time(c->>'ended_at') IS NOT TRUE
        OR c->>'purpose' IN ('allocate', 'activate', 'suspend', 'resume', 'revoke', 'release') IS NOT TRUE
        OR word NOT IN ('acknowledged', 'observed', 'refused', 'unanswered') THEN
        done := (w.n, noctule.push_refused('the report of what was done is not whole'), false);
        RETURN;
    END IF;
    -- The device's clock may be wrong; nothing was done later than now.
    began := least(noctule.push_time(c->>'began_at'), now());
    ended := CASE WHEN c->>'enforcement' IS NULL THEN now() ELSE least(coalesce(noctule.push_time(c->>'ended_at'), now()), now()) END;
    SELECT * INTO sub FROM noctule.subscribers AS s WHERE s.tenant_id = tenant AND s.id = w.target;
    IF sub.id IS NOT NULL THEN
        SELECT n.name INTO nas_name FROM noctule.nas AS n WHERE n.tenant_id = tenant AND n.id = (c->>'nas')::uuid;
        SELECT * INTO known FROM noctule.operations AS o WHERE o.tenant_id = tenant AND o.id = op_id FOR UPDATE;
    END IF;
    nas_name := coalesce(nas_name, c->>'nas', 'a NAS');
    words := CASE WHEN c->>'enforcement' IS NULL THEN 'the console ended before the answer came: it may have happened'
        WHEN word IN ('acknowledged', 'observed') THEN 'the NAS took it' WHEN word = 'refused' THEN 'the NAS refused'
        ELSE 'the NAS did not answer: it may have happened' END
        || coalesce(' (' || left(c->>'answer', 300) || ')', '');
    note := 'sent to ' || nas_name || ' while the centre was away: ' || words;
    audit := jsonb_build_object('actor', session_user::text, 'origin', w.origin, 'action', 'ipv6-emergency',
        'target', 'subscriber ' || coalesce(sub.number, '?') || ' (' || w.target || ')', 'operation', op_id, 'reason', w.reason,
        'before', CASE WHEN sub.id IS NOT NULL THEN jsonb_build_object('state', sub.state, 'enforcement', sub.enforcement) END,
        'after', CASE WHEN sub.id IS NOT NULL THEN jsonb_build_object('state', sub.state, 'enforcement', word) END, 'answers', c - 'verb');
    IF sub.id IS NULL THEN
        done := (w.n, '{"answer": "gone"}'::jsonb, false);
        RETURN;
    END IF;
    IF known.id IS NOT NULL AND (known.subscriber <> sub.id OR known.actor <> session_user OR known.error LIKE 'emergency: %' IS NOT TRUE) THEN
        audit := NULL;
        done := (w.n, noctule.push_refused('its operation id is that of another operation'), false);
        RETURN;
    ELSIF known.id IS NOT NULL AND (c->>'enforcement' IS NULL OR known.progress->>'unclear' = 'false') THEN
        audit := NULL;
        done := (w.n, jsonb_build_object('answer', 'already', 'version', sub.version), false);
        RETURN;
    END IF;
    step_kind := CASE WHEN c->>'purpose' = 'revoke' OR c->>'request' ILIKE '%disconnect%' THEN 'nas_disconnect' ELSE 'nas_coa' END;
    INSERT INTO noctule.operations AS o (tenant_id, id, subscriber, kind, status, actor, role, origin, options, requested_at, plan, progress, before, ended_at, error)
    VALUES (tenant, op_id, sub.id, c->>'purpose',
        CASE word WHEN 'refused' THEN 'refused' WHEN 'unanswered' THEN 'unanswered' ELSE 'failed' END, session_user, role, w.origin,
        jsonb_build_object('prefix_len', NULL, 'pool', NULL, 'send_coa', step_kind = 'nas_coa', 'send_disconnect', step_kind = 'nas_disconnect',
            'release_to_netbox', false, 'force', true, 'reason', w.reason),
        began, jsonb_build_array(step_kind),
        jsonb_build_object('at', 0, 'attempts', 1, 'unclear', c->>'enforcement' IS NULL, 'watch', false, 'prefix', NULL, 'netbox_prefix_id', NULL, 'vrf', NULL,
            'enforcement', word, 'enforcement_note', note, 'before', NULL),
        jsonb_build_object('state', sub.state, 'mode', sub.mode, 'enforcement', sub.enforcement, 'enforcement_note', sub.enforcement_note,
            'prefix', sub.prefix, 'vrf', nullif(sub.vrf, 0), 'pd_size', sub.pd_size, 'netbox_prefix_id', sub.netbox_prefix_id,
            'hold_until', noctule.push_stamp(sub.hold_until), 'last_error', sub.last_error, 'allocated_at', noctule.push_stamp(sub.allocated_at),
            'activated_at', noctule.push_stamp(sub.activated_at), 'suspended_at', noctule.push_stamp(sub.suspended_at),
            'resumed_at', noctule.push_stamp(sub.resumed_at), 'revoked_at', noctule.push_stamp(sub.revoked_at),
            'failed_at', noctule.push_stamp(sub.failed_at), 'since', noctule.push_stamp(sub.since)),
        ended, 'emergency: ' || note || '. The state did not move: ask for ' || (c->>'purpose') || ' now if it is still wanted')
    ON CONFLICT (tenant_id, id) DO UPDATE SET status = excluded.status, progress = excluded.progress, ended_at = excluded.ended_at, error = excluded.error;
    INSERT INTO noctule.operation_steps AS s (tenant_id, operation, seq, step, attempt, upstream, request, status, answer, console, started_at, ended_at)
    VALUES (tenant, op_id, 1, step_kind, 1, nas_name, left(c->>'request', 2048),
        CASE WHEN c->>'enforcement' IS NULL THEN 'unclear' WHEN word = 'refused' THEN 'refused' WHEN word = 'unanswered' THEN 'unanswered' ELSE 'done' END,
        left(c->>'answer', 2048), console, began, greatest(ended, began))
    ON CONFLICT (tenant_id, operation, seq) DO UPDATE SET status = excluded.status, answer = excluded.answer, ended_at = excluded.ended_at;
    -- What the network was told later says more than this.
    newer := EXISTS (SELECT 1 FROM noctule.operations AS o WHERE o.tenant_id = tenant AND o.subscriber = sub.id AND o.id <> op_id
        AND (o.requested_at > began OR o.status IN ('running', 'waiting')) AND o.status <> 'cancelled');
    IF NOT newer THEN
        UPDATE noctule.subscribers AS s SET enforcement = word, enforcement_note = left(note, 2048), version = s.version + 1, updated_at = now(),
            updated_by = session_user
        WHERE s.tenant_id = tenant AND s.id = sub.id;
    END IF;
    done := (w.n, jsonb_build_object('answer', 'applied', 'version', sub.version + CASE WHEN newer THEN 0 ELSE 1 END, 'merged', '[]'::jsonb), true);
END $$;

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- A batch, all or nothing. Raises what a statement raises.

CREATE FUNCTION noctule.push_batch(tenant uuid, role text, own uuid, console uuid, ops jsonb) RETURNS noctule.push_result LANGUAGE plpgsql
AS $$
DECLARE
    work noctule.push_work[] := noctule.push_parse(ops, role, own);
    part noctule.push_work[];
    done noctule.push_done[] := '{}';
    again uuid[] := '{}';
    known jsonb;
    one noctule.push_work;
    one_done noctule.push_done;
    told record;
    result noctule.push_result := ('[]', '[]', 0, '{}');
    ids uuid[];
    linked uuid[];
    ended uuid[];
    last_round integer;
    r integer;
    this_xid text := pg_current_xact_id()::text;
    this_time text := noctule.push_stamp(now());
BEGIN
    -- What has come before keeps its answer. Only the report of something done, whose end was not known then, may come again with its end.
    SELECT array_agg(w.id) INTO again FROM unnest(work) AS w JOIN noctule.ops AS o ON o.tenant_id = tenant AND o.id = w.id
    WHERE o.verb = 'emergency' AND w.verb = 'emergency' AND w.answer IS NULL AND o.login = session_user AND o.change->>'enforcement' IS NULL
        AND w.change->>'enforcement' IS NOT NULL;
    SELECT jsonb_agg(jsonb_build_object('op', o.id, 'answer', o.answer, 'xid', o.xid::text, 'at', noctule.push_stamp(o.received_at))), array_agg(o.id)
        INTO known, ids
    FROM noctule.ops AS o
    WHERE o.tenant_id = tenant AND o.id = ANY (ARRAY(SELECT w.id FROM unnest(work) AS w)) AND o.id <> ALL (coalesce(again, '{}'));
    IF known IS NOT NULL THEN
        result.answers := known;
        work := ARRAY(SELECT w FROM unnest(work) AS w WHERE w.id <> ALL (ids) ORDER BY w.n);
    END IF;
    IF cardinality(work) = 0 THEN
        RETURN result;
    END IF;

    -- Rows in one order everywhere, so that two pushes never wait for each other in a circle: people, subscribers, tasks; and with the tasks
    -- those that may begin when they end.
    SELECT array_agg(DISTINCT x.id) INTO ids FROM (SELECT CASE WHEN w.verb IN ('clock_in', 'clock_out') THEN (w.change->>'technician')::uuid ELSE w.target END AS id
        FROM unnest(work) AS w WHERE w.answer IS NULL AND w.verb IN ('technician_edit', 'position', 'clock_in', 'clock_out')) AS x;
    IF ids IS NOT NULL THEN
        PERFORM 1 FROM noctule.technicians AS t WHERE t.tenant_id = tenant AND t.id = ANY (ids) ORDER BY t.id FOR NO KEY UPDATE;
    END IF;
    SELECT array_agg(DISTINCT w.target) INTO ids FROM unnest(work) AS w WHERE w.answer IS NULL AND w.verb IN ('subscriber_edit', 'emergency');
    IF ids IS NOT NULL THEN
        PERFORM 1 FROM noctule.subscribers AS t WHERE t.tenant_id = tenant AND t.id = ANY (ids) ORDER BY t.id FOR NO KEY UPDATE;
    END IF;
    SELECT array_agg(DISTINCT w.target) INTO ids FROM unnest(work) AS w WHERE w.answer IS NULL AND w.verb = 'task_edit';
    IF ids IS NOT NULL THEN
        SELECT array_agg(w.target) INTO ended FROM unnest(work) AS w
        WHERE w.answer IS NULL AND w.verb = 'task_edit' AND w.fields->'status'->>'new' IN ('completed', 'skipped');
        IF ended IS NOT NULL THEN
            ids := ids || ARRAY(SELECT t.id FROM noctule.tasks AS t WHERE t.tenant_id = tenant AND t.status = 'pending' AND t.depends_on && ended);
        END IF;
        PERFORM 1 FROM noctule.tasks AS t WHERE t.tenant_id = tenant AND t.id = ANY (ids) ORDER BY t.id FOR NO KEY UPDATE;
    END IF;

    -- Rounds: ops on one row follow each other. Tasks of this batch that depend on each other and change their status make one row of waiting.
    IF ids IS NOT NULL AND EXISTS (SELECT 1 FROM unnest(work) AS w WHERE w.verb = 'task_edit' AND w.fields ?| '{status,technician}') THEN
        SELECT array_agg(DISTINCT x.id) INTO linked FROM (
            SELECT unnest(t.depends_on || t.id) AS id FROM noctule.tasks AS t
            WHERE t.tenant_id = tenant AND t.id = ANY (ids) AND t.depends_on && ids) AS x;
    END IF;
    SELECT array_agg(ROW(x.n, x.id, x.seq, x.verb, x.target, x.change, x.fields, x.origin, x.reason, x.made_at, x.answer, x.r)::noctule.push_work ORDER BY x.n), max(x.r)
        INTO work, last_round
    FROM (SELECT w.*, CASE WHEN w.answer IS NULL AND w.verb LIKE '%\_edit' THEN row_number() OVER (PARTITION BY
            CASE WHEN w.answer IS NOT NULL OR w.verb NOT LIKE '%\_edit' THEN NULL WHEN w.target = ANY (linked) THEN tenant ELSE w.target END ORDER BY w.n)::integer END AS r
        FROM unnest(work) AS w) AS x;
    FOR r IN 1..coalesce(last_round, 0) LOOP
        part := ARRAY(SELECT w FROM unnest(work) AS w WHERE w.round = r AND w.verb = 'task_edit');
        IF cardinality(part) > 0 THEN
            done := done || noctule.push_tasks(tenant, role, own, part);
            IF ended IS NOT NULL THEN
                PERFORM noctule.push_make_ready(tenant, ARRAY(SELECT w.target FROM unnest(part) AS w WHERE w.fields->'status'->>'new' IN ('completed', 'skipped')));
            END IF;
        END IF;
        part := ARRAY(SELECT w FROM unnest(work) AS w WHERE w.round = r AND w.verb = 'subscriber_edit');
        IF cardinality(part) > 0 THEN
            done := done || noctule.push_subscribers(tenant, part);
        END IF;
        part := ARRAY(SELECT w FROM unnest(work) AS w WHERE w.round = r AND w.verb = 'technician_edit');
        IF cardinality(part) > 0 THEN
            done := done || noctule.push_technicians(tenant, part);
        END IF;
    END LOOP;
    part := ARRAY(SELECT w FROM unnest(work) AS w WHERE w.answer IS NULL AND w.verb = 'position');
    IF cardinality(part) > 0 THEN
        done := done || noctule.push_positions(tenant, part);
    END IF;
    FOR one IN SELECT w.* FROM unnest(work) AS w WHERE w.answer IS NULL AND w.verb IN ('clock_in', 'clock_out', 'emergency') ORDER BY w.n LOOP
        IF one.verb = 'emergency' THEN
            SELECT * INTO told FROM noctule.push_emergency(tenant, role, console, one);
            one_done := told.done;
            IF told.audit IS NOT NULL THEN
                result.audits := result.audits || jsonb_build_array(told.audit);
            END IF;
        ELSE
            one_done := noctule.push_clock(tenant, one);
        END IF;
        done := done || one_done;
    END LOOP;
    -- A packet that left without leave stands in the audit too.
    FOR one IN SELECT w.* FROM unnest(work) AS w WHERE w.verb = 'emergency' AND w.answer->>'answer' = 'denied' LOOP
        result.audits := result.audits || jsonb_build_array(jsonb_build_object('actor', session_user::text, 'origin', one.origin,
            'action', 'ipv6-emergency-denied', 'target', 'subscriber ? (' || one.target || ')', 'reason', one.reason, 'answers', one.change));
    END LOOP;

    IF again IS NOT NULL THEN
        UPDATE noctule.ops AS o SET change = w.change, answer = coalesce(w.answer, d.answer), xid = pg_current_xact_id()
        FROM unnest(work) AS w LEFT JOIN unnest(done) AS d ON d.n = w.n
        WHERE w.id = ANY (again) AND o.tenant_id = tenant AND o.id = w.id;
    END IF;
    -- With this they have come. Somebody who pushed the same under another login at the same time is met here, and all of this is undone.
    WITH said AS (
        SELECT w.*, coalesce(w.answer, d.answer) AS said, coalesce(d.changed, false) AS changed FROM unnest(work) AS w LEFT JOIN unnest(done) AS d ON d.n = w.n
    ), logged AS (
        INSERT INTO noctule.ops (tenant_id, id, console, seq, login, verb, target, change, origin, reason, made_at, answer)
        SELECT tenant, s.id, console, s.seq, session_user, s.verb, s.target,
            CASE WHEN pg_column_size(s.change) > 65536 OR s.change IS NULL THEN jsonb_build_object('verb', s.verb, 'bytes', pg_column_size(s.change)) ELSE s.change END,
            s.origin, s.reason, s.made_at, s.said
        FROM said AS s WHERE s.id IS NOT NULL AND s.seq IS NOT NULL AND s.made_at IS NOT NULL AND s.id <> ALL (coalesce(again, '{}')) ORDER BY s.id
    )
    SELECT result.answers || jsonb_agg(jsonb_build_object('op', s.id, 'answer', s.said, 'xid', this_xid, 'at', this_time)),
        count(*) FILTER (WHERE s.changed), array_agg(s.id ORDER BY s.id)
        INTO result.answers, result.changed, result.ids
    FROM said AS s;
    RETURN result;
END $$;

-- As push_batch; what it raises because of an op becomes the refusal of that op. Trouble of the server (a deadlock, a full disk, a standby, a
-- cancelled statement) is not the fault of an op and is raised.
CREATE FUNCTION noctule.push_careful(tenant uuid, role text, own uuid, console uuid, ops jsonb) RETURNS noctule.push_result LANGUAGE plpgsql
AS $$
DECLARE
    n integer := jsonb_array_length(ops);
    a noctule.push_result;
    b noctule.push_result;
    said text;
    broken text;
    op jsonb;
    op_id uuid;
    known noctule.ops;
BEGIN
    RETURN noctule.push_batch(tenant, role, own, console, ops);
EXCEPTION WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded OR raise_exception OR datatype_mismatch THEN
    GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, broken = CONSTRAINT_NAME;
    IF n > 1 THEN
        a := noctule.push_careful(tenant, role, own, console, jsonb_path_query_array(ops, '$[$from to $to]', jsonb_build_object('from', 0, 'to', n / 2 - 1)));
        b := noctule.push_careful(tenant, role, own, console, jsonb_path_query_array(ops, '$[$from to $to]', jsonb_build_object('from', n / 2, 'to', n - 1)));
        RETURN (a.answers || b.answers, a.audits || b.audits, a.changed + b.changed, a.ids || b.ids)::noctule.push_result;
    END IF;
    IF broken = 'ops_pkey' THEN
        -- It came over another connection in this moment: ask again, the answer is there then.
        RAISE EXCEPTION 'the same op was pushed twice at once' USING ERRCODE = 'serialization_failure';
    END IF;
    op := ops->0;
    a := (jsonb_build_array(jsonb_build_object('op', op->'id', 'answer', noctule.push_refused('the centre can not apply it: ' || said),
        'xid', NULL, 'at', noctule.push_stamp(now()))), '[]', 0, '{}');
    -- With an id of its own it gets into the log, as far as it can be read, so that it gets this answer again.
    IF jsonb_typeof(op) = 'object' AND noctule.push_is_uuid(op->>'id') THEN
        op_id := (op->>'id')::uuid;
        SELECT * INTO known FROM noctule.ops AS o WHERE o.tenant_id = tenant AND o.id = op_id;
        IF FOUND THEN
            a.answers := jsonb_build_array(jsonb_build_object('op', op_id, 'answer', known.answer, 'xid', known.xid::text, 'at', noctule.push_stamp(known.received_at)));
        ELSE
            INSERT INTO noctule.ops (tenant_id, id, console, seq, login, verb, target, change, origin, made_at, answer)
            VALUES (tenant, op_id, console, CASE WHEN op->>'seq' ~ '^\d{1,18}$' THEN (op->>'seq')::bigint ELSE 0 END, session_user,
                coalesce(left(op->'change'->>'verb', 40), ''), NULL,
                CASE WHEN pg_column_size(op) > 65536 THEN jsonb_build_object('bytes', pg_column_size(op)) ELSE coalesce(op->'change', '{}') END,
                left(coalesce(op->>'origin', ''), 2048), now(), a.answers->0->'answer');
            a.ids := ARRAY[op_id];
        END IF;
    END IF;
    RETURN a;
END $$;

-- ---------------------------------------------------------------------------------------------------------------------------------------
-- What operators may call.

-- ops: JSON array of Op (at most 5,000, 8 MiB), applied in the order of the array. Answers, in any order: JSON array of
-- {"op": id, "answer": Answer, "xid": text or null, "at": time}. One audit record covers what a call changed, by a digest over the ids.
CREATE FUNCTION noctule.push(console uuid, ops jsonb) RETURNS jsonb
    -- Who waits for a row longer than this has a console that has given up: it must not go on waiting here, with more of its kind behind it.
    -- And a plan is made once a connection, not five times over for arrays whose length it would only learn.
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET jit = off SET lock_timeout = '10s' SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    here uuid := noctule.tenant();
    my_role text := noctule.role();
    result noctule.push_result;
    entry jsonb;
BEGIN
    IF here IS NULL OR my_role IS NULL THEN
        RAISE EXCEPTION 'no tenant is chosen, or % is no member of it', session_user USING ERRCODE = 'invalid_authorization_specification';
    ELSIF console IS NULL OR ops IS NULL OR jsonb_typeof(ops) <> 'array' OR jsonb_array_length(ops) > 5000 OR pg_column_size(ops) > 16777216 THEN
        RAISE EXCEPTION 'push takes the id of the console and a JSON array of at most 5,000 ops and 16 MiB' USING ERRCODE = 'invalid_parameter_value';
    ELSIF current_setting('transaction_isolation') <> 'read committed' THEN
        -- An older snapshot would not see what the other connection has pushed before us.
        RAISE EXCEPTION 'push runs in a transaction that is read committed' USING ERRCODE = 'invalid_transaction_state';
    ELSIF jsonb_array_length(ops) = 0 THEN
        RETURN '[]';
    END IF;
    -- The same outbox pushed twice at once waits in line.
    PERFORM pg_advisory_xact_lock(hashtextextended('noctule.push ' || session_user, hashtextextended(here::text, 0)));
    result := noctule.push_careful(here, my_role, noctule.technician(), console, ops);
    FOR entry IN SELECT value FROM jsonb_array_elements(result.audits) LOOP
        PERFORM noctule.audit_append(entry);
    END LOOP;
    IF result.changed > 0 THEN
        PERFORM noctule.audit_append(jsonb_build_object('actor', session_user::text, 'origin', left(ops->0->>'origin', 2048), 'action', 'ops',
            'target', 'console ' || console, 'after', jsonb_build_object('ops', cardinality(result.ids), 'changed', result.changed,
                'sha256', encode(sha256(convert_to(array_to_string(result.ids, E'\n'), 'UTF8')), 'hex'))));
    END IF;
    RETURN result.answers;
END $$;

-- Says that this console is there and what it looks at; gives {"others": [Other…], "consoles": n}: the fresh consoles of the tenant (heard of
-- within 45 s, at most 200, those on the same subscriber first), and how many there are with this one.
CREATE FUNCTION noctule.beat(console uuid, subscriber uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    here uuid := noctule.tenant();
    my_role text := noctule.role();
    mine uuid := console;
    looked_at uuid := subscriber;
    there jsonb;
    consoles bigint;
BEGIN
    IF here IS NULL OR my_role IS NULL THEN
        RAISE EXCEPTION 'no tenant is chosen, or % is no member of it', session_user USING ERRCODE = 'invalid_authorization_specification';
    ELSIF mine IS NULL THEN
        RAISE EXCEPTION 'a console has an id' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- Somebody else's console stays somebody else's, whatever id is told here.
    INSERT INTO noctule.presence AS p (tenant_id, console, login, subscriber, seen_at) VALUES (here, mine, session_user, looked_at, now())
    ON CONFLICT ON CONSTRAINT presence_pkey DO UPDATE SET subscriber = excluded.subscriber, seen_at = excluded.seen_at WHERE p.login = excluded.login;
    SELECT count(*) INTO consoles FROM noctule.presence AS p WHERE p.tenant_id = here AND p.seen_at > now() - interval '45 seconds';
    SELECT jsonb_agg(jsonb_build_object('console', o.console, 'login', o.login, 'subscriber',
            -- A technician is not told what others look at beside what he looks at himself.
            CASE WHEN my_role <> 'technician' OR o.subscriber = looked_at THEN o.subscriber END, 'seen_at', noctule.push_stamp(o.seen_at)))
        INTO there
    FROM (SELECT * FROM noctule.presence AS p
        WHERE p.tenant_id = here AND p.console <> mine AND p.seen_at > now() - interval '45 seconds'
        ORDER BY p.subscriber IS NOT DISTINCT FROM looked_at AND looked_at IS NOT NULL DESC, p.seen_at DESC LIMIT 200) AS o;
    RETURN jsonb_build_object('others', coalesce(there, '[]'), 'consoles', consoles);
END $$;

DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc AS p
        WHERE p.pronamespace = 'noctule'::regnamespace AND (p.proname LIKE 'push%' OR p.proname IN ('beat', 'is_blank', 'merge_text', 'task_ended', 'task_may')) LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION noctule.push(uuid, jsonb), noctule.beat(uuid, uuid) TO noctule_member;
