import type { Trouble } from "../../errors.ts";
import { textFrom } from "../../text/untrusted.ts";
import { sql, type Statement } from "../sql/statement.ts";

/**
 * SQL for how a table stores its rows, for {@linkcode whyVolatile}. Found by its name, since rows of a view have no
 * tableoid.
 */
export function storageOf(table: Statement): Statement {
  return sql`(SELECT CASE relkind WHEN 'v' THEN 'v' WHEN 'p' THEN 'whole' ELSE relpersistence::text END
    FROM pg_catalog.pg_class
    WHERE oid = '${table}'::regclass::oid)`;
}

/**
 * A query for the `storage` of the table below, if this one stores no rows itself: a view, or a partitioned table;
 * undefined if it does. Follows views to their tables, and partitioned tables to their partitions.
 */
export function storageBelow(table: Statement, storage: unknown): Statement | undefined {
  if (storage !== "v" && storage !== "whole") return undefined;
  return sql`WITH RECURSIVE below(part) AS (
    SELECT '${table}'::regclass::oid UNION SELECT link.part FROM below JOIN (
      SELECT inhparent AS whole, inhrelid AS part FROM pg_catalog.pg_inherits UNION ALL
      SELECT ev_class, refobjid FROM pg_catalog.pg_rewrite rule JOIN pg_catalog.pg_depend
        ON classid = 'pg_catalog.pg_rewrite'::regclass AND objid = rule.oid
        AND refclassid = 'pg_catalog.pg_class'::regclass) link ON link.whole = below.part)
    SELECT relpersistence::text || ' ' || part::regclass::text AS storage FROM below JOIN pg_catalog.pg_class ON oid = part
    WHERE relkind = 'r' AND relpersistence <> 'p' LIMIT 1`;
}

/**
 * Why a table with this storage may lose its rows, and what to do; undefined if it does not.
 *
 * @param shown The table as messages name it.
 * @param lost What sera would no longer know.
 * @param flag The flag that names the table.
 */
export function whyVolatile(
  storage: unknown,
  { shown, lost, flag }: { readonly shown: string; readonly lost: string; readonly flag: string },
): Trouble | undefined {
  const [, kind = "", below = shown] = /^(\S)(?: (.*))?$/.exec(textFrom(storage) ?? "") ?? [];
  if (kind === "u") {
    return {
      what: `the table is UNLOGGED, and a crash of the server empties it, so sera would not know ${lost}`,
      cure: `ALTER TABLE ${below} SET LOGGED`,
    };
  }
  if (kind === "t") {
    return { what: "the table is temporary, and ends with the session", cure: `name another one with ${flag}` };
  }
  return undefined;
}
