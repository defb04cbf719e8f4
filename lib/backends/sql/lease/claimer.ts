import type { Deadline } from "../../../deadline.ts";
import { DURABLE_BEATS_PER_TTL, Moment } from "../../../lock/lease.ts";
import { ExpiryWatch, SHORTEST_MARGIN } from "../../../lock/expiry_watch.ts";
import { OtherSlotsError } from "../../../errors.ts";
import { delayOrAbort } from "../../../waiting.ts";
import type { Asker } from "../asker.ts";
import type { Session } from "../session.ts";
import { Agreement } from "./agreement.ts";
import type { Entered } from "./entered.ts";
import type { LeaseOptions } from "./options.ts";
import { newOwner, slotsFor } from "./owner.ts";
import { Pauses } from "./pauses.ts";
import type { Claim, Lease, Ownership, TakeFrom } from "./row.ts";
import type { LeaseServer } from "./server.ts";
import type { LeaseTable, OwnRow } from "./table.ts";

/** A lease that has been acquired. */
export interface Claimed {
  readonly mine: Ownership;
  /** When the request was sent whose answer showed that. */
  readonly confirmed: Moment;
}

/**
 * Claims the lease of a plain lock, by the rules of when it may be taken over. Goes on in another session where one has
 * ended.
 */
export class Claimer<S extends Session> {
  /** Whether the lease may be ours although nobody keeps it: since an answer got lost, or until somebody does. */
  mayBeOurs = false;
  /** The lock's name. */
  readonly lock: string;
  readonly #table: LeaseTable;
  readonly #agreement: Agreement<S>;
  readonly #options: LeaseOptions;
  /** The same for every try, so that one whose answer got lost is no obstacle for the next. */
  readonly #owner = newOwner();
  readonly #expiry = new ExpiryWatch<Lease>();
  /** Whether the lease has been seen to be another's. From then on only their silence counts, and no clock. */
  #isObserving = false;
  /** Whether the row is thought to exist. */
  #hasRow = false;
  /** Whether the holder has most likely just freed the lease. */
  #isHandedOver = false;

  constructor(server: LeaseServer<S>, entered: Entered<S>, lock: string, options: LeaseOptions) {
    this.#table = server.table;
    this.#agreement = new Agreement(server, entered, 1);
    this.lock = lock;
    this.#options = options;
  }

