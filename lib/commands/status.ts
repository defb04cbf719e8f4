import type { Observer } from "../backends/backend.ts";
import { isAsked } from "../args/is_asked.ts";
import { resolveSettings } from "../settings/resolve.ts";
import type { Settings } from "../settings/settings.ts";
import { LockUnavailableError } from "../errors.ts";
import type { Io } from "../io.ts";
import { lockName } from "../lock/lock_name.ts";
import { terminalWidth } from "../system/terminal.ts";
import { look } from "../who/look.ts";
import { isAskedFor, mayBeAskedFor } from "../who/names.ts";
import { seenJson } from "../who/report.ts";
import type { Seen } from "../who/sighting.ts";
import { printable } from "../text/printable.ts";
import { type Asked, askedFor } from "./asked_for.ts";
import { backendOptions } from "./backend_options.ts";
import { asQuery } from "./as_query.ts";
import type { Call } from "./command.ts";

/** The exit codes for one lock. */
const HELD = 0;
const FREE = 1;

/** Placeholder lock name for a session that looks at all locks. */
export const NO_LOCK = lockName("");

const NAMES_HIDDEN =
  "nobody tells this user the names of some locks that are held, which are listed by their numbers; " +
  "ask for one lock by --namespace and --name";

/** Never aborts. */
const { signal } = new AbortController();

/** What was seen, and whether a lock is known to be free if no holder is seen. */
export interface Answer extends Seen {
  readonly showsHolders: boolean;
  readonly canTell: boolean;
}

/**
 * Prints the holder and the waiters of one lock, or of all of sera's locks on the server.
 *
 * @returns For one lock 0 if it is held and 1 if it is free; for all of them 0; else what a run would exit with.
 */
export async function status({ flags, operands: words, io, note }: Call): Promise<number> {
  const settings = await resolveSettings(flags, io.env);
  const asked = askedFor(words, settings, flags.get("lock"), "status");
  const answer = await asQuery(() => find(asked, settings, io));
  const isHeld = answer.sightings.some(({ state }) => state === "held");
  const isKnown = isHeld || answer.canTell;
  if (isAsked(flags, "json")) {
    io.out(`${seenJson(answer, asked.lock === undefined ? undefined : { ...asked, lock: asked.lock }, isKnown)}\n`);
  } else await tellPeople(asked, answer, isHeld, io, note);
  if (!isKnown) {
    throw new LockUnavailableError(`Cannot tell whether the lock is held: ${answer.hidden}`);
  }
  return asked.all || isHeld ? HELD : FREE;
}

async function tellPeople(
  { all, prefix, namespace }: Asked,
  { sightings, hidden, showsHolders, strangers, canTell }: Answer,
  isHeld: boolean,
  io: Io,
  note: (message: string) => Promise<void>,
): Promise<void> {
  const showsAll = hidden === undefined || showsHolders;
  if (!isHeld && all) {
    const where = namespace === undefined ? "" : ` in the namespace ${printable(namespace)}`;
    io.out(showsAll ? `No locks are held${where}.\n` : "No locks can be seen; the list is incomplete.\n");
  } else if (!isHeld && canTell) {
    io.out(
      prefix === undefined
        ? "Free: nobody holds it.\n"
        : `Free: nobody holds a lock that begins with ${printable(prefix)}.\n`,
    );
  }
  if (sightings.length + strangers.length > 0) io.out(await tablesOf(sightings, strangers));
  // Where nobody holds a lock, nobody waits for it. If it is not known, the error says it.
  if (hidden !== undefined && (isHeld || canTell && !showsAll)) await note(`The list is incomplete: ${hidden}`);
}

/** Sightings and strangers as tables; loads the library for them only here. */
async function tablesOf(sightings: Seen["sightings"], strangers: Seen["strangers"]): Promise<string> {
  const { sightingsTable, strangersTable } = await import("../who/tables.ts");
  const width = terminalWidth();
  const known = sightings.length === 0 ? [] : [sightingsTable(sightings, { width })];
  const heading = "Sessions that may hold a lock or wait for one; the server does not say which:";
  const unknown = strangers.length === 0 ? [] : [`${heading}\n${strangersTable(strangers, { width })}`];
  return [...known, ...unknown].join("\n");
}

async function find(asked: Asked, settings: Settings, io: Io): Promise<Answer> {
  const { lock = NO_LOCK } = asked;
  await using observer = await settings.server.observe(lock, backendOptions(settings, "status", io), signal);
  return await lookFor(asked, settings, observer);
}

/** Looks for the holders and the waiters of the locks that are asked about. */
export async function lookFor(
  { lock, prefix, namespace, name, all }: Asked,
  { ledger, allowUnsafeServer }: Pick<Settings, "ledger" | "allowUnsafeServer">,
  observer: Observer,
): Promise<Answer> {
  const filter = lock !== undefined ? { lock } : namespace !== undefined ? { namespace } : "all";
  const seen = await look(filter, () => observer.sightings(filter, ledger.table, signal));
  const named = lock === undefined || namespace === undefined
    ? seen.sightings
    : seen.sightings.map((sighting) => ({ ...sighting, namespace, name: name ?? sighting.name }));
  const hidden = observer.elsewhere ?? seen.hidden;
  const showsHolders = observer.elsewhere === undefined && seen.showsHolders === true;
  // With --allow-unsafe-server the user has accepted that only this server's locks are seen.
  const canTell = all || hidden === undefined || lock !== undefined && allowUnsafeServer ||
    showsHolders;
  if (prefix === undefined) return { sightings: named, hidden, showsHolders, strangers: seen.strangers, canTell };
  const sightings = named.filter((sighting) => isAskedFor(sighting, prefix, namespace !== undefined));
  const unknown = named.some((sighting) => !sightings.includes(sighting) && mayBeAskedFor(sighting, prefix));
  return {
    sightings,
    hidden: hidden ?? (unknown ? NAMES_HIDDEN : undefined),
    showsHolders: showsHolders && !unknown,
    strangers: seen.strangers,
    canTell: canTell && !unknown,
  };
}
