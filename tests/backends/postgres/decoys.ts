/**
 * Fills a schema with functions and operators that fail with "decoy", of the names that sera uses, for all combinations
 * of types that the server's own are not made for. Who has the schema in the search path calls one of them when the types
 * of a statement do not match exactly.
 */
export function decoysIn(schema: string): string {
  return DECOYS.replaceAll("SCHEMA", schema);
}

const DECOYS = `DO $do$
  DECLARE
    types regtype[] := '{smallint,integer,bigint,numeric,real,double precision,text,varchar,name,"char",oid,
      timestamp,timestamptz,interval}';
    one regtype;
    other regtype;
    op text;
    made record;
    arguments text;
  BEGIN
    FOREACH one IN ARRAY types LOOP
      FOREACH other IN ARRAY types LOOP
        EXECUTE format('CREATE FUNCTION SCHEMA.decoy(%s, %s) RETURNS boolean LANGUAGE plpgsql AS
          ''BEGIN RAISE EXCEPTION $$decoy$$; END''', one, other);
        FOREACH op IN ARRAY ARRAY['+', '-', '*', '<', '>', '<=', '>=', '=', '<>', '~', '~~', '||'] LOOP
          CONTINUE WHEN EXISTS (SELECT FROM pg_operator WHERE oprname = op AND oprleft = one AND oprright = other
            AND oprnamespace = 'pg_catalog'::regnamespace);
          EXECUTE format('CREATE OPERATOR SCHEMA.%s (FUNCTION = SCHEMA.decoy, LEFTARG = %s, RIGHTARG = %s)',
            op, one, other);
        END LOOP;
      END LOOP;
    END LOOP;
    FOR made IN SELECT proname, proargtypes::oid[] AS given, pronargs AS count FROM pg_proc
      WHERE pronamespace = 'pg_catalog'::regnamespace AND provariadic = 0 AND pronargs > 0 AND prokind = 'f'
      AND proname IN ('set_config', 'current_setting', 'isfinite', 'floor', 'left', 'encode', 'decode', 'convert_to',
        'convert_from') LOOP
      FOR place IN 1 .. made.count LOOP
        FOREACH one IN ARRAY types LOOP
          SELECT string_agg(CASE WHEN at = place THEN one ELSE given::regtype END::text, ', ' ORDER BY at)
            INTO arguments FROM unnest(made.given) WITH ORDINALITY AS list(given, at);
          CONTINUE WHEN to_regprocedure(format('pg_catalog.%I(%s)', made.proname, arguments)) IS NOT NULL
            OR to_regprocedure(format('SCHEMA.%I(%s)', made.proname, arguments)) IS NOT NULL;
          EXECUTE format('CREATE FUNCTION SCHEMA.%I(%s) RETURNS text LANGUAGE plpgsql AS
            ''BEGIN RAISE EXCEPTION $$decoy$$; END''', made.proname, arguments);
        END LOOP;
      END LOOP;
    END LOOP;
  END $do$`;
