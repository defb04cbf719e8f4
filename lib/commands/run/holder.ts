import type { Settings } from "../../settings/settings.ts";
import { LockUnavailableError } from "../../errors.ts";
import { marginOf } from "../../lock/silence.ts";
import type { BackendLock } from "../../backends/backend.ts";
import type { HolderFields } from "../../log/logger.ts";
import type { Sighting } from "../../who/sighting.ts";

/**
 * The holder of a busy lock, as text for people and as fields for JSON lines, as far as the server shows it.
 *
 * @param asked The busy lock.
 * @param lock Its name.
 * @param what The name shown to people.
 * @param above The value of SERA_HELD_LOCKS that sera was started with.
 * @param isWaiting Whether sera will wait for it.
 * @param isLocal Whether the text has times in the local time zone.
 * @throws {UsageError} When the holder is a sera whose command this sera belongs to.
 */
export async function holderOf(
  asked: BackendLock,
  { server, ledger }: Pick<Settings, "server"> & { readonly ledger: Pick<Settings["ledger"], "table"> },
  lock: string,
  what: string,
  above: string | undefined,
  signal: AbortSignal,
  isWaiting = false,
  isLocal = false,
): Promise<{ readonly words?: string | undefined; readonly fields?: HolderFields | undefined }> {
  const [{ look }, { holderText }, { localTime, timeOf }, { holderFields }] = await Promise.all([
    import("../../who/look.ts"),
    import("../../who/holder_text.ts"),
    import("../../text/time.ts"),
    import("../../who/log_fields.ts"),
  ]);
  let seen: readonly Sighting[] = [];
  let serverMark;
  try {
    ({ sightings: seen } = await look({ lock }, () => asked.sightings(ledger.table, signal)));
    if (above !== undefined) serverMark = (await asked.session(signal))?.serverMark;
  } catch (error) {
    if (!(error instanceof LockUnavailableError)) throw error;
  }
  if (above !== undefined) {
    (await import("./refuse_own_lock.ts")).refuseOwnLock(lock, what, server, above, seen, serverMark);
  }
  if (isWaiting) seen = seen.map(watched);
  return { words: holderText(seen, Date.now(), isLocal ? localTime : timeOf), fields: holderFields(seen) };
}

/** Who waits begins to watch a lease now, and takes it over by that alone. */
function watched(sighting: Sighting): Sighting {
  const { lease } = sighting;
  if (!lease) return sighting;
  const ttl = lease.left + lease.silent;
  return { ...sighting, lease: { ...lease, freeIn: ttl + marginOf(ttl) } };
}
