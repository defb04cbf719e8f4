import { advisoryKey } from "../../../lib/backends/postgres/advisory_key.ts";
import { POSTGRESQL } from "../../../lib/backends/sql/quoting.ts";

/** What `advisoryKey()` gives, as text for clients other than sera. */
export function keySql(name: string): { readonly args: string; readonly row: string } {
  const { args, row } = advisoryKey(name);
  return { args: args.textFor(POSTGRESQL), row: row.textFor(POSTGRESQL) };
}
