import type { Moment } from "../../lock/lease.ts";
import { type Persistence, untilAnswered } from "../../lock/until_answered.ts";
import { firstOf, settled } from "../../waiting.ts";
import type { Renewed, RenewOptions } from "./lease.ts";

/**
 * Asks for a renewal again and again, until one is answered: the last one, or one before it whose answer is late. On a
 * busy cluster each answer may take longer than a try, and much less than the lease lasts.
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
        // That the lease has ended the next request finds, too.
        renewed.then((sent?: Moment) => sent && resolve(sent), () => undefined);
      };
      const tried = untilAnswered((timeout) => ask({ signal: ended, timeout, late }), { ...persistence, ended });
      return settled(tried)(resolve, reject);
    });
  } finally {
    over.abort(new Error("the lease is renewed"));
  }
}