  /**
   * Claims the lease until the deadline passes, at least once.
   *
   * @param ttls How many whole TTLs longer a lease must have expired by the server's clock: 1 where there may be several
   * servers, each with a clock of its own.
   * @returns Undefined if the lease is another's.
   * @throws {LockUnavailableError} When the table cannot be used.
   * @throws {OtherSlotsError} When somebody holds the lock who takes it to have several slots.
   * @throws The signal's reason when it is aborted.
   */
  async claim(session: S, ttls: 0 | 1, deadline: Deadline, signal: AbortSignal): Promise<Claimed | undefined> {
    const asker = abortable(session, signal);
    const pauses = new Pauses();
    let from = this.#firstFrom(ttls);
    for (let isFirst = true;; isFirst = false) {
      const isLast = deadline.passed;
      const claimed = from && await this.#claimOnce(session, asker, from);
      if (claimed) return claimed;
      // Somebody was faster, or the row is such that nobody gets it.
      const isBeaten = from !== undefined && !isFirst;
      from = await this.#look(asker);
      if (isLast) return from && await this.#claimOnce(session, asker, from);
      if (from && !isBeaten) continue;
      const pause = Math.min(pauses.next(), from ? Infinity : this.#expiry.remaining(), deadline.remaining);
      // Whole milliseconds, so that a rest that is next to nothing does not make it look twice.
      await delayOrAbort(Math.ceil(pause), signal, session.closed);
      signal.throwIfAborted();
    }
  }

  /** To be called when somebody has been seen to be alive: then no clock is to say that their lease is over. */
  trustNoClock(): void {
    this.#isObserving = this.#hasRow = true;
  }

  /** To be called when somebody else's session lock was waited for, and is ours now: the next claim looks at nothing before. */
  handedOver(): void {
    this.#isHandedOver = true;
  }

  /** Frees the lease if it is ours. */
  async takeBack(asker: Asker): Promise<void> {
    const lease = await this.#table.read(asker, this.lock);
    if (lease?.owner === this.#owner) await this.giveBack(asker, lease);
  }

  /** Frees the lease, which has been claimed. */
  async giveBack(asker: Asker, mine: Ownership): Promise<void> {
    await this.#table.release(asker, this.lock, mine);
    this.mayBeOurs = false;
  }

  /** Whose lease to take without a look; undefined if there has to be one. */
  #firstFrom(ttls: 0 | 1): TakeFrom | undefined {
    const isHandedOver = this.#isHandedOver;
    this.#isHandedOver = false;
    if (!this.#isObserving) return { slack: SHORTEST_MARGIN, ttls };
    return isHandedOver ? "nobody" : undefined;
  }

  /** Whose lease may be taken now; undefined if it must not be. */
  async #look(asker: Asker): Promise<TakeFrom | undefined> {
    const lease = await this.#table.read(asker, this.lock);
    this.#expiry.observe(lease);
    if (!lease) return "nobody";
    // By a claim whose answer got lost.
    if (lease.owner === this.#owner) return "nobody";
    this.trustNoClock();
    const over = this.#expiry.expired();
    const slots = over ? undefined : slotsFor(lease.owner);
    if (slots !== undefined && slots !== 1) throw new OtherSlotsError(slots, 1);
    return over && { seen: over };
  }

  /** Claims the lease once, and makes its row if there is none. */
  async #claimOnce(session: S, asker: Asker, from: TakeFrom): Promise<Claimed | undefined> {
    const { presence: { host, pid, label }, lease: { ttl }, recorded, lastRun } = this.#options;
    const claim: Claim = { lock: this.lock, owner: this.#owner, ttl, from, host, pid, label };
    const isNew = from === "nobody" && !this.#hasRow;
    this.mayBeOurs = true;
    const sent = new Moment();
    const { fence, others } = isNew
      ? await this.#table.insertAndLook(asker, claim, lastRun)
      : await this.#table.claimAndLook(asker, claim, recorded ? lastRun : undefined);
    this.mayBeOurs = fence !== undefined;
    // Another may have made it meanwhile, and an administrator may have deleted it.
    if (from === "nobody") this.#hasRow = isNew || fence !== undefined;
    if (fence === undefined) return undefined;
    const mine = { owner: this.#owner, fence };
    const other = await this.#agreement.other(session, asker, others, this.#owner);
    if (other) {
      await this.giveBack(asker, mine);
      throw new OtherSlotsError(slotsFor(other.owner)!, 1);
    }
    const confirmed = await confirmedClaim(this.#table, asker, { lock: this.lock, mine }, ttl, sent);
    this.mayBeOurs = confirmed !== undefined;
    return confirmed && { mine, confirmed };
  }
}

/**
 * Renews at once what took long, since sera was suspended or the table had to be made: the lease counts from when its
 * claim was sent, and may have been taken over.
 *
 * @param sent When the claim was sent.
 * @returns From when the lease counts; undefined if it is no longer ours.
 */
export async function confirmedClaim(
  table: LeaseTable,
  asker: Asker,
  { lock, mine }: OwnRow,
  ttl: number,
  sent: Moment,
): Promise<Moment | undefined> {
  if (sent.age <= ttl / DURABLE_BEATS_PER_TTL) return sent;
  const again = new Moment();
  return await table.renew(asker, lock, mine, ttl) === undefined ? undefined : again;
}

/** A session whose statements a signal aborts. */
export function abortable(session: Session, signal: AbortSignal): Asker {
  return {
    where: session.where,
    takesSeveral: session.takesSeveral,
    queryAll: (statement, options) => session.queryAll(statement, { ...options, signal }),
    batch: (statements, options) => session.batch(statements, { ...options, signal }),
  };
}
