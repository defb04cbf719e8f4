import { numberForJson } from "../foreign.ts";
import { printableJson } from "../printable.ts";
import { table } from "../text_table.ts";
import type { Sighting } from "./sighting.ts";
import { sinceText } from "./words.ts";

const HEADER = ["LOCK", "STATE", "HOST", "PID", "LABEL", "SINCE"];

/** How much of a lock's name is shown to people, in characters. */
const SHORT_NAME = 12;

/** In a name that is a path, what is before the last part; a table has no room for it. */
const FOLDERS = /^\S*\/(?=[^\s/]+$)/;

/**
 * Sightings as a table for people, in the order given.
 *
 * @param now Milliseconds since 1970.
 */
export function sightingsTable(sightings: readonly Sighting[], now = Date.now()): string {
  const rows = sightings.map(({ lock, state, host, address, pid, label, since, sinceIs }) => [
    lock.slice(0, SHORT_NAME),
    state,
    host ?? address,
    pid?.toString(),
    label?.replace(FOLDERS, ""),
    // It may have got the lock a good while after it had connected.
    since === undefined ? undefined : (sinceIs === "connected" ? "~" : "") + sinceText(since, now),
  ]);
  return table([HEADER, ...rows.map((row) => row.map((cell) => cell ?? "-"))]);
}

/**
 * Sightings for programs: one JSON object, in one line.
 *
 * @param locks The locks to tell of, also where nobody has them.
 */
export function sightingsJson(locks: readonly string[], sightings: readonly Sighting[]): string {
  return printableJson({
    locks: locks.map((lock) => {
      const of = (wanted: Sighting["state"]) =>
        sightings.filter((one) => one.lock === lock && one.state === wanted).map(viewOf);
      const [holder = null] = of("held");
      return { lock, held: holder !== null, holder, waiters: of("waiting") };
    }),
  });
}

function viewOf({ host, pid, label, since, sinceIs, user, address, session, runId }: Sighting): object {
  return {
    host: host ?? null,
    pid: pid ?? null,
    label: label ?? null,
    since: since === undefined ? null : new Date(since).toISOString(),
    since_is: sinceIs ?? null,
    user: user ?? null,
    address: address ?? null,
    session: session ?? null,
    run_id: runId === undefined ? null : numberForJson(runId),
  };
}
