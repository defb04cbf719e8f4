import { LockLostError, LockUnavailableError } from "../../../errors.ts";
import type { Asker } from "../asker.ts";
import type { LeaseTable } from "./table.ts";

/** The error for a lease that turns out to be no longer ours; asks whose it is. */
export async function whyLost(asker: Asker, lock: string, table: LeaseTable): Promise<LockLostError> {
  const { where } = asker;
  let now;
  try {
    now = await table.read(asker, lock);
  } catch (error) {
    if (!(error instanceof LockUnavailableError)) throw error;
    return new LockLostError(`${where}: its lease is no longer ours`);
  }
  if (!now) return new LockLostError(`${where}: somebody has freed its row in ${table.shown}`);
  const [{ holderText }, { sightingOf }] = await Promise.all([
    import("../../../who/holder_text.ts"),
    import("./sightings.ts"),
  ]);
  return new LockLostError(`${where}: its lease is held by ${holderText([sightingOf(now)])}`);
}
