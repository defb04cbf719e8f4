import type { Moment } from "../../lock/lease.ts";
import { type Persistence, untilAnswered } from "../../lock/until_answered.ts";
import { firstOf, settled } from "../../waiting.ts";
import type { Renewed, RenewOptions } from "./lease.ts";

/**
 * Sends a renewal again and again until one is answered, which may be an earlier one whose answer is late. On a busy cluster
 * every answer may take longer than one try, and still come long before the lease ends.
 *
 * @param ask Asks once.
 * @throws {LockUnavailableError} When there was no answer.
 */
export async function untilRenewed(
  ask: (options: RenewOptions) => Promise<Renewed>,
  persistence: Persistence,
): Promise<Renewed> {
  const over = new AbortController();
  const ended = AbortSignal.any([persistence.ended, over.signal]);
  try {
    return await firstOf<Renewed>((resolve, reject) => {
      const late = (renewed: Promise<Renewed>) => {
        // If the lease has ended, the next request finds that as well.
        renewed.then((sent?: Moment) => sent && resolve(sent), () => undefined);
      };
      const tried = untilAnswered((timeout) => ask({ signal: ended, timeout, late }), { ...persistence, ended });
      return settled(tried)(resolve, reject);
    });
  } finally {
    over.abort(new Error("the lease is renewed"));
  }
}
