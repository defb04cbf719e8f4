import { MAX_SLOTS } from "../lock/slot_name.ts";
import type { FlagSyntax } from "./flag.ts";
import {
  boolean,
  booleanOrChoice,
  booleanOrPath,
  choice,
  count,
  duration,
  file,
  key,
  type Kind,
  server,
  table,
  text,
} from "./kinds.ts";

/** One setting: the same name serves as flag, as environment variable and as key of the config file. */
export interface Setting<T = unknown> extends FlagSyntax, Pick<Kind<T>, "read" | "takes"> {
  /** The value of a setting that is not set. As all values that were read, durations are in milliseconds. */
  readonly default: T;
  /** Whether the config file may set it. The others concern a single run. */
  readonly inConfig?: true;
  /** Whether only runs use it, and not subcommands that look at locks or past runs. */
  readonly runOnly?: true;
  /** Whether no message repeats its value. */
  readonly mayHoldPassword?: true;
  /** What it needs to have an effect. Without that it is an error as a flag. */
  readonly needs?: Need;
  /** Whether it is accepted even as a flag that has no effect. */
  readonly harmless?: true;
}

/** What a setting can need to have an effect. */
export type Need =
  /** `once` or `every`. */
  | "rule"
  | "ledger"
  | "lease"
  /** Leases kept as rows of a table. */
  | "rows"
  | "tls"
  /** That verbose is off. */
  | "no verbose"
  /** A setting that makes sera skip the command. */
  | "skip"
  /** A server that sera may refuse as unsafe. */
  | "unsafe";

const SECOND = 1000;
const DAY = 24 * 3600 * SECOND;

/** The longest duration for the ledger: every server can subtract a century from its clock. */
const CENTURY = 36_500 * DAY;

/** The maximum of `--max-waiters`. */
const MAX_WAITERS = 256;

/** The longest key that every MySQL can index, in characters. */
const MAX_KEY_LENGTH = 190;

/**
 * All settings, in the order in which `--help` shows them. A new one needs an entry here, its help in
 * `setting_help.ts`, which a run does not load, and code that uses it. Flags, variables, keys of the config file and
 * types follow.
 */
const ENTRIES = {
  config: { name: "config", ...file, default: "/etc/sera.json" },
  server: { name: "server", ...server, inConfig: true, mayHoldPassword: true },
  serverFile: { name: "server-file", ...file, inConfig: true },
  tlsCa: { name: "tls-ca", ...file, inConfig: true, needs: "tls" },
  name: { name: "name", ...text, onRepeat: "collect" },
  namespace: { name: "namespace", ...text, inConfig: true },
  slots: { name: "slots", ...count({ min: 1, max: MAX_SLOTS }), runOnly: true },
  maxWaiters: { name: "max-waiters", ...count({ min: 0, max: MAX_WAITERS }), inConfig: true, runOnly: true },
  replace: { name: "replace", ...boolean, default: false, runOnly: true },
  waitAndSkip: { name: "wait-and-skip", ...boolean, default: false, runOnly: true },
  // Harmless: the Go program accepted it with every run, so existing scripts may use it anywhere.
  detailedExitCodes: {
    name: "detailed-exit-codes",
    ...boolean,
    default: false,
    runOnly: true,
    needs: "skip",
    harmless: true,
  },
  once: { name: "once", ...key(MAX_KEY_LENGTH), runOnly: true },
  every: { name: "every", alias: "once-per", ...duration({ min: 1, max: CENTURY }), runOnly: true },
  countFailures: { name: "count-failures", ...boolean, default: false, runOnly: true, needs: "rule" },
  minHold: { name: "min-hold", ...duration(), inConfig: true, runOnly: true },
  splay: { name: "splay", ...duration(), inConfig: true, runOnly: true },
  label: { name: "label", ...text, runOnly: true },
  // It has no default: if it is not set, other settings turn it on.
  ledger: { name: "ledger", ...boolean, inConfig: true },
  ledgerTable: { name: "ledger-table", ...table, default: { name: "sera_runs" }, inConfig: true, needs: "ledger" },
  keepHistory: {
    name: "keep-history",
    ...duration({ max: CENTURY }),
    default: 90 * DAY,
    inConfig: true,
    runOnly: true,
    needs: "ledger",
  },
  recordSkips: { name: "record-skips", ...boolean, default: false, inConfig: true, runOnly: true, needs: "ledger" },
  lease: { name: "lease", ...boolean, default: false, inConfig: true, needs: "rows" },
  leaseTable: { name: "lease-table", ...table, default: { name: "sera_leases" }, inConfig: true, needs: "lease" },
  ttl: { name: "ttl", ...duration({ min: 3 * SECOND, max: DAY }), default: 30 * SECOND, inConfig: true },
  // Enough for a command to clean up, and not much longer.
  grace: { name: "grace", ...duration(), default: 10 * SECOND, inConfig: true, runOnly: true },
  onLost: { name: "on-lost", ...choice("terminate", "warn"), default: "terminate", inConfig: true, runOnly: true },
  maxRun: { name: "max-run", ...duration({ min: 1 }), inConfig: true, runOnly: true },
  // Harmless: a permission that is not needed contradicts nothing.
  allowUnsafeServer: {
    name: "allow-unsafe-server",
    ...boolean,
    default: false,
    inConfig: true,
    needs: "unsafe",
    harmless: true,
  },
  quiet: { name: "quiet", ...boolean, default: false, inConfig: true, runOnly: true, needs: "no verbose" },
  verbose: { name: "verbose", ...booleanOrChoice("stdout", "stderr"), default: false, inConfig: true, runOnly: true },
  syslog: { name: "syslog", ...booleanOrPath, default: false, inConfig: true, runOnly: true },
  logFormat: { name: "log-format", ...choice("text", "json"), default: "text", inConfig: true },
} as const;

type Entries = typeof ENTRIES;

/** The name of a setting in the code. */
export type SettingKey = keyof Entries;

/** The value of each setting; durations are in milliseconds. */
export type Values = { readonly [K in SettingKey]: ValueOf<Entries[K]> };

type ValueOf<E> = E extends { readonly read: Kind<infer T>["read"]; readonly default: infer D }
  ? T | (D extends undefined ? undefined : never)
  : never;

/** Each setting by its key. */
export const TABLE: { readonly [K in SettingKey]: Setting<Values[K]> } = ENTRIES;

/** The keys of all settings, in the order of the table. */
export const SETTING_KEYS: readonly SettingKey[] = keysIn(TABLE);

/** All settings, in the order of the table. */
export const SETTINGS: readonly Setting[] = SETTING_KEYS.map((key) => TABLE[key]);

/** The environment variable of a setting, for example `SERA_WAIT_AND_SKIP`. */
export function environmentName(setting: string): string {
  return `SERA_${setting.toUpperCase().replaceAll("-", "_")}`;
}

/** The keys of an object as their types, which `Object.keys` forgets; in order. */
export function keysIn<T extends object>(table: T): readonly Extract<keyof T, string>[] {
  const keys = [];
  for (const key in table) keys.push(key);
  return keys;
}
