import { ConfigError } from "../errors.ts";
import type { RegisterRule } from "../ledger/run.ts";
import type { Server } from "./server.ts";
import type { SettingValues } from "./setting_values.ts";

/** How long the ledger keeps a run, in milliseconds, and what it is called. */
const DEFAULT_KEEP_HISTORY = 90 * 24 * 3600 * 1000;
export const DEFAULT_LEDGER_TABLE = "sera_runs";

/** No span of a ledger is longer, in milliseconds: a century, which every server can reckon with. */
const LONGEST_SPAN = 36_500 * 24 * 3600 * 1000;

/** The longest key, in characters: the longest that every MySQL can index. */
const LONGEST_KEY = 190;

/** What is remembered of runs, and which runs keep others from happening. */
export interface LedgerSettings extends RegisterRule {
  /** Whether it is used. */
  readonly on: boolean;
  readonly table: TableName;
}

/** A table's name, in letters, digits and underscores; without a schema it is where the server looks first. */
export interface TableName {
  readonly schema?: string | undefined;
  readonly name: string;
}

/**
 * Reads what is said of the ledger. `once`, `every` and `record-skips` turn it on.
 *
 * @throws {ConfigError} When it cannot work with this server, or a setting in file or environment is of no use.
 * @throws {UsageError} When a flag is.
 */
export function ledgerSettings(values: SettingValues, server: Server): LedgerSettings {
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

function readKey(values: SettingValues): string | undefined {
  const key = values.text("once");
  // MySQL ignores blanks at the end when it compares; half a surrogate pair would be stored as any other half.
  if (key === undefined || [...key].length <= LONGEST_KEY && key === key.trim() && key.isWellFormed()) return key;
  throw values.wrong("once", `up to ${LONGEST_KEY} characters, without blanks around them`);
}

function readTable(values: SettingValues, server: Server): TableName {
  const text = values.text("ledger-table");
  if (text === undefined) return { name: DEFAULT_LEDGER_TABLE };
  if (server.kind === "file") {
    const { source, error } = values.find("ledger-table")!;
    throw new error(`Cannot use ledger-table in ${source}: a server of files has no tables; leave it out`);
  }
  const [, schema, name] = /^(?:([A-Za-z_][\w$-]{0,62})\.)?([A-Za-z_][\w$-]{0,62})$/.exec(text) ?? [];
  if (name !== undefined) return { schema, name };
  throw values.wrong("ledger-table", "a table or schema.table, in up to 63 letters, digits and underscores each");
}
