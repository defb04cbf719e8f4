import { completeSettings } from "./complete.ts";
import { parseConninfo } from "./conninfo.ts";
import type { PostgresSurroundings } from "./server.ts";

/** What decides whom a lock excludes: it is one database's. */
const DECISIVE = [["host", "host"], ["hostaddr", "address"], ["port", "port"], ["dbname", "database"]] as const;

/**
 * Which parts of a PostgreSQL server come from elsewhere than its text: cron may have other variables than a login, and
 * then the two do not exclude each other.
 *
 * @param text As `parsePostgresServer` takes it, and read without an error.
 * @returns Such as `host from PGHOST`; none if the text says all.
 */
export function foreignParts(text: string, surroundings: PostgresSurroundings): readonly string[] {
  const settings = completeSettings(parseConninfo(text), surroundings);
  const parts = DECISIVE.flatMap(([keyword, word]) => {
    const label = settings.get(keyword)?.label ?? keyword;
    return label === keyword ? [] : [`${word} from ${label}`];
  });
  if (settings.has("dbname")) return parts;
  const user = settings.get("user")?.label ?? "the system's name of the user";
  // With the user in the text, so is the database.
  return user === "user" ? parts : [...parts, `database from ${user}`];
}
