import { ConfigError } from "../errors.ts";
import type { TableName } from "../ledger/table_name.ts";
import type { Server } from "./server.ts";
import type { Find } from "./setting_values.ts";
import type { Values } from "./table.ts";

/** What is remembered of runs, and which runs keep others from happening. */
export interface LedgerSettings {
  /** Whether it is used. */
  readonly on: boolean;
  readonly table: TableName;
  /** How long a run is remembered, in milliseconds. */
  readonly keepHistory: number;
  /** The key for which the command runs at most once. */
  readonly once?: string | undefined;
  /** The span in which at most one run begins, in milliseconds. */
  readonly every?: number | undefined;
  readonly countFailures: boolean;
  readonly recordSkips: boolean;
}

/**
 * Puts together what is said of the ledger. `once`, `every` and `record-skips` turn it on.
 *
 * @param find Tells where a setting comes from.
 * @throws {ConfigError} When it cannot work with this server, or a setting in file or environment is of no use.
 * @throws {UsageError} When a flag is.
 */
export function ledgerSettings(values: Values, find: Find, server: Server): LedgerSettings {
  const { ledgerTable: table, keepHistory, once, every, countFailures, recordSkips } = values;
  refuseTable(find, server);
  const rule = once !== undefined ? "once" : every !== undefined ? "every" : undefined;
  const on = values.ledger ?? (rule !== undefined || recordSkips);
  if (!on && rule !== undefined) {
    const { source, error } = find("ledger")!;
    throw new error(
      `Cannot use ${rule} in ${find(rule)!.source}: the ledger is off in ${source}; turn it on there, or leave it out`,
    );
  }
  if (on) refuseWithoutDatabase(server, table);
  return { on, table, keepHistory, once, every, countFailures, recordSkips };
}

/**
 * On MySQL and MariaDB a ledger's table needs a database to be in.
 *
 * @throws {ConfigError} When neither the server nor the table names one.
 */
export function refuseWithoutDatabase(server: Server, { schema }: TableName): void {
  if (server.kind !== "mysql" || server.database !== "" || schema !== undefined) return;
  throw new ConfigError(
    "Cannot keep a ledger: the server setting names no database for its table; add one after the slash, " +
      "user:password@tcp(host)/DATABASE, or set --ledger-table DATABASE.sera_runs",
  );
}

function refuseTable(find: Find, server: Server): void {
  const found = find("ledgerTable");
  if (!found || server.kind !== "file") return;
  throw new found.error(
    `Cannot use ledger-table in ${found.source}: a server of files has no tables; leave it out`,
  );
}
