import { ConfigError, type Trouble, UsageError } from "../errors.ts";
import { type ConfigFile, NoConfigFileError, readConfigFile } from "./config_file.ts";
import { ledgerSettings } from "./ledger_settings.ts";
import { type Env, foundOutside } from "./outside.ts";
import { refuseLink, refuseTogether } from "./refusals.ts";
import { parseServer } from "./server.ts";
import { type Found, SettingValues } from "./setting_values.ts";
import type { Settings } from "./settings.ts";
import { type SettingKey, TABLE } from "./table.ts";

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
  env: Env,
  thorough = false,
  repeated: readonly string[] = [],
): Promise<Settings> {
  const fromOutside = (key: SettingKey) => foundOutside(flags, env, key);
  const named = fromOutside("config");
  const path = new SettingValues(fromOutside).get("config");
  const notes: Trouble[] = [];
  const needless = named === undefined && fromOutside("server") !== undefined;
  const file = await readFile(path, needless, notes).catch(async (error: unknown) => {
    if (named || !(error instanceof NoConfigFileError)) throw error;
    throw (await import("./no_server.ts")).noServer(error, env, fromOutside);
  });

  const find = (key: SettingKey): Found | undefined => {
    const { name } = TABLE[key];
    const found = fromOutside(key);
    if (found || !file?.values.has(name)) return found;
    return { value: file.values.get(name), source: path, error: ConfigError, json: true };
  };
  const read = new SettingValues(find);

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
  const serverText = read.get("server")!;
  const verbose = read.get("verbose");
  if (thorough || verbose !== false) {
    const { fileOddities, flagOddities, variableOddities } = await import("./oddities.ts");
    notes.push(...flagOddities(repeated), ...file ? fileOddities(path, file) : [], ...variableOddities());
  }
  const tlsCa = read.get("tlsCa");
  const parsed = await parseServer(serverText, server.source, { env, tlsCa });
  if (tlsCa !== undefined || read.get("namespace") !== undefined) refuseTogether(find, parsed);
  notes.push(...parsed.notes);
  const values = read.all();
  refuseLink(values.name, find);
  const { syslog, logFormat: format } = values;
  const settings: Settings = {
    ...values,
    server: parsed,
    ledger: ledgerSettings(values, find, parsed),
    logging: { verbose: verbose === true ? "stdout" : verbose === false ? undefined : verbose, syslog, format },
    notes,
    sourceOf: (key) => find(key)?.source,
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
