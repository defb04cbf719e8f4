import { ConfigError } from "../errors.ts";
import type { Backend, LedgerPlace } from "../backends/backend.ts";
import type { RecordingRule } from "../ledger/run.ts";
import type { TableName } from "../ledger/table_name.ts";
import { namedSetting } from "./named_setting.ts";
import type { Find } from "./setting_values.ts";
import { TABLE, type Values } from "./table.ts";

/** What is recorded about runs, and which runs prevent others. */
export interface LedgerSettings extends RecordingRule {
  /** Whether it is used. */
  readonly on: boolean;
  readonly table: TableName;
}

/**
 * Puts together what is said about the ledger. `once`, `every` and `record-skips` turn it on.
 *
 * @param find Tells where a setting comes from.
 * @throws {ConfigError} When it cannot work with this server, or a setting in file or environment is of no use.
 * @throws {UsageError} When a flag is.
 */
export async function ledgerSettings(values: Values, find: Find, server: Backend): Promise<LedgerSettings> {
  const { ledgerTable: table, keepHistory, once, every, countFailures, recordSkips } = values;
  refuseTable(find, server);
  const rule = once !== undefined ? "once" : every !== undefined ? "every" : undefined;
  const on = values.ledger ?? (rule !== undefined || recordSkips);
  if (!on && rule !== undefined) throw (await import("./ledger_off.ts")).ledgerOff(rule, find);
  if (on) ledgerPlace(server, table);
  return { on, table, keepHistory, once, every, countFailures, recordSkips };
}

/**
 * Where the server's ledger is kept.
 *
 * @throws {ConfigError} When there is none, or it cannot be kept there: its table may need a database to be in.
 */
export function ledgerPlace({ title, ledger }: Backend, table: TableName): LedgerPlace {
  const missing = ledger ? ledger.missing?.(table) : {
    what: `${title} does not support a ledger`,
    cure: "name another server, or leave --ledger, --once, --every and --record-skips out",
  };
  if (!ledger || missing) throw new ConfigError(`Cannot keep a ledger: ${missing!.what}`, missing!.cure);
  return ledger;
}

function refuseTable(find: Find, { offers, title }: Backend): void {
  const found = find("ledgerTable");
  if (!found || offers.ledgerTable) return;
  throw new found.error(
    `Cannot use ${namedSetting(TABLE.ledgerTable, found.source)}: ${title} has no tables`,
    "leave it out",
  );
}
