import type { Trouble } from "../errors.ts";
import type { Repeated } from "./flag.ts";
import { findSources } from "./find_sources.ts";
import { leasePlace } from "./lease_place.ts";
import { ledgerSettings } from "./ledger_settings.ts";
import type { Env } from "./flag_or_variable.ts";
import { refuseDockerLink, refuseSeveralServers, refuseSharedTable, refuseUnsupported } from "./refusals.ts";
import { parseServer } from "./server.ts";
import { SettingValues } from "./setting_values.ts";
import type { Settings } from "./settings.ts";
import { TABLE } from "./table.ts";

/**
 * Puts the settings together, in rising order: built-in defaults, the config file, `SERA_*` variables, flags. The
 * config file may be missing when a variable or flag names the server and nothing names the file.
 *
 * @param flags The flags as given.
 * @param thorough Whether to collect all warnings even when not verbose; leaves out the list of sources.
 * @throws {ConfigError} When the config file or a variable cannot be used.
 * @throws {UsageError} When a flag cannot be used.
 */
export async function resolveSettings(
  flags: ReadonlyMap<string, string>,
  env: Env,
  thorough = false,
  repeated: Repeated = new Map(),
): Promise<Settings> {
  const { find, path, file, server: found, ignored } = await findSources(flags, env);
  const read = new SettingValues(find);
  const text = read.get("server")!;
  const verbose = read.get("verbose");
  const notes: Trouble[] = ignored ? [ignored] : [];
  if (thorough || verbose !== false) {
    const { fileWarnings, flagWarnings, serverFileWarnings, variableWarnings } = await import("./setting_warnings.ts");
    const serverFile = read.get("serverFile");
    notes.push(
      ...flagWarnings([...repeated.keys()].filter((flag) => flag !== TABLE.name.name)),
      ...file ? fileWarnings(path, file) : [],
      ...serverFile === undefined ? [] : serverFileWarnings(serverFile),
      ...variableWarnings(),
    );
  }
  const tlsCa = read.get("tlsCa");
  const server = await parseServer(text, found.source, { env, tlsCa });
  notes.push(...server.notes);
  if (tlsCa !== undefined || read.get("namespace") !== undefined || read.get("lease")) refuseUnsupported(read, server);
  refuseSeveralServers(read, server);
  await refuseDockerLink(find);
  const values = read.all();
  if (values.lease && server.offers.leases !== "anyway") leasePlace(server, values.leaseTable);
  const given = repeated.get(TABLE.name.name);
  const names = given && (await import("./several_names.ts")).severalNames(given, read);
  const settings: Settings = {
    ...values,
    ...names && { name: names[0], names },
    server,
    ledger: await ledgerSettings(values, find, server),
    logging: {
      verbose: verbose === true ? "stdout" : verbose === false ? undefined : verbose,
      syslog: values.syslog,
      format: values.logFormat,
      quiet: values.quiet,
    },
    notes,
    sourceOf: (key) => find(key)?.source,
  };
  refuseSharedTable(find, settings);
  return verbose === false || thorough ? settings : await withSources(settings);
}

/** Adds notes on where the settings come from, and which have no effect. */
async function withSources(settings: Settings): Promise<Settings> {
  const [{ sourcesText }, { withoutEffect }] = await Promise.all([
    import("./sources.ts"),
    import("./without_effect.ts"),
  ]);
  const sources = { what: `Settings: ${sourcesText(settings.sourceOf)}.` };
  return { ...settings, notes: [sources, ...withoutEffect(settings), ...settings.notes] };
}
