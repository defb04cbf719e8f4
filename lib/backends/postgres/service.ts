import { DsnError, showPlain } from "../network/address_text.ts";
import { exists, homeFile, whyUnreadable } from "./libpq_files.ts";
import { isPostgresKeyword } from "./keywords.ts";
import type { PostgresSurroundings } from "./server.ts";
import { refuseExposed } from "../../system/file_trust.ts";
import { readSmallFileSync, UnfitFileError } from "../../system/small_file.ts";
import { badSetting, type Setting, type Settings, showPath } from "./setting.ts";

/** Where libpq looks for the services of all users: Debian's build, and most others. */
const SYSTEM_FOLDERS = ["/etc/postgresql-common", "/etc"];

/**
 * Reads the settings of a service: from the file that the settings name, else the user's own; if that does not have the
 * service, from the system's file.
 *
 * @param service The service's name.
 * @param file The file that the settings name, which must exist; the other files need not.
 * @throws {DsnError} If no file has the service, or a line of it is invalid. Lines are never shown.
 * @see https://www.postgresql.org/docs/18/libpq-pgservice.html
 */
export function readService(service: Setting, file: Setting | undefined, surroundings: PostgresSurroundings): Settings {
  const ownFile = file?.value ?? homeFile(".pg_service.conf", surroundings);
  for (const path of [ownFile, ...systemFiles(surroundings)]) {
    if (path === undefined || (path !== file?.value && !exists(path))) continue;
    const settings = parseService(path, readText(path, file?.label ?? "service"), service.value);
    if (settings) return settings;
  }
  throw badSetting(
    service,
    `${service.show(service.value, "it")} is not in any service file`,
    `add it to ${showPath(ownFile ?? "~/.pg_service.conf")} or name the file with PGSERVICEFILE`,
  );
}

function systemFiles({ env }: PostgresSurroundings): string[] {
  const folder = env("PGSYSCONFDIR");
  const folders = folder ? [folder] : Deno.build.os === "windows" ? [] : SYSTEM_FOLDERS;
  return folders.map((folder) => `${folder}/pg_service.conf`);
}

function readText(path: string, label: string): string {
  try {
    const { text, info } = readSmallFileSync(path);
    refuseExposed(path, info);
    return text;
  } catch (error) {
    if (error instanceof UnfitFileError && error.cure !== undefined) {
      throw new DsnError(
        `Cannot use ${label} for PostgreSQL: the service file ${showPath(path)}: ${error.what}`,
        error.cure,
      );
    }
    throw new DsnError(
      `Cannot use ${label} for PostgreSQL: the service file ${showPath(path)} cannot be read (${whyUnreadable(error)})`,
      `${
        error instanceof Deno.errors.NotCapable ? "copy it to another place" : "fix that"
      } or name another with PGSERVICEFILE`,
    );
  }
}

/** Reads the first section of that name; undefined if there is none. The first of two values of a keyword counts. */
function parseService(path: string, text: string, service: string): Settings | undefined {
  let settings: Map<string, Setting> | undefined;
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.replace(/^[ \t-\r]+|[ \t-\r]+$/g, "");
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith("[")) {
      if (settings) return settings;
      // As in libpq, whatever follows the bracket is ignored.
      if (line.startsWith(`[${service}]`)) settings = new Map();
    } else if (settings) {
      addLine(settings, line, path, index + 1);
    }
  }
  return settings;
}

function addLine(settings: Map<string, Setting>, line: string, path: string, number: number): void {
  const bad = (problem: string, cure: string) =>
    new DsnError(`Cannot read the PostgreSQL service file ${showPath(path)}: line ${number} ${problem}`, cure);
  if (line.startsWith("ldap")) {
    throw bad("asks an LDAP server, which is not supported", "write the settings themselves");
  }
  const equals = line.indexOf("=");
  const name = line.slice(0, Math.max(equals, 0));
  if (name === "service" || name === "servicefile") throw bad("names a service within a service", "leave it out");
  if (!isPostgresKeyword(name)) throw bad("is not a keyword=value that libpq knows", "write no spaces around the =");
  if (settings.has(name)) return;
  settings.set(name, { value: line.slice(equals + 1), label: `${name} in ${showPath(path)}`, show: showPlain });
}
