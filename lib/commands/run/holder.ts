import type { Settings } from "../../settings/settings.ts";
import { LockUnavailableError } from "../../errors.ts";
import type { Limits } from "../../lock/limits.ts";
import type { LockIdentity } from "../../lock/lock_identity.ts";
import { marginOf } from "../../lock/expiry_watch.ts";
import type { BackendLock } from "../../backends/backend.ts";
import type { HolderFields } from "../../log/logger.ts";
import type { BusyText } from "../../who/busy_text.ts";
import type { Sighting } from "../../who/sighting.ts";

/** Busy locks that were asked for together. */
export interface BusyLocks {
  /** The lock object to query. */
  readonly lock: BackendLock;
  /** Their names, the main one first. */
  readonly locks: readonly LockIdentity[];
  readonly limits?: Limits | undefined;
  readonly settings: Pick<Settings, "server"> & { readonly ledger: Pick<Settings["ledger"], "table"> };
  /** The value of SERA_HELD_LOCKS that sera was started with. */
  readonly inheritedLocks: string | undefined;
}

/** How to describe holders. */
export interface HolderTextOptions {
  /** Whether sera will wait for them. */
  readonly isWaiting?: boolean;
  /** Whether the text has times in the local time zone. */
  readonly isLocal?: boolean;
}

/**
 * The holder of a busy lock, as text for people and as fields for JSON lines, as far as the server shows it.
 *
 * @throws {UsageError} When the holder is a sera whose command this sera belongs to.
 */
export async function holderOf(
  { lock, locks, limits = {}, settings: { server, ledger }, inheritedLocks }: BusyLocks,
  signal: AbortSignal,
  { isWaiting = false, isLocal = false }: HolderTextOptions = {},
): Promise<BusyText & { readonly fields?: HolderFields | undefined }> {
  const [{ look }, { busyText, longestFirst }, { localTime, utcTime: timeOf }, { holderFields }] = await Promise.all([
    import("../../who/look.ts"),
    import("../../who/busy_text.ts"),
    import("../../text/time.ts"),
    import("../../who/log_fields.ts"),
  ]);
  const { slots, also = [] } = limits;
  let seen: readonly Sighting[] = [];
  let serverMark;
  try {
    ({ sightings: seen } = await look({ lock: locks[0]!.name }, () => lock.sightings(ledger.table, signal)));
    if (inheritedLocks !== undefined) serverMark = (await lock.session(signal))?.serverMark;
  } catch (error) {
    if (!(error instanceof LockUnavailableError)) throw error;
  }
  const hasMore = also.length >= locks.length;
  if (inheritedLocks !== undefined) {
    const [main, ...others] = locks;
    const unnamed = hasMore ? also.map((name) => ({ name, title: main!.title, isHidden: true })) : [];
    const all = [{ ...main!, slots }, ...others, ...unnamed];
    (await import("./refuse_own_lock.ts")).refuseOwnLock(all, server, inheritedLocks, seen, serverMark);
  }
  if (isWaiting) seen = seen.map(watched);
  const text = busyText({ locks, slots, hasMore }, seen, Date.now(), isLocal ? localTime : timeOf);
  return { ...text, fields: holderFields(slots === undefined ? seen : longestFirst(seen)) };
}

/** A waiter starts to watch a lease only now, and takes it over by its own observation alone. */
function watched(sighting: Sighting): Sighting {
  const { lease } = sighting;
  if (!lease) return sighting;
  const ttl = lease.left + lease.silent;
  return { ...sighting, lease: { ...lease, freeIn: ttl + marginOf(ttl) } };
}
