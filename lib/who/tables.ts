import { fits, table } from "../text/text_table.ts";
import { shownLock } from "./names.ts";
import type { Sighting, Stranger } from "./sighting.ts";
import { tidy, tidyWho } from "./tidy.ts";
import { shortSinceText, sinceText } from "./words.ts";

/** Where LOCK, HOST and LABEL are in a table of sightings. */
const [LOCK, HOST, LABEL] = [0, 2, 4];

/** Where HOST and LABEL are in a table of strangers. */
const [THEIR_HOST, THEIR_LABEL] = [2, 4];

/** How a table is shown. */
export interface Display {
  /** Columns that the terminal has; undefined where it is none, and nothing is cut. */
  readonly width?: number | undefined;
  /** Milliseconds since 1970. */
  readonly now?: number;
}

/**
 * Sightings as a table for people, in the order given. User and session are in it where a process is not known: then they
 * are what an administrator ends it by.
 */
export function sightingsTable(sightings: readonly Sighting[], { width, now = Date.now() }: Display = {}): string {
  const byTime = (since: typeof sinceText) => rowsOf(sightings, (time) => since(time, now));
  const long = byTime(sinceText);
  const rows = width === undefined || fits(long, width) ? long : byTime(shortSinceText);
  return table(rows, { width, cut: [LABEL, HOST, LOCK] });
}

function rowsOf(sightings: readonly Sighting[], time: (since: number) => string): readonly (readonly string[])[] {
  const withSession = sightings.some(({ pid, session }) => pid === undefined && session !== undefined);
  const ifSession = (...cells: readonly (string | undefined)[]) => withSession ? cells : [];
  return [
    ["LOCK", "STATE", "HOST", "PID", "LABEL", ...ifSession("USER", "SESSION"), "SINCE"],
    ...sightings.map(tidy).map((sighting) => {
      const { state, host, address, pid, label, user, session, since, sinceIs } = sighting;
      return [
        shownLock(sighting),
        state,
        host ?? address,
        pid?.toString(),
        label,
        ...ifSession(user, session?.toString()),
        // It may have got the lock a good while after it had connected.
        since === undefined ? undefined : (sinceIs === "connected" ? "~" : "") + time(since),
      ];
    }),
  ].map((row) => row.map((cell) => cell ?? "-"));
}

/** Sessions of which it is not known which lock they hold or wait for, as a table for people. */
export function strangersTable(strangers: readonly Stranger[], { width }: Display = {}): string {
  const rows = strangers.map(tidyWho).map(({ session, user, host, address, pid, label }) =>
    [String(session), user, host ?? address, pid?.toString(), label].map((cell) => cell ?? "-")
  );
  return table([["SESSION", "USER", "HOST", "PID", "LABEL"], ...rows], { width, cut: [THEIR_LABEL, THEIR_HOST] });
}
