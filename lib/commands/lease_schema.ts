import { isFlagSet } from "../args/is_flag_set.ts";
import { UsageError } from "../errors.ts";
import type { Env } from "../settings/flag_or_variable.ts";
import { leasePlace } from "../settings/lease_place.ts";
import { resolveSettings } from "../settings/resolve.ts";

/**
 * The SQL that makes the table of leases, for `sera doctor --lease --schema`. Does not connect.
 *
 * @param flags The flags as given.
 * @throws {ConfigError} When the settings cannot be used.
 * @throws {UsageError} When a flag cannot be used, or leases are off.
 */
export async function leaseSchema(flags: ReadonlyMap<string, string>, env: Env): Promise<string> {
  if (isFlagSet(flags, "json")) {
    throw new UsageError("Cannot use --json with --schema: it has no effect there", "leave it out");
  }
  const { server, lease, leaseTable } = await resolveSettings(flags, env);
  if (!lease) {
    throw new UsageError(
      "Cannot use --schema: it prints the table of leases, and leases are off",
      "write sera doctor --lease --schema, or sera history --schema for the ledger's table",
    );
  }
  if (server.offers.leases === "anyway") {
    throw new UsageError(
      `Cannot show a schema for ${server.title}: its locks are always leases, without a table`,
      "leave --schema out",
    );
  }
  return await leasePlace(server, leaseTable).schema(leaseTable);
}
