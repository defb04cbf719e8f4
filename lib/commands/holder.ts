import type { Settings } from "../settings/settings.ts";
import { LockUnavailableError } from "../errors.ts";
import type { Io } from "../io.ts";
import type { Backend } from "../lock/lock.ts";
import type { HolderFields } from "../log/logger.ts";
import type { Sighting } from "../who/sighting.ts";

/**
 * Who has the lock, in words for people and in fields for machines, as far as the server lets one see it.
 *
 * @param what What people call the lock.
 * @throws {UsageError} When it is a sera that this one is part of.
 */
export async function holderOf(
  backend: Backend,
  { server, ledger }: Pick<Settings, "server"> & { readonly ledger: Pick<Settings["ledger"], "table"> },
  lock: string,
  what: string,
  above: string | undefined,
  surroundings: { readonly env: Io["env"]; readonly signal: AbortSignal },
): Promise<{ readonly words?: string | undefined; readonly fields?: HolderFields | undefined }> {
  const [{ look }, { whoHas }, { holderFields }] = await Promise.all([
    import("../who/look.ts"),
    import("../who/words.ts"),
    import("../who/log_fields.ts"),
  ]);
  let seen: readonly Sighting[] = [];
  let serverMark;
  try {
    ({ sightings: seen } = await look(backend, server, { lock }, { table: ledger.table, ...surroundings }));
    if (above !== undefined) serverMark = (await backend.session(surroundings.signal))?.serverMark;
  } catch (error) {
    if (!(error instanceof LockUnavailableError)) throw error;
  }
  if (above !== undefined) {
    (await import("./refuse_own_lock.ts")).refuseOwnLock(lock, what, server, above, seen, serverMark);
  }
  return { words: whoHas(seen), fields: holderFields(seen) };
}
