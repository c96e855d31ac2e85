-- An import of any length in one transaction, all rows or none: the client takes as many calls of import_rows as it needs between BEGIN and COMMIT.
-- The audit record of each call is written at the commit, as the wake is: the head of the audit chain, which every lifecycle operation needs,
-- is then held for a moment and not for as long as the import runs. A call that is a transaction of its own does as before.

CREATE TABLE noctule.import_parts (
    tenant_id uuid NOT NULL REFERENCES noctule.tenants,
    n bigint GENERATED ALWAYS AS IDENTITY,
    entry jsonb NOT NULL,
    PRIMARY KEY (tenant_id, n)
);
REVOKE ALL ON noctule.import_parts FROM PUBLIC;
ALTER TABLE noctule.import_parts ENABLE ROW LEVEL SECURITY;
ALTER TABLE noctule.import_parts FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON noctule.import_parts TO noctule_owner USING (tenant_id = (SELECT noctule.tenant())) WITH CHECK (tenant_id = (SELECT noctule.tenant()));

CREATE FUNCTION noctule.import_audited() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    -- The tenant is a setting of the session: the record belongs to the one for which the rows were taken.
    IF noctule.tenant() IS DISTINCT FROM NEW.tenant_id THEN
        RAISE EXCEPTION 'another tenant was chosen before the import was over' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM noctule.audit_append(NEW.entry);
    DELETE FROM noctule.import_parts AS p WHERE p.tenant_id = NEW.tenant_id AND p.n = NEW.n;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION noctule.import_audited() FROM PUBLIC;
CREATE CONSTRAINT TRIGGER import_audited AFTER INSERT ON noctule.import_parts DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION noctule.import_audited();

-- As before but for its last step.
CREATE OR REPLACE FUNCTION noctule.import_rows(kind text, rows jsonb, entry jsonb) RETURNS jsonb
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
    INSERT INTO noctule.import_parts (tenant_id, entry) VALUES (here, jsonb_build_object('actor', session_user::text, 'origin', left(coalesce(entry->>'origin', ''), 2048), 'action', 'import-' || kind,
        'target', left(coalesce(entry->>'target', kind), 2048), 'reason', left(entry->>'reason', 2048),
        'after', CASE WHEN jsonb_typeof(entry->'after') = 'object' AND pg_column_size(entry->'after') < 16384 THEN entry->'after' ELSE '{}' END
            || counts || jsonb_build_object('rows', jsonb_array_length(rows), 'refused', jsonb_array_length(result.errors), 'load', load)));
    RETURN counts || jsonb_build_object('errors', (SELECT coalesce(jsonb_agg(x ORDER BY (x->>'index')::integer), '[]') FROM jsonb_array_elements(result.errors) AS x));
END $$;
