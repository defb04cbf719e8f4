import type { Deadline } from "../../../deadline.ts";
import { BEATS_OF_LASTING, Moment } from "../../../lock/lease.ts";
import { SHORTEST_MARGIN, Silence } from "../../../lock/silence.ts";
import { delayOrAbort } from "../../../waiting.ts";
import type { Asker } from "../asker.ts";
import type { Session } from "../session.ts";
import type { LeaseOptions } from "./options.ts";
import { Pauses } from "./pauses.ts";
import type { Claim, Lease, Ownership, TakeFrom } from "./row.ts";
import type { LeaseTable } from "./table.ts";

/** A lease that has been acquired. */
export interface Claimed {
  readonly mine: Ownership;
  /** When the request was sent whose answer showed that. */
  readonly confirmed: Moment;
}

/** Claims one lease, by the rules of when it may be taken over. Goes on in another session where one has ended. */
export class Claimer {
  /** Whether the lease may be ours although nobody keeps it: since an answer got lost, or until somebody does. */
  mayBeOurs = false;
  readonly #table: LeaseTable;
  readonly #options: LeaseOptions;
  /** The same for every try, so that one whose answer got lost is no obstacle for the next. */
  readonly #owner = crypto.getRandomValues(new Uint8Array(16)).toHex();
  readonly #silence = new Silence<Lease>();
  /** Whether the lease has been seen to be another's. From then on only their silence counts, and no clock. */
  #isObserving = false;
  /** Whether the row is thought to exist. */
  #hasRow = false;

  constructor(table: LeaseTable, options: LeaseOptions) {
    this.#table = table;
    this.#options = options;
  }

  /**
   * Claims the lease until the deadline passes, at least once.
   *
   * @param ttls How many whole TTLs longer a lease must have expired by the server's clock: 1 where there may be several
   * servers, each with a clock of its own.
   * @returns Undefined if the lease is another's.
   * @throws {LockUnavailableError} When the table cannot be used.
   * @throws The signal's reason when it is aborted.
   */
  async claim(session: Session, ttls: 0 | 1, deadline: Deadline, signal: AbortSignal): Promise<Claimed | undefined> {
    const asker = abortable(session, signal);
    const pauses = new Pauses();
    let from: TakeFrom | undefined = this.#isObserving ? undefined : { slack: SHORTEST_MARGIN, ttls };
    for (let isFirst = true;; isFirst = false) {
      const isLast = deadline.passed;
      const claimed = from && await this.#claimOnce(asker, from);
      if (claimed) return claimed;
      // Somebody was faster, or the row is such that nobody gets it.
      const isBeaten = from !== undefined && !isFirst;
      from = await this.#look(asker);
      if (isLast) return from && await this.#claimOnce(asker, from);
      if (from && !isBeaten) continue;
      const pause = Math.min(pauses.next(), from ? Infinity : this.#silence.left(), deadline.remaining);
      // Whole milliseconds, so that a rest that is next to nothing does not make it look twice.
      await delayOrAbort(Math.ceil(pause), signal, session.closed);
      signal.throwIfAborted();
    }
  }

  /** To be called when somebody has been seen to be alive: then no clock is to say that their lease is over. */
  trustNoClock(): void {
    this.#isObserving = this.#hasRow = true;
  }

  /** Frees the lease if it is ours. */
  async takeBack(asker: Asker): Promise<void> {
    const { lock } = this.#options.presence;
    const lease = await this.#table.read(asker, lock);
    if (lease?.owner === this.#owner) await this.#table.release(asker, lock, lease);
  }

  /** Whose lease may be taken now; undefined if it must not be. */
  async #look(asker: Asker): Promise<TakeFrom | undefined> {
    const lease = await this.#table.read(asker, this.#options.presence.lock);
    this.#silence.saw(lease);
    if (!lease) return "nobody";
    // By a claim whose answer got lost.
    if (lease.owner === this.#owner) return "nobody";
    this.trustNoClock();
    const over = this.#silence.over();
    return over && { seen: over };
  }

  /** Claims the lease once, and makes its row if there is none. */
  async #claimOnce(asker: Asker, from: TakeFrom): Promise<Claimed | undefined> {
    const { presence: { lock, host, pid, label }, lease: { ttl }, recorded, lastRun } = this.#options;
    const claim: Claim = { lock, owner: this.#owner, ttl, from, host, pid, label };
    const isNew = from === "nobody" && !this.#hasRow;
    this.mayBeOurs = true;
    const sent = new Moment();
    const fence = isNew
      ? await this.#table.insert(asker, claim, lastRun)
      : await this.#table.claim(asker, claim, recorded ? lastRun : undefined);
    this.mayBeOurs = fence !== undefined;
    // Another may have made it meanwhile, and an administrator may have deleted it.
    if (from === "nobody") this.#hasRow = isNew || fence !== undefined;
    return fence === undefined ? undefined : await this.#confirmed(asker, { owner: this.#owner, fence }, sent);
  }

  /**
   * Renews at once what took long, since sera was suspended or the table had to be made: the lease counts from when its
   * claim was sent, and may have been taken over.
   */
  async #confirmed(asker: Asker, mine: Ownership, confirmed: Moment): Promise<Claimed | undefined> {
    const { presence: { lock }, lease: { ttl } } = this.#options;
    if (confirmed.age <= ttl / BEATS_OF_LASTING) return { mine, confirmed };
    const sent = new Moment();
    if (await this.#table.renew(asker, lock, mine, ttl) !== undefined) return { mine, confirmed: sent };
    this.mayBeOurs = false;
    return undefined;
  }
}

/** A session whose statements a signal aborts. */
function abortable(session: Session, signal: AbortSignal): Asker {
  return {
    where: session.where,
    queryAll: (statement, options) => session.queryAll(statement, { ...options, signal }),
  };
}
