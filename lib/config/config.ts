import { parseGoBoolean } from "../args/go_flags.ts";
import { environmentName, SETTINGS, type SettingSpec } from "../args/settings_table.ts";
import { formatDuration, parseWait } from "../duration.ts";
import { ConfigError, type SeraError, UsageError } from "../errors.ts";
import type { LeaseTerms } from "../lock/lease.ts";
import { type ConfigFile, NoConfigFileError, readConfigFile } from "./config_file.ts";
import { parseServer, type Server } from "./server.ts";

/** The config file that is read when nothing names another. */
export const DEFAULT_CONFIG_FILE = "/etc/sera.json";

/** How soon the lock of a node that has vanished is free, in milliseconds, and what else that may be set to. */
export const DEFAULT_TTL = 30_000;
const SHORTEST_TTL = 3000;
const LONGEST_TTL = 24 * 3600 * 1000;

/** How long a command has between SIGTERM and SIGKILL, in milliseconds: enough to clean up, and not much more. */
export const DEFAULT_GRACE = 10_000;

/** How long the ledger keeps a run, in milliseconds, and what it is called. */
const DEFAULT_KEEP_HISTORY = 90 * 24 * 3600 * 1000;
const DEFAULT_LEDGER_TABLE = "sera_runs";

/** No span of a ledger is longer, in milliseconds: a century, which every server can reckon with. */
const LONGEST_SPAN = 36_500 * 24 * 3600 * 1000;

/** The longest key, in characters: the longest that every MySQL can index. */
const LONGEST_KEY = 190;

/** Everything that one run of sera goes by. */
export interface Settings {
  readonly server: Server;
  /** PEM file with the CA that signed the server's certificate. */
  readonly tlsCa?: string | undefined;
  /** The lock's key, instead of the command's words. */
  readonly name?: string | undefined;
  /** The namespace that the key is in; only on PostgreSQL. */
  readonly namespace?: string | undefined;
  readonly waitAndSkip: boolean;
  readonly detailedExitCodes: boolean;
  readonly lease: LeaseTerms;
  /** How long a stopped command has between SIGTERM and SIGKILL, in milliseconds. */
  readonly grace: number;
  /** Whether a command goes on when its lock is lost. */
  readonly onLost: "terminate" | "warn";
  /** How long the command may run, in milliseconds. */
  readonly maxRun?: number | undefined;
  readonly allowUnsafeServer: boolean;
  /** How long the lock is kept at least, in milliseconds. */
  readonly minHold?: number | undefined;
  /** What others see of the command, instead of its first word. */
  readonly label?: string | undefined;
  readonly ledger: LedgerSettings;
  readonly logging: LogSettings;
  /** What is odd but harmless, for verbose. */
  readonly notes: readonly string[];
}

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

/** A table's name, in letters, digits and underscores; without a schema it is where the server looks first. */
export interface TableName {
  readonly schema?: string | undefined;
  readonly name: string;
}

/** How sera says what happens. */
export interface LogSettings {
  /** Where to say what happens; undefined keeps silent. */
  readonly verbose?: "stdout" | "stderr" | undefined;
  /** Whether to send errors and failed attempts to syslog, or the path of the socket to send them to. */
  readonly syslog?: boolean | string;
  readonly format: "text" | "json";
}

/** A value and where it came from. */
interface Found {
  readonly value: unknown;
  /** For errors: `--verbose`, `SERA_VERBOSE`, or the config file's path. */
  readonly source: string;
  /** The class of error that a wrong value is: a flag is an argument, the rest is configuration. */
  readonly error: new (message: string) => SeraError;
  /** Whether it is JSON, where `"true"` is not `true`; a flag or a variable can say it only as text. */
  readonly json: boolean;
}

/**
 * Puts the settings together, in rising order: built-in defaults, the config file, `SERA_*` variables, flags. The config
 * file may be missing when a variable or flag names the server and nothing names the file.
 *
 * @param flags The flags as given.
 * @param env Reads an environment variable.
 * @throws {ConfigError} When a file or variable is of no use.
 * @throws {UsageError} When a flag is.
 */
