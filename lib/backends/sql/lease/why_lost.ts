import { LockLostError, LockUnavailableError } from "../../../errors.ts";
import type { Querier } from "../querier.ts";
import type { LeaseTable } from "./table.ts";

/** The error for a lease that is no longer ours; reads whose it is now. */
export async function whyLost(querier: Querier, lock: string, table: LeaseTable): Promise<LockLostError> {
  const { where } = querier;
  let now;
  try {
    now = await table.read(querier, lock);
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
