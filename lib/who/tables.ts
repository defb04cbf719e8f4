import { fits, table } from "../text/text_table.ts";
import { ago } from "../text/age.ts";
import { timeFormatAt } from "../text/time.ts";
import { expiryText } from "./lease_text.ts";
import { shownLock } from "./names.ts";
import type { OtherSession, Sighting } from "./sighting.ts";
import { tidy, tidyProcess } from "./tidy.ts";
import { slotCell } from "./slot_text.ts";
import { shortSinceText, sinceText } from "./since_text.ts";

/** The indices of LOCK, HOST and LABEL in a table of sightings. */
const [LOCK, HOST, LABEL] = [0, 2, 4];

/** The indices of HOST and LABEL in a table of other sessions. */
const [THEIR_HOST, THEIR_LABEL] = [2, 4];

/** How a table is shown. */
export interface Display {
  /** The terminal's width in columns; undefined if stdout is not a terminal: then nothing is cut, and times are in UTC. */
  readonly width?: number | undefined;
  /** Milliseconds since 1970. */
  readonly now?: number;
}

/**
 * Sightings as a table for people, in the order given. The columns USER and SESSION are added if a process is not known:
 * an administrator can then end it by its session; TOKEN and EXPIRES if there are leases; SLOT if there are slots.
 */
export function sightingsTable(sightings: readonly Sighting[], { width, now = Date.now() }: Display = {}): string {
  const tell = timeFormatAt(width);
  const byTime = (since: typeof sinceText) => rowsOf(sightings, (time) => since(time, now, tell));
  const forms = [sinceText, shortSinceText, ...sightings.some(({ lease }) => lease) ? [ago] : []];
  const rows = forms.map(byTime);
  const fitting = rows.find((rows) => width === undefined || fits(rows, width));
  return table(fitting ?? rows.at(-1)!, { width, cut: [LABEL, HOST, LOCK] });
}

function rowsOf(sightings: readonly Sighting[], time: (since: number) => string): readonly (readonly string[])[] {
  type Cells = readonly (string | undefined)[];
  const withSession = sightings.some(({ pid, session }) => pid === undefined && session !== undefined);
  const withLease = sightings.some(({ lease }) => lease);
  const withSlot = sightings.some(({ slot, slots }) => slot !== undefined || slots !== undefined);
  const ifSlot = (...cells: Cells) => withSlot ? cells : [];
  const ifSession = (...cells: Cells) => withSession ? cells : [];
  const ifLease = (...cells: Cells) => withLease ? cells : [];
  return [
    [
      "LOCK",
      "STATE",
      "HOST",
      "PID",
      "LABEL",
      ...ifSlot("SLOT"),
      ...ifSession("USER", "SESSION"),
      ...ifLease("TOKEN", "EXPIRES"),
      "SINCE",
    ],
    ...sightings.map(tidy).map((sighting) => {
      const { state, host, address, pid, label, user, session, since, sinceIs, lease } = sighting;
      return [
        shownLock(sighting),
        state,
        host ?? address,
        pid?.toString(),
        label,
        ...ifSlot(slotCell(sighting)),
        ...ifSession(user, session?.toString()),
        ...ifLease(lease?.token.toString(), lease && expiryText(lease)),
        // The time is approximate: it may have got the lock long after it connected.
        since === undefined ? undefined : (sinceIs === "connected" ? "~" : "") + time(since),
      ];
    }),
  ].map((row) => row.map((cell) => cell ?? "-"));
}

/** Sessions whose lock is not known, as a table for people. */
export function otherSessionsTable(otherSessions: readonly OtherSession[], { width }: Display = {}): string {
  const rows = otherSessions.map(tidyProcess).map(({ session, user, host, address, pid, label }) =>
    [String(session), user, host ?? address, pid?.toString(), label].map((cell) => cell ?? "-")
  );
  return table([["SESSION", "USER", "HOST", "PID", "LABEL"], ...rows], { width, cut: [THEIR_LABEL, THEIR_HOST] });
}
