import type { Repeated } from "../settings/flag.ts";
import { type Env, findFlagOrVariable } from "../settings/flag_or_variable.ts";
import { refuseConflicts } from "../settings/refuse_conflicts.ts";
import { resolveSettings } from "../settings/resolve.ts";
import { SettingValues } from "../settings/setting_values.ts";
import type { Settings } from "../settings/settings.ts";
import { type ConfigFile, NoConfigFileError, readConfigFile } from "../settings/config_file.ts";
import { NoServerError } from "../settings/no_server.ts";
import { otherWriters } from "../settings/other_writers.ts";
import { holdsPassword } from "../settings/holds_password.ts";
import { sourcesText } from "../settings/sources.ts";
import { refuseWithoutEffect, withoutEffect } from "../settings/without_effect.ts";
import { readSmallFile } from "../system/small_file.ts";
import { formatDuration } from "../text/duration.ts";
import { ConfigError, type Trouble } from "../errors.ts";
import { VariableError } from "../io.ts";
import { type Report, warning } from "../doctor/report.ts";

/** The mode bit that lets everybody read the file. */
const OTHERS_READ = 0o004;

const NAMES = ["config", "permissions", "settings"];

/**
 * Reads the settings as a run does, and reports where they come from.
 *
 * @returns The settings; undefined if they cannot be used, which has been reported then.
 * @throws {UsageError} When a flag is wrong.
 */
export async function checkConfig(
  report: Report,
  flags: ReadonlyMap<string, string>,
  env: Env,
  repeated: Repeated,
): Promise<Settings | undefined> {
  // First, since a wrong flag is a usage error, not a failed check.
  const resolved = await resolveSettings(flags, env, true, repeated).then((settings) => {
    refuseWithoutEffect(settings, flags);
    refuseConflicts(settings);
    return settings;
  }).catch((error: unknown) => {
    if (error instanceof ConfigError) return error;
    throw error;
  });
  if (resolved instanceof VariableError) {
    await report.check("settings", () => {
      throw resolved;
    });
    report.skipRest([...NAMES, "lock"]);
    return undefined;
  }
  const outside = new SettingValues((key) => findFlagOrVariable(flags, env, key));
  const path = outside.get("config");
  const fileCounts = resolved instanceof ConfigError || resolved.sourceOf("serverFile") !== undefined;
  const serverFrom = (fileCounts && outside.find("serverFile") || outside.find("server"))?.source;
  const needless = outside.find("config") === undefined && serverFrom !== undefined;

  let file: ConfigFile | undefined;
  let unused: Trouble | undefined;
  let writers: readonly Trouble[] = [];
  const found = await report.check("config", async () => {
    try {
      file = await readConfigFile(path);
      return { found: `${path}${serverFrom === undefined ? "" : `; the server is from ${serverFrom}`}` };
    } catch (error) {
      if (resolved instanceof NoServerError) throw resolved;
      if (!needless || !(error instanceof ConfigError)) throw error;
      if (error instanceof NoConfigFileError) return { found: `none is needed: ${serverFrom} names the server` };
      unused = error;
      return warning(error);
    }
  });
  if (file) {
    const { values, info } = file;
    writers = otherWriters(path, info);
    const server = values.get("server");
    await report.check(
      "permissions",
      () => examine(path, info.mode, typeof server === "string" && holdsPassword(server)),
    );
    for (const writer of writers) await report.check("permissions", () => warning(writer));
  }
  const serverFile = resolved instanceof ConfigError ? undefined : resolved.serverFile;
  if (found && !file && serverFile === undefined) {
    await report.check("permissions", () => ({ found: "there is no file to protect" }));
  }
  if (serverFile !== undefined) {
    const { text, info } = await readSmallFile(serverFile);
    await report.check("permissions", () => examine(serverFile, info.mode, holdsPassword(text)));
  }
  if (found) {
    await report.check("settings", async () => {
      if (resolved instanceof ConfigError) throw resolved;
      const { server, ttl, lease, allowUnsafeServer } = resolved;
      const unsafe = allowUnsafeServer ? ", allow-unsafe-server" : "";
      const leased = lease ? ", lease" : "";
      const parts = await server.foreignParts?.() ?? [];
      const foreign = parts.length === 0 ? "" : ` (${parts.join(", ")}, which cron may set differently)`;
      return { found: `${(await server.shown()).line}${foreign}; ttl ${formatDuration(ttl)}${leased}${unsafe}` };
    });
  }
  if (resolved instanceof ConfigError) {
    report.skipRest([...NAMES, "lock"]);
    return undefined;
  }
  const told = [unused, ...writers].map((trouble) => trouble?.what);
  for (const note of resolved.notes) {
    if (!told.includes(note.what)) await report.check("settings", () => warning(note));
  }
  for (const { what: found } of withoutEffect(resolved)) await report.check("settings", () => ({ found }));
  await report.check("sources", () => ({ found: sourcesText(resolved.sourceOf) }));
  return resolved;
}

/** Checks whether everybody can read a password in the file. */
function examine(path: string, mode: number | null, withPassword: boolean) {
  // Windows has no file modes.
  if (mode === null) return { found: "protected by the folder's access list" };
  const shown = `mode ${(mode & 0o7777).toString(8).padStart(4, "0")}`;
  if (withPassword && (mode & OTHERS_READ) !== 0) {
    return { found: `${shown}: everybody can read the password in ${path}`, cure: `chmod 0640 ${path}, or 0600` };
  }
  return { found: `${shown}${withPassword ? "" : "; there is no password in the server setting"}` };
}
