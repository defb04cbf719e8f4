import { ConfigError } from "../errors.ts";
import type { Backend } from "../backends/backend.ts";
import type { TableName } from "../ledger/table_name.ts";
import type { SettingValues } from "./setting_values.ts";

/** How long the ledger keeps a run, in milliseconds, and what it is called. */
const DEFAULT_KEEP_HISTORY = 90 * 24 * 3600 * 1000;
export const DEFAULT_LEDGER_TABLE = "sera_runs";

/** No span of a ledger is longer, in milliseconds: a century, which every server can reckon with. */
const LONGEST_SPAN = 36_500 * 24 * 3600 * 1000;

/** The longest key, in characters: the longest that every MySQL can index. */
const LONGEST_KEY = 190;

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
 * Reads what is said of the ledger. `once`, `every` and `record-skips` turn it on.
 *
 * @throws {ConfigError} When it cannot work with this server, or a setting in file or environment is of no use.
 * @throws {UsageError} When a flag is.
 */
export function ledgerSettings(values: SettingValues, server: Backend): LedgerSettings {
  const once = readKey(values);
  const every = values.duration("every", 1, LONGEST_SPAN);
  const recordSkips = values.boolean("record-skips");
  const table = readTable(values, server);
  const rule = once !== undefined ? "once" : every !== undefined ? "every" : undefined;
  const on = values.optionalBoolean("ledger") ?? (rule !== undefined || recordSkips);
  if (!on && rule !== undefined) {
    const { source, error } = values.find("ledger")!;
    throw new error(
      `Cannot use ${rule} in ${
        values.find(rule)!.source
      }: the ledger is off in ${source}; turn it on there, or leave it out`,
    );
  }
  if (on) refuseWithoutDatabase(server, table);
  return {
    on,
    table,
    keepHistory: values.duration("keep-history", 0, LONGEST_SPAN) ?? DEFAULT_KEEP_HISTORY,
    once,
    every,
    countFailures: values.boolean("count-failures"),
    recordSkips,
  };
}

/**
 * A ledger's table may need a database to be in.
 *
 * @throws {ConfigError} When neither the server nor the table names one.
 */
export function refuseWithoutDatabase({ ledger }: Backend, table: TableName): void {
  const missing = ledger?.missing?.(table);
  if (missing) throw new ConfigError(`Cannot keep a ledger: ${missing.what}; ${missing.cure}`);
}

function readKey(values: SettingValues): string | undefined {
  const key = values.text("once");
  // MySQL ignores blanks at the end when it compares; half a surrogate pair would be stored as any other half.
  if (key === undefined || [...key].length <= LONGEST_KEY && key === key.trim() && key.isWellFormed()) return key;
  throw values.wrong("once", `up to ${LONGEST_KEY} characters, without blanks around them`);
}

function readTable(values: SettingValues, server: Backend): TableName {
  const text = values.text("ledger-table");
  if (text === undefined) return { name: DEFAULT_LEDGER_TABLE };
  if (!server.offers.ledgerTable) {
    const { source, error } = values.find("ledger-table")!;
    throw new error(`Cannot use ledger-table in ${source}: ${server.title} has no tables; leave it out`);
  }
  const [, schema, name] = /^(?:([A-Za-z_][\w$-]{0,62})\.)?([A-Za-z_][\w$-]{0,62})$/.exec(text) ?? [];
  if (name !== undefined) return { schema, name };
  throw values.wrong("ledger-table", "a table or schema.table, in up to 63 letters, digits and underscores each");
}
