import { LockUnavailableError, OtherSlotsError } from "../../errors.ts";
import { mayBeServer, pathOr } from "../../text/redaction.ts";
import { look } from "../../who/look.ts";
import { isOfLock } from "../../who/names.ts";
import type { Job } from "./job.ts";

/** The error with the name of the lock that is held with slots, for a run that asked for several locks at once. */
export async function namingLock(
  { slots, asked }: OtherSlotsError,
  { lock, identity: { all, main, titles }, settings: { ledger } }: Pick<Job, "lock" | "identity" | "settings">,
  signal: AbortSignal,
): Promise<OtherSlotsError> {
  const { sightings } = await look({ lock: main.name }, () => lock.sightings(ledger.table, signal)).catch((error) => {
    if (error instanceof LockUnavailableError) return { sightings: [] };
    throw error;
  });
  const withSlots = sightings.filter((one) => one.state === "held" && one.slots !== undefined);
  const found = all.find(({ name }) => withSlots.some((one) => isOfLock(one, name)));
  // Where the server shows no holder, all names have to do.
  const some = mayBeServer(titles) ? "One of the locks" : `One of the locks of ${titles}`;
  return new OtherSlotsError(slots, asked, found ? `The lock of ${pathOr(found.title, found.name)}` : some);
}
