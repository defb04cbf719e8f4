import type { Deadline } from "../../../deadline.ts";
import { DURABLE_BEATS_PER_TTL, Moment } from "../../../lock/lease.ts";
import { ExpiryWatch, MIN_MARGIN } from "../../../lock/expiry_watch.ts";
import { OtherSlotsError } from "../../../errors.ts";
import { delayOrAbort } from "../../../waiting.ts";
import type { Querier } from "../querier.ts";
import type { Session } from "../session.ts";
import { Agreement } from "./slot_agreement.ts";
import type { SessionLocks } from "./session_locks.ts";
import type { LeaseOptions } from "./options.ts";
import { newOwner, slotsFor } from "./owner.ts";
import { DoublingBackoff } from "./backoff.ts";
import type { Claim, Lease, Ownership, TakeFrom } from "./row.ts";
import type { LeaseServer } from "./server.ts";
import type { LeaseTable, OwnRow } from "./table.ts";

/** A lease that has been acquired. */
export interface Claimed {
  readonly mine: Ownership;
  /** When the claim was sent. */
  readonly confirmed: Moment;
}

/**
 * Claims the lease of a plain lock, by the rules for takeovers. Continues in another session if one has ended.
 */
export class Claimer<S extends Session> {
  /** Whether the lease may be ours although nothing renews it: an answer was lost, or it was only just acquired. */
  mayBeOurs = false;
  /** The lock's name. */
  readonly lock: string;
  readonly #table: LeaseTable;
  readonly #agreement: Agreement<S>;
  readonly #options: LeaseOptions;
  /** The same for every attempt, so that a claim whose answer was lost does not block the next one. */
  readonly #owner = newOwner();
  readonly #expiry = new ExpiryWatch<Lease>();
  /** Whether somebody else has been seen to hold the lease. From then on only observation counts, and no clock. */
  #isObserving = false;
  /** Whether the row is expected to exist. */
  #hasRow = false;
  /** Whether the holder has most likely just freed the lease. */
  #isHandedOver = false;

  constructor(server: LeaseServer<S>, sessionLocks: SessionLocks<S>, lock: string, options: LeaseOptions) {
    this.#table = server.table;
    this.#agreement = new Agreement(server, sessionLocks, 1);
    this.lock = lock;
    this.#options = options;
  }

