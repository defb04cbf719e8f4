import { ConfigError, type Trouble, UsageError } from "../errors.ts";
import { type ConfigFile, NoConfigFileError, readConfigFile } from "./config_file.ts";
import { ledgerSettings } from "./ledger_settings.ts";
import { foundOutside } from "./outside.ts";
import { readName, refuseTogether } from "./refusals.ts";
import { parseServer } from "./server.ts";
import { type Found, SettingValues } from "./setting_values.ts";
import type { Settings } from "./settings.ts";

/** The config file that is read when nothing names another. */
export const DEFAULT_CONFIG_FILE = "/etc/sera.json";

/** How soon the lock of a node that has vanished is free, in milliseconds, and what else that may be set to. */
export const DEFAULT_TTL = 30_000;
const SHORTEST_TTL = 3000;
const LONGEST_TTL = 24 * 3600 * 1000;

/** How long a command has between SIGTERM and SIGKILL, in milliseconds: enough to clean up, and not much more. */
export const DEFAULT_GRACE = 10_000;

/** The settings that have no effect without certain others. */
export const DEPENDENT = ["count-failures", "ledger-table", "keep-history", "record-skips", "tls-ca"];

/**
 * Puts the settings together, in rising order: built-in defaults, the config file, `SERA_*` variables, flags. The config
 * file may be missing when a variable or flag names the server and nothing names the file.
 *
 * @param flags The flags as given.
 * @param env Reads an environment variable.
 * @param thorough Whether all that is odd is wanted, also without verbose, and without what verbose says besides.
 * @param repeated The flags that were given with several values.
 * @throws {ConfigError} When a file or variable is of no use.
 * @throws {UsageError} When a flag is.
 */
export async function resolveSettings(
  flags: ReadonlyMap<string, string>,
  env: (name: string) => string | undefined,
  thorough = false,
  repeated: readonly string[] = [],
): Promise<Settings> {
  const fromOutside = (name: string) => foundOutside(flags, env, name);
  const named = fromOutside("config");
  const path = named ? new SettingValues(fromOutside).text("config")! : DEFAULT_CONFIG_FILE;
  const notes: Trouble[] = [];
  const needless = named === undefined && fromOutside("server") !== undefined;
  const file = await readFile(path, needless, notes).catch(async (error: unknown) => {
    if (named || !(error instanceof NoConfigFileError)) throw error;
    throw (await import("./no_server.ts")).noServer(error, env, fromOutside);
  });

  const find = (name: string): Found | undefined => {
    const found = fromOutside(name);
    if (found || !file?.values.has(name)) return found;
    return { value: file.values.get(name), source: path, error: ConfigError, json: true };
  };
  const values = new SettingValues(find);

  const grace = values.duration("grace", 0) ?? DEFAULT_GRACE;

  const server = find("server");
  if (!server) {
    const error = new ConfigError(
      `No server in the config file: ${path}`,
      `add "server": "user:password@tcp(db.example.com:3306)/", or use --server file: to lock on this machine only`,
    );
    throw (await import("./no_server.ts")).noServer(error, env, fromOutside);
  }
  // To the Go driver an empty one is MySQL on this machine, whose locks no other node sees.
  if (server.value === "" && server.source === "--server") {
    throw new UsageError(
      "Cannot use the server in --server: it is empty",
      "check the variable it is from, or leave it out",
    );
  }
  const serverText = values.textOrEmpty("server")!;
  const verbose = values.booleanOr("verbose");
  if (thorough || verbose !== false) {
    const { fileOddities, flagOddities, variableOddities } = await import("./oddities.ts");
    notes.push(...flagOddities(repeated), ...file ? fileOddities(path, file) : [], ...variableOddities());
  }
  const tlsCa = values.text("tls-ca");
  const parsed = await parseServer(serverText, server.source, { env, tlsCa });
  const namespace = values.text("namespace");
  if (tlsCa !== undefined || namespace !== undefined) refuseTogether(values, parsed);
  notes.push(...parsed.notes);
  const settings: Settings = {
    server: parsed,
    tlsCa,
    name: readName(values),
    namespace,
    waitAndSkip: values.boolean("wait-and-skip"),
    detailedExitCodes: values.boolean("detailed-exit-codes"),
    lease: { ttl: values.duration("ttl", SHORTEST_TTL, LONGEST_TTL) ?? DEFAULT_TTL, grace },
    grace,
    onLost: (values.text("on-lost") ?? "terminate") as "terminate" | "warn",
    maxRun: values.duration("max-run", 1),
    allowUnsafeServer: values.boolean("allow-unsafe-server"),
    minHold: values.duration("min-hold", 0),
    label: values.text("label"),
    ledger: ledgerSettings(values, parsed),
    logging: {
      verbose: verbose === true ? "stdout" : verbose === false ? undefined : verbose as "stdout" | "stderr",
      syslog: values.booleanOr("syslog"),
      format: (values.text("log-format") ?? "text") as "text" | "json",
    },
    notes,
    sourceOf: (name) => find(name)?.source,
  };
  if (verbose === false || thorough) return settings;
  const [{ sourcesText }, { withoutEffect }] = await Promise.all([
    import("./sources.ts"),
    import("./without_effect.ts"),
  ]);
  const said = [{ what: `Settings: ${sourcesText(settings.sourceOf)}.` }, ...withoutEffect(settings)];
  return { ...settings, notes: [...said, ...notes] };
}

/** Reads the file. Where none is needed, one that is missing or of no use is no error: `--server` is the way round it. */
async function readFile(path: string, needless: boolean, notes: Trouble[]): Promise<ConfigFile | undefined> {
  try {
    return await readConfigFile(path);
  } catch (error) {
    if (!needless || !(error instanceof ConfigError)) throw error;
    if (!(error instanceof NoConfigFileError)) notes.push(error);
    return undefined;
  }
}
