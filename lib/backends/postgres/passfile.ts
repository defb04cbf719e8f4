import type { Trouble } from "../../errors.ts";
import { homeFile, statFile, whyUnreadable } from "./libpq_files.ts";
import { readSmallFileSync } from "../../system/small_file.ts";
import type { PostgresSurroundings } from "./server.ts";
import { type Settings, showPath } from "./setting.ts";

/** One line of a password file. The first four fields are `*` or a text; all are still escaped. */
type Entry = readonly [host: string, port: string, database: string, user: string, password: string];

/** The fields by which to look up a password, in the file's order. */
export type PasswordKey = readonly [host: string, port: string, database: string, user: string];

/**
 * Reads the password file. As in libpq, one that cannot be used is ignored.
 *
 * @param note Called with the reason why a file is ignored.
 * @see https://www.postgresql.org/docs/18/libpq-pgpass.html
 */
export function readPasswordFile(
  settings: Settings,
  surroundings: PostgresSurroundings,
  note: (trouble: Trouble) => void,
): readonly Entry[] {
  const given = settings.get("passfile");
  const own = Deno.build.os === "windows" ? "pgpass.conf" : ".pgpass";
  const path = given?.value ?? homeFile(own, surroundings);
  if (path === undefined) return [];
  const ignore = (why: string, cure?: string) => {
    note({ what: `The password file ${showPath(path)} is ignored: ${why}`, cure });
    return [];
  };
  const info = statFile(path);
  if (info === undefined) return given ? ignore("there is no such file") : [];
  if (typeof info === "string") return ignore(info);
  if (!info.isFile) return ignore("not a regular file");
  try {
    const { text, info: { mode } } = readSmallFileSync(path);
    // Windows has no mode; there libpq trusts the folder.
    if (((mode ?? 0) & 0o077) !== 0) {
      return ignore("group or others have access to it", "remove that access with chmod 0600");
    }
    return parseEntries(text);
  } catch (error) {
    return ignore(whyUnreadable(error));
  }
}

function parseEntries(text: string): Entry[] {
  const lines = text.split("\n").map((line) => line.replace(/\r+$/, ""));
  return lines.filter((line) => !line.startsWith("#")).flatMap((line) => {
    const fields = /^((?:\\.|[^:\\])*):((?:\\.|[^:\\])*):((?:\\.|[^:\\])*):((?:\\.|[^:\\])*):((?:\\.|[^:\\])*\\?)/.exec(
      line,
    );
    return fields ? [fields.slice(1) as unknown as Entry] : [];
  });
}

/** The password of the first line that matches; undefined if none does, or if the password is empty. */
export function findPassword(entries: readonly Entry[], key: PasswordKey): string | undefined {
  const entry = entries.find((entry) => key.every((part, i) => entry[i] === "*" || unescape(entry[i]!) === part));
  return entry && (unescape(entry[4]) || undefined);
}

function unescape(field: string): string {
  return field.replace(/\\(.)/g, "$1");
}