  /**
   * Claims the lease until the deadline passes, at least once.
   *
   * @param ttls By how many additional TTLs a lease must have expired by the server's clock: 1 where there may be several
   * servers, each with a clock of its own.
   * @returns Undefined if somebody else holds the lease.
   * @throws {LockUnavailableError} When the table cannot be used.
   * @throws {OtherSlotsError} When others hold the lock with several slots.
   * @throws The signal's reason when it is aborted.
   */
  async claim(session: S, ttls: 0 | 1, deadline: Deadline, signal: AbortSignal): Promise<Claimed | undefined> {
    const querier = abortable(session, signal);
    const backoff = new DoublingBackoff();
    let from = this.#firstFrom(ttls);
    for (let isFirst = true;; isFirst = false) {
      const isLast = deadline.passed;
      const claimed = from && await this.#claimOnce(session, querier, from);
      if (claimed) return claimed;
      // Somebody was faster, or nobody can get the lease with this row.
      const isBeaten = from !== undefined && !isFirst;
      from = await this.#read(querier);
      if (isLast) return from && await this.#claimOnce(session, querier, from);
      if (from && !isBeaten) continue;
      const pause = Math.min(backoff.next(), from ? Infinity : this.#expiry.remaining(), deadline.remaining);
      // Whole milliseconds: a fraction left over would cause another read.
      await delayOrAbort(Math.ceil(pause), signal, session.closed);
      signal.throwIfAborted();
    }
  }

  /** Call this when the holder has been seen to be alive: then no clock may decide that its lease has expired. */
  ignoreClocks(): void {
    this.#isObserving = this.#hasRow = true;
  }

  /** Call this after waiting for the session lock: its holder has most likely freed the lease, so the next claim reads nothing first. */
  handedOver(): void {
    this.#isHandedOver = true;
  }

  /** Frees the lease if it is ours. */
  async takeBack(querier: Querier): Promise<void> {
    const lease = await this.#table.read(querier, this.lock);
    if (lease?.owner === this.#owner) await this.giveBack(querier, lease);
  }

  /** Frees the lease after a claim. */
  async giveBack(querier: Querier, mine: Ownership): Promise<void> {
    await this.#table.release(querier, this.lock, mine);
    this.mayBeOurs = false;
  }

  /** Whose lease to take without a read; undefined if one is needed. */
  #firstFrom(ttls: 0 | 1): TakeFrom | undefined {
    const isHandedOver = this.#isHandedOver;
    this.#isHandedOver = false;
    if (!this.#isObserving) return { slack: MIN_MARGIN, ttls };
    return isHandedOver ? "nobody" : undefined;
  }

  /** Reads whose lease may be taken now; undefined if none may. */
  async #read(querier: Querier): Promise<TakeFrom | undefined> {
    const lease = await this.#table.read(querier, this.lock);
    this.#expiry.observe(lease);
    if (!lease) return "nobody";
    // From a claim whose answer was lost.
    if (lease.owner === this.#owner) return "nobody";
    this.ignoreClocks();
    const expired = this.#expiry.expired();
    const slots = expired ? undefined : slotsFor(lease.owner);
    if (slots !== undefined && slots !== 1) throw new OtherSlotsError(slots, 1);
    return expired && { seen: expired };
  }

  /** Claims the lease once, and creates its row if there is none. */
  async #claimOnce(session: S, querier: Querier, from: TakeFrom): Promise<Claimed | undefined> {
    const { presence: { host, pid, label }, lease: { ttl }, recorded, lastRun } = this.#options;
    const claim: Claim = { lock: this.lock, owner: this.#owner, ttl, from, host, pid, label };
    const isNew = from === "nobody" && !this.#hasRow;
    this.mayBeOurs = true;
    const sent = new Moment();
    const { fence, others } = isNew
      ? await this.#table.insertAndReadOthers(querier, claim, lastRun)
      : await this.#table.claimAndReadOthers(querier, claim, recorded ? lastRun : undefined);
    this.mayBeOurs = fence !== undefined;
    // Somebody may have created the row meanwhile, or an administrator may have deleted it.
    if (from === "nobody") this.#hasRow = isNew || fence !== undefined;
    if (fence === undefined) return undefined;
    const mine = { owner: this.#owner, fence };
    const other = await this.#agreement.other(session, querier, others, this.#owner);
    if (other) {
      await this.giveBack(querier, mine);
      throw new OtherSlotsError(slotsFor(other.owner)!, 1);
    }
    const confirmed = await confirmedClaim(this.#table, querier, { lock: this.lock, mine }, ttl, sent);
    this.mayBeOurs = confirmed !== undefined;
    return confirmed && { mine, confirmed };
  }
}

/**
 * Renews a lease at once if its claim took long, because sera was suspended or the table had to be created: the lease
 * counts from when the claim was sent, and may already have been taken over.
 *
 * @param sent When the claim was sent.
 * @returns When the lease began to count; undefined if it is no longer ours.
 */
export async function confirmedClaim(
  table: LeaseTable,
  querier: Querier,
  { lock, mine }: OwnRow,
  ttl: number,
  sent: Moment,
): Promise<Moment | undefined> {
  if (sent.age <= ttl / DURABLE_BEATS_PER_TTL) return sent;
  const again = new Moment();
  return await table.renew(querier, lock, mine, ttl) === undefined ? undefined : again;
}

/** A session, with statements that the signal aborts. */
export function abortable(session: Session, signal: AbortSignal): Querier {
  return {
    where: session.where,
    takesSeveral: session.takesSeveral,
    queryAll: (statement, options) => session.queryAll(statement, { ...options, signal }),
    batch: (statements, options) => session.batch(statements, { ...options, signal }),
  };
}
