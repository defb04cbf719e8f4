import type { Observer } from "../../backends/backend.ts";
import type { Settings } from "../../settings/settings.ts";
import { terminalWidth } from "../../system/terminal.ts";
import { printable } from "../../text/printable.ts";
import { NEVER } from "../../waiting.ts";
import { look } from "../../who/look.ts";
import { isAskedFor, mayBeAskedFor } from "../../who/names.ts";
import { slotHeld } from "../../who/slot_text.ts";
import type { Seen } from "../../who/sighting.ts";
import type { LockQuery } from "../lock_query.ts";

const NAMES_HIDDEN = "the names of some held locks are hidden from this user; these are listed by their numbers; " +
  "ask for one lock by --namespace and --name";

/** What was seen, and whether a lock is known to be free if no holder is seen. */
export interface Answer extends Seen {
  readonly showsHolders: boolean;
  readonly isConclusive: boolean;
}

/** Looks for the holders and the waiters of the locks that are asked about. */
export async function lookFor(
  { lock, slot, prefix, namespace, name, all }: LockQuery,
  { ledger, allowUnsafeServer }: Pick<Settings, "ledger" | "allowUnsafeServer">,
  observer: Observer,
): Promise<Answer> {
  const filter = lock !== undefined ? { lock } : namespace !== undefined ? { namespace } : "all";
  const seen = await look(filter, () => observer.sightings(filter, ledger.table, NEVER));
  const inSlot = slot === undefined
    ? seen.sightings
    : seen.sightings.filter((one) => one.state === "held" && (slotHeld(one) ?? 0) === slot);
  const named = lock === undefined || namespace === undefined
    ? inSlot
    : inSlot.map((sighting) => ({ ...sighting, namespace, name: name ?? sighting.name }));
  const hidden = observer.elsewhere ?? seen.hidden;
  const showsHolders = observer.elsewhere === undefined && seen.showsHolders === true;
  // With --allow-unsafe-server the user has accepted that only this server's locks are seen.
  const isConclusive = all || hidden === undefined || lock !== undefined && allowUnsafeServer ||
    showsHolders;
  const { nameless, otherSessions } = seen;
  if (prefix === undefined) return { sightings: named, hidden, nameless, showsHolders, otherSessions, isConclusive };
  const sightings = named.filter((sighting) => isAskedFor(sighting, prefix, namespace !== undefined));
  const unknown = named.some((sighting) => !sightings.includes(sighting) && mayBeAskedFor(sighting, prefix));
  return {
    sightings,
    hidden: hidden ?? (unknown ? NAMES_HIDDEN : undefined),
    nameless,
    showsHolders: showsHolders && !unknown,
    otherSessions,
    isConclusive: isConclusive && !unknown,
  };
}

/** The lock or the slot that is asked for, in a sentence. */
export function whatIsAsked({ prefix, slot }: Pick<LockQuery, "prefix" | "slot">): string {
  // It may not be the lock that was meant.
  const lock = prefix === undefined ? "it" : `a lock that begins with ${printable(prefix)}`;
  return slot === undefined ? lock : `slot ${slot} of ${lock}`;
}

/** Why it cannot be told whether a lock is held. */
export function whyUnknown({ hidden }: Answer): string {
  return `Cannot tell whether the lock is held: ${hidden}`;
}

/** What was seen, for people; and what they should know besides. */
export async function reportOf(
  { all, prefix, slot, namespace }: LockQuery,
  answer: Answer,
): Promise<{ readonly text: string; readonly note?: string | undefined }> {
  const { sightings, hidden, nameless, showsHolders, otherSessions, isConclusive } = answer;
  const isHeld = sightings.some(({ state }) => state === "held");
  const showsAll = hidden === undefined || showsHolders;
  let text = "";
  if (!isHeld && all) {
    const where = namespace === undefined ? "" : ` in the namespace ${printable(namespace)}`;
    text = showsAll ? `No locks are held${where}.\n` : "No locks can be seen; the list is incomplete.\n";
  } else if (!isHeld && isConclusive) {
    text = `Free: nobody holds ${whatIsAsked({ prefix, slot })}.\n`;
  }
  if (sightings.length + otherSessions.length > 0) text += await tablesOf(sightings, otherSessions);
  if (!isHeld && !isConclusive) return { text, note: whyUnknown(answer) };
  // Where nobody holds a lock, nobody waits for it.
  return {
    text,
    note: hidden !== undefined && (isHeld || !showsAll)
      ? `The list is incomplete: ${hidden}`
      // A lease may say what its holder's session does not.
      : sightings.some(({ state, host }) => state === "held" && host === undefined)
      ? nameless
      : undefined,
  };
}

/** Sightings and other sessions as tables; loads the library for them only here. */
async function tablesOf(sightings: Seen["sightings"], otherSessions: Seen["otherSessions"]): Promise<string> {
  const { sightingsTable, otherSessionsTable } = await import("../../who/tables.ts");
  const width = terminalWidth();
  const known = sightings.length === 0 ? [] : [sightingsTable(sightings, { width })];
  const heading = "Sessions that may hold a lock or wait for one; the server does not say which:";
  const unknown = otherSessions.length === 0 ? [] : [`${heading}\n${otherSessionsTable(otherSessions, { width })}`];
  return [...known, ...unknown].join("\n");
}
