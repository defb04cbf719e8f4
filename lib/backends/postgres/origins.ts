import { completeSettings } from "./complete.ts";
import { parseConninfo } from "./conninfo.ts";
import type { PostgresSurroundings } from "./server.ts";

/** Settings that decide with whom a lock is shared: it belongs to one database. */
const DECISIVE = [["host", "host"], ["hostaddr", "address"], ["port", "port"], ["dbname", "database"]] as const;

/**
 * Which parts of a PostgreSQL server do not come from its text: cron may have other variables than a login shell, and
 * then the two do not share a lock.
 *
 * @param text A text that `parsePostgresServer` has read without an error.
 * @returns Phrases such as `host from PGHOST`; none if the text has all parts.
 */
export function foreignParts(text: string, surroundings: PostgresSurroundings): readonly string[] {
  const settings = completeSettings(parseConninfo(text), surroundings);
  const parts = DECISIVE.flatMap(([keyword, word]) => {
    const label = settings.get(keyword)?.label ?? keyword;
    return label === keyword ? [] : [`${word} from ${label}`];
  });
  if (settings.has("dbname")) return parts;
  const user = settings.get("user")?.label ?? "the system's name of the user";
  // The database is then the user's name, which is in the text.
  return user === "user" ? parts : [...parts, `database from ${user}`];
}
