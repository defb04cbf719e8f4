import type { Settings } from "../settings/settings.ts";
import { LockUnavailableError } from "../errors.ts";
import type { BackendLock } from "../backends/backend.ts";
import type { HolderFields } from "../log/logger.ts";
import type { Sighting } from "../who/sighting.ts";

/**
 * Who has the lock, in words for people and in fields for machines, as far as the server lets one see it.
 *
 * @param asked The lock, which has turned out to be busy.
 * @param what What people call the lock.
 * @throws {UsageError} When it is a sera that this one is part of.
 */
export async function holderOf(
  asked: BackendLock,
  { server, ledger }: Pick<Settings, "server"> & { readonly ledger: Pick<Settings["ledger"], "table"> },
  lock: string,
  what: string,
  above: string | undefined,
  signal: AbortSignal,
): Promise<{ readonly words?: string | undefined; readonly fields?: HolderFields | undefined }> {
  const [{ look }, { holderText }, { holderFields }] = await Promise.all([
    import("../who/look.ts"),
    import("../who/holder_text.ts"),
    import("../who/log_fields.ts"),
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
  return { words: holderText(seen), fields: holderFields(seen) };
}