export async function resolveSettings(
  flags: ReadonlyMap<string, string>,
  env: (name: string) => string | undefined,
): Promise<Settings> {
  const fromOutside = (name: string): Found | undefined => {
    const flag = flags.get(name);
    if (flag !== undefined) return { value: flag, source: `--${name}`, error: UsageError, json: false };
    const variable = env(environmentName(name));
    if (variable === undefined) return undefined;
    return { value: variable, source: environmentName(name), error: ConfigError, json: false };
  };

  const named = fromOutside("config");
  const path = named ? readWord(spec("config"), named) : DEFAULT_CONFIG_FILE;
  const notes: string[] = [];
  const file = readFile(path, named === undefined && fromOutside("server") !== undefined, notes);
  for (const key of file?.unknownKeys ?? []) notes.push(`Unknown key in ${path}: ${key}`);

  const find = (name: string): Found | undefined => {
    const found = fromOutside(name);
    if (found || !file?.values.has(name)) return found;
    return { value: file.values.get(name), source: path, error: ConfigError, json: true };
  };
  const text = (name: string) => read(name, find, readWord);
  const boolean = (name: string) => read(name, find, readBoolean) ?? false;
  const booleanOr = (name: string) => read(name, find, readBooleanOrText) ?? false;

  const duration = (name: string, least: number, most = Infinity) =>
    read(name, find, (spec, found) => readDuration(spec, found, least, most));

  const grace = duration("grace", 0) ?? DEFAULT_GRACE;

  const server = find("server");
  if (!server) {
    throw new ConfigError(
      `No server in the config file: ${path}; add "server": "user:password@tcp(db.example.com:3306)/", or use ` +
        "--server file: to lock on this machine only",
    );
  }
  const serverText = readWord(spec("server"), server, true);
  const verbose = booleanOr("verbose");
  const tlsCa = text("tls-ca");
  const parsed = await parseServer(serverText, server.source, { env, tlsCa });
  if (tlsCa !== undefined && !checksCertificates(parsed)) {
    const cure = parsed.kind === "postgres" ? "sslmode=verify-full" : "tls=true";
    throw new ConfigError(
      `Cannot use tls-ca with the server in ${server.source}: it checks no certificate; add ${cure}`,
    );
  }
  const namespace = find("namespace");
  if (namespace && parsed.kind !== "postgres") {
    throw new namespace.error(
      `Cannot use namespace in ${namespace.source} with the server in ${server.source}: only PostgreSQL has namespaces`,
    );
  }
  if (parsed.kind === "postgres") notes.push(...parsed.notes);
  const once = text("once");
  if (once !== undefined && ([...once].length > LONGEST_KEY || once !== once.trim())) {
    throw wrong(spec("once"), find("once")!, `up to ${LONGEST_KEY} characters, without blanks around them`);
  }
  const ledgerTable = find("ledger-table");
  if (ledgerTable && parsed.kind === "file") {
    throw new ledgerTable.error(
      `Cannot use ledger-table in ${ledgerTable.source} with the server in ${server.source}: file: has no tables`,
    );
  }
  const table = read("ledger-table", find, readTable) ?? { name: DEFAULT_LEDGER_TABLE };
  const every = duration("every", 1, LONGEST_SPAN);
  const recordSkips = boolean("record-skips");
  const reason = once !== undefined ? "once" : every !== undefined ? "every" : recordSkips ? "record-skips" : undefined;
  const on = read("ledger", find, readBoolean) ?? reason !== undefined;
  if (!on && reason !== undefined && reason !== "record-skips") {
    const { source, error } = find("ledger")!;
    throw new error(`Cannot use ${reason} in ${find(reason)!.source} without the ledger; take ledger out of ${source}`);
  }
  if (on && parsed.kind === "mysql" && parsed.database === "" && table.schema === undefined) {
    throw new ConfigError(
      `Cannot keep a ledger with the server in ${server.source}: it names no database for the table; add one after the ` +
        "slash, user:password@tcp(host)/DATABASE, or set --ledger-table DATABASE.sera_runs",
    );
  }
  return {
    server: parsed,
    tlsCa,
    name: text("name"),
    namespace: text("namespace"),
    waitAndSkip: boolean("wait-and-skip"),
    detailedExitCodes: boolean("detailed-exit-codes"),
    lease: { ttl: duration("ttl", SHORTEST_TTL, LONGEST_TTL) ?? DEFAULT_TTL, grace },
    grace,
    onLost: (text("on-lost") ?? "terminate") as "terminate" | "warn",
    maxRun: duration("max-run", 1),
    allowUnsafeServer: boolean("allow-unsafe-server"),
    minHold: duration("min-hold", 0),
    label: text("label"),
    ledger: {
      on,
      table,
      keepHistory: duration("keep-history", 0, LONGEST_SPAN) ?? DEFAULT_KEEP_HISTORY,
      once,
      every,
      countFailures: boolean("count-failures"),
      recordSkips,
    },
    logging: {
      verbose: verbose === true ? "stdout" : verbose === false ? undefined : verbose as "stdout" | "stderr",
      syslog: booleanOr("syslog"),
      format: (text("log-format") ?? "text") as "text" | "json",
    },
    notes,
  };
}

