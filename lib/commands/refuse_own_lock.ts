import { readProc } from "../system/proc.ts";
import type { Backend } from "../backends/backend.ts";
import { UsageError } from "../errors.ts";
import { pathOr } from "../text/harmless.ts";
import type { Sighting } from "../who/sighting.ts";
import { entriesFor, type HeldAbove } from "./held_locks.ts";

/** The unit of times in /proc, which is the same on all processors that sera runs on: 1/100 s. time(7), USER_HZ */
const TICKS = 100;

/** How far apart two readings of the time since the system's start may be, in seconds: one is cut to whole ones. */
const INACCURACY = 2;

/** More ancestors than any process has. */
const MOST_ANCESTORS = 1000;

/**
 * Makes sure that a lock which somebody holds is not that of a sera which waits for this one to end. To be asked when it
 * has turned out to be held: the sera above may have lost it.
 *
 * @param lock The lock's name.
 * @param what What people call it: the `--name`, or the command's first word.
 * @param above What the variable of held locks says.
 * @param seen Who holds the lock, as far as the server shows it.
 * @param serverMark What tells the server from others; undefined where that is not known.
 * @throws {UsageError} When it is.
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
    // Which session it is the server always shows, however its address is spelled and whoever asks.
    if (one.session && serverMark !== undefined && sessions.length > 0) {
      return one.session.serverMark === encodeURIComponent(serverMark) && sessions.includes(one.session.number);
    }
    // Where the server does not show the holder, its address has to do.
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
 * Whether a sera is still there and waits for this one: what has left it, as a daemon does, only queues up behind it.
 * Where there is no /proc only the parent can be told.
 */
function isAncestor({ pid, since }: HeldAbove): boolean {
  for (let at = Deno.ppid, count = 0; at > 0 && count < MOST_ANCESTORS; count++) {
    const process = readStat(at);
    // A number becomes another process's when its own has ended.
    if (at === pid) return process === undefined || process.started <= since + INACCURACY;
    if (!process) return false;
    at = process.parent;
  }
  return false;
}

/** A process's parent, and when it was started, in seconds since the system's start; proc_pid_stat(5). */
function readStat(pid: number): { readonly parent: number; readonly started: number } | undefined {
  const bytes = readProc(`${pid}/stat`);
  if (!bytes) return undefined;
  const text = new TextDecoder().decode(bytes);
  // A program's name may hold anything.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { parent: Number(fields[1]), started: Number(fields[19]) / TICKS };
}
