import { processStat } from "../../system/process.ts";
import type { Backend } from "../../backends/backend.ts";
import { UsageError } from "../../errors.ts";
import { pathOr } from "../../text/redaction.ts";
import { isOfLock } from "../../who/names.ts";
import type { Sighting } from "../../who/sighting.ts";
import { type AncestorLock, entriesFor } from "./held_locks.ts";

/** How far apart two readings of the uptime may be, in seconds; one of them is in whole seconds. */
const INACCURACY = 2;

/** A limit that no real chain of ancestors reaches. */
const MAX_ANCESTORS = 1000;

/** A lock that is wanted. */
export interface WantedLock {
  readonly name: string;
  /** What it is called for people: `--name`, or the command's first word. */
  readonly title: string;
  /** How many may hold it at once; one if undefined. */
  readonly slots?: number | undefined;
  /** Whether no holder is shown: then its holder holds another lock, too, and is shown there. */
  readonly isHidden?: boolean | undefined;
}

/**
 * Refuses to wait for a lock that is held by an outer sera, which waits for this one to end; a lock with slots only if
 * outer seras hold all of them, since another slot may come free. Call it only once a lock turned out to be held: the outer
 * sera may have lost it.
 *
 * @param inheritedLocks The value of SERA_HELD_LOCKS that sera was started with.
 * @param seen The holders of the locks, as far as the server shows them.
 * @param serverMark Identifies the server; undefined if not known.
 * @throws {UsageError} When outer seras hold a lock.
 */
export function refuseOwnLock(
  wanted: readonly WantedLock[],
  server: Pick<Backend, "identity">,
  inheritedLocks: string,
  seen: readonly Sighting[],
  serverMark?: string,
): void {
  const held = seen.filter(({ state }) => state === "held");
  for (const lock of wanted) {
    const holders = wanted.length === 1 || lock.isHidden ? held : held.filter((one) => isOfLock(one, lock.name));
    // Where some holders are shown, those of other locks are, too.
    if (holders.length === 0 && held.length > 0) continue;
    const own = entriesFor(lock.name, inheritedLocks).filter((one) =>
      isHolder(one, holders, server, serverMark) && isAncestor(one)
    );
    if (own.length >= (lock.slots ?? 1)) throw ownLock(lock, own.map(({ pid }) => pid));
  }
}

/** Whether an outer sera is among the holders of a lock. */
function isHolder(
  one: AncestorLock,
  held: readonly Sighting[],
  server: Pick<Backend, "identity">,
  serverMark: string | undefined,
): boolean {
  const sessions = held.flatMap(({ session }) => session ?? []);
  // The best evidence: the server shows the session to every user, and its mark does not depend on the address.
  if (one.session && serverMark !== undefined && sessions.length > 0) {
    return one.session.serverMark === encodeURIComponent(serverMark) && sessions.includes(one.session.number);
  }
  const holders = held.filter(({ pid }) => pid !== undefined);
  // If the server does not show the holder, compare the address.
  return holders.length === 0
    ? one.place === encodeURIComponent(server.identity)
    : holders.some(({ pid, host }) => pid === one.pid && isHere(host));
}

function ownLock({ name, title, slots }: WantedLock, pids: readonly number[]): UsageError {
  const holds = slots === undefined
    ? `the outer sera (process ${pids[0]}) holds it until its command ends`
    : `the outer seras (processes ${pids.join(", ")}) hold its ${slots} slots until their commands end`;
  return new UsageError(
    `Cannot wait for the lock of ${pathOr(title, name)}: ${holds}, and this sera runs inside that command`,
    "remove one of these seras, or give one of them another lock with --name",
  );
}

function isHere(host: string | undefined): boolean {
  return host === undefined || host === Deno.hostname();
}

/**
 * Whether a sera is an ancestor of this process, and so waits for it. A process that has left its tree, as daemons do, is
 * not waited for, and may queue. Without /proc only the parent is known.
 */
function isAncestor({ pid, since }: AncestorLock): boolean {
  for (let at = Deno.ppid, count = 0; at > 0 && count < MAX_ANCESTORS; count++) {
    const process = processStat(at);
    // The number may have been reused: then the process has started after that sera got its lock.
    if (at === pid) return process === undefined || process.started <= since + INACCURACY;
    if (!process) return false;
    at = process.parent;
  }
  return false;
}