/** Whether the server's certificate is looked at; files have none to look at. */
function checksCertificates(server: Server): boolean {
  if (server.kind === "file") return true;
  return server.kind === "mysql" ? server.tls === "verify" : server.sslmode.startsWith("verify-");
}

/** Reads the file. Where none is needed, one that is missing or of no use is no error: `--server` is the way round it. */
function readFile(path: string, needless: boolean, notes: string[]): ConfigFile | undefined {
  try {
    return readConfigFile(path);
  } catch (error) {
    if (!needless || !(error instanceof ConfigError)) throw error;
    if (!(error instanceof NoConfigFileError)) notes.push(error.message);
    return undefined;
  }
}

function spec(name: string): SettingSpec {
  return SETTINGS.find((setting) => setting.name === name)!;
}

function read<T>(
  name: string,
  find: (name: string) => Found | undefined,
  convert: (spec: SettingSpec, found: Found) => T,
): T | undefined {
  const found = find(name);
  return found && convert(spec(name), found);
}

function readWord(spec: SettingSpec, found: Found, emptyIsFine = false): string {
  const { value } = found;
  if (typeof value === "string" && (value !== "" || emptyIsFine) && (spec.words?.includes(value) ?? true)) return value;
  throw wrong(spec, found, spec.words ? spec.words.join(" or ") : "some text");
}

function readBoolean(spec: SettingSpec, found: Found): boolean {
  const value = asBoolean(found);
  if (value !== undefined) return value;
  throw wrong(spec, found, "true or false");
}

function readBooleanOrText(spec: SettingSpec, found: Found): boolean | string {
  const boolean = asBoolean(found);
  if (boolean !== undefined) return boolean;
  const { value } = found;
  if (typeof value === "string" && (spec.words ? spec.words.includes(value) : value.startsWith("/"))) return value;
  throw wrong(spec, found, `true, false${spec.words ? `, ${spec.words.join(" or ")}` : " or an absolute path"}`);
}

function readTable(spec: SettingSpec, found: Found): TableName {
  const [, schema, name] = /^(?:([A-Za-z_]\w{0,62})\.)?([A-Za-z_]\w{0,62})$/.exec(readWord(spec, found)) ?? [];
  if (name === undefined) {
    throw wrong(spec, found, "a table or schema.table, in up to 63 letters, digits and underscores each");
  }
  return { schema, name };
}

function readDuration(spec: SettingSpec, found: Found, least: number, most: number): number {
  const { value } = found;
  const ms = typeof value === "number" ? value * 1000 : typeof value === "string" ? parseWait(value) : undefined;
  if (ms !== undefined && ms >= least && ms <= most && ms !== Infinity) return ms;
  const range = most === Infinity
    ? least > 0 ? ", above 0" : ""
    : `, from ${formatDuration(least)} to ${formatDuration(most)}`;
  throw wrong(spec, found, `seconds, or a duration such as 1m30s${range}`);
}

function asBoolean({ value, json }: Found): boolean | undefined {
  if (typeof value === "boolean") return value;
  return typeof value === "string" && !json ? parseGoBoolean(value) : undefined;
}

/** The error for a value that cannot be used. A server may hold a password, so its value is never repeated. */
function wrong(spec: SettingSpec, { value, source, error, json }: Found, expected: string): SeraError {
  const shown = spec.name === "server"
    ? ""
    : `: ${typeof value === "string" && !json && value !== "" ? value : JSON.stringify(value)}`;
  return new error(`Cannot use ${spec.name} in ${source}${shown}; it takes ${expected}`);
}
