import type { Backend, LockOptions, Observer } from "../../backends/backend.ts";
import { LockUnavailableError } from "../../errors.ts";
import type { TableName } from "../../ledger/table_name.ts";
import type { Logger } from "../../log/logger.ts";
import { delayOrAbort } from "../../waiting.ts";
import { endHolder } from "../../who/end_holder.ts";
import { holderText } from "../../who/holder_text.ts";
import { look } from "../../who/look.ts";
import type { Sighting } from "../../who/sighting.ts";

/** The pause between two looks at who holds the lock, in milliseconds. */
const PAUSE = 500;

/** The pause after trouble with a look, in milliseconds. */
const LONG_PAUSE = 2000;

/** Which holders to ask, and how. */
export interface AskedHolders {
  /** The lock's name. */
  readonly lock: string;
  /** What its holders are called in messages. */
  readonly called: string;
  readonly server: Backend;
  /** The ledger's table, which may be missing. */
  readonly table: TableName;
  /** Their label says who asks. */
  readonly options: LockOptions;
  readonly logger: Logger;
  /** Fires when no more holders are to be asked; earlier requests are then taken back. */
  readonly over: AbortSignal;
}

/**
 * Asks each holder of a lock to end, one after another, until `over` fires. Uses no force. No failure here ends the wait
 * for the lock: a holder that cannot be asked is simply waited for.
 */
export async function askHolders(asked: AskedHolders): Promise<void> {
  const { over, server, lock, options } = asked;
  const told = new Set<string>();
  while (!over.aborted) {
    try {
      await using observer = await server.observe(lock, options, over);
      if (observer.elsewhere !== undefined) throw new LockUnavailableError(observer.elsewhere);
      await askThrough(observer, asked, told);
    } catch (error) {
      if (over.aborted) return;
      if (!(error instanceof LockUnavailableError)) throw error;
      tell(asked, told, error.reason);
      await delayOrAbort(LONG_PAUSE, over);
    }
  }
}

/** @param told What has been reported already. */
async function askThrough(observer: Observer, asked: AskedHolders, told: Set<string>): Promise<void> {
  const { lock, table, logger, over } = asked;
  for (; !over.aborted; await delayOrAbort(PAUSE, over)) {
    const seen = await look({ lock }, () => observer.sightings({ lock }, table, over));
    const holder = seen.sightings.find(({ state }) => state === "held");
    if (!holder) {
      if (seen.hidden !== undefined && seen.showsHolders !== true) tell(asked, told, seen.hidden);
      continue;
    }
    if (isOwn(holder)) continue;
    await using handle = await observer.handleOf(holder, over);
    const who = holderText([holder]) ?? "the holder";
    if (handle.unaskable !== undefined) {
      tell(asked, told, handle.unaskable);
      continue;
    }
    await endHolder(handle, {
      wait: Infinity,
      asked: () => {
        if (!told.has(who)) logger.log("info", "note", `Asked ${asked.called} to end: ${who}.`);
        told.add(who);
      },
      force: () => false,
      signal: over,
    });
  }
}

/** Reports, once, why a holder is not asked. */
function tell({ called, logger }: AskedHolders, told: Set<string>, why: string): void {
  if (!told.has(why)) logger.log("notice", "note", `Cannot ask ${called} to end: ${why}; waiting for it.`);
  told.add(why);
}

function isOwn({ host, pid }: Sighting): boolean {
  return host === Deno.hostname() && pid === Deno.pid;
}
