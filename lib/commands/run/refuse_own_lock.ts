import { processStat } from "../../system/process.ts";
import type { Backend } from "../../backends/backend.ts";
import { UsageError } from "../../errors.ts";
import { pathOr } from "../../text/harmless.ts";
import type { Sighting } from "../../who/sighting.ts";
import { entriesFor, type HeldAbove } from "./held_locks.ts";

/** How far apart two readings of the uptime may be, in seconds; one of them is in whole seconds. */
const INACCURACY = 2;

/** A limit that no real chain of ancestors reaches. */
const MOST_ANCESTORS = 1000;

/**
 * Refuses to wait for a lock that is held by a sera above this one, since that sera waits for this one to end. To be called
 * only for a lock that turned out to be held: the sera above may have lost it.
 *
 * @param lock The lock's name.
 * @param what The name shown to people: `--name`, or the command's first word.
 * @param above The value of SERA_HELD_LOCKS that sera was started with.
 * @param seen The holders of the lock, as far as the server shows them.
 * @param serverMark Identifies the server; undefined if not known.
 * @throws {UsageError} When a sera above this one holds the lock.
 */
export function refuseOwnLock(
  lock: string,
  what: string,
  server: Pick<Backend, "identity">,
  above: string,
  seen: readonly Sighting[],
  serverMark?: string,
): void {
  const held = seen.filter(({ state }) => state === "held");
  const sessions = held.flatMap(({ session }) => session ?? []);
  const holders = held.filter(({ pid }) => pid !== undefined);
  const place = encodeURIComponent(server.identity);
  const isHolder = (one: HeldAbove) => {
    // The best evidence: the server shows the session to every user, and its mark is the same by every address.
    if (one.session && serverMark !== undefined && sessions.length > 0) {
      return one.session.serverMark === encodeURIComponent(serverMark) && sessions.includes(one.session.number);
    }
    // If the server does not show the holder, compare the address.
    return holders.length === 0
      ? one.place === place
      : holders.some(({ pid, host }) => pid === one.pid && isHere(host));
  };
  const own = entriesFor(lock, above).find((one) => isHolder(one) && isAncestor(one));
  if (!own) return;
  throw new UsageError(
    `Cannot wait for the lock of ${
      pathOr(what, lock)
    }: the sera above this one (process ${own.pid}) holds it until its command has ended, ` +
      "and this sera is part of that",
    "take one of the two out, or give them different locks with --name",
  );
}

function isHere(host: string | undefined): boolean {
  return host === undefined || host === Deno.hostname();
}

/**
 * Whether a sera is an ancestor of this process, and so waits for it. A process that has left its tree, as daemons do, is
 * not waited for, and may queue. Without /proc only the parent is known.
 */
function isAncestor({ pid, since }: HeldAbove): boolean {
  for (let at = Deno.ppid, count = 0; at > 0 && count < MOST_ANCESTORS; count++) {
    const process = processStat(at);
    // The number may have been reused: then the process has started after that sera got its lock.
    if (at === pid) return process === undefined || process.started <= since + INACCURACY;
    if (!process) return false;
    at = process.parent;
  }
  return false;
}
