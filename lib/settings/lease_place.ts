import type { Backend, LeasePlace } from "../backends/backend.ts";
import { ConfigError } from "../errors.ts";
import type { TableName } from "../ledger/table_name.ts";

/**
 * Where the server's leases are kept.
 *
 * @throws {ConfigError} When it has none, or they cannot be kept there: their table may need a database to be in.
 */
export function leasePlace({ title, leases }: Backend, table: TableName): LeasePlace {
  const missing = leases ? leases.missing?.(table) : {
    what: `${title} does not support leases`,
    cure: "name another server, or leave --lease out",
  };
  if (!leases || missing) throw new ConfigError(`Cannot keep leases: ${missing!.what}`, missing!.cure);
  return leases;
}
