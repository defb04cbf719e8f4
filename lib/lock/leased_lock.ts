import { LockLostError, LockUnavailableError, type Trouble, troubleOf } from "../errors.ts";
import { aborted, firstOf, onAbort, settled } from "../waiting.ts";
import { formatDuration } from "../text/duration.ts";
import { endsAfter, FRESH, graceOf, heartbeatOf, type LeaseTerms, LOOK_INTERVAL, Moment, stopsAfter } from "./lease.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Keeper } from "./keeper.ts";
import { type HeldLock, type LockSession, UnreleasedError } from "./lock.ts";

/**
 * A lock with a lease: others may get it once it has not been renewed for the TTL. It is lost when its keeper ends, when a
 * renewal finds it gone, or when no renewal is answered in time.
 */
export class LeasedLock implements HeldLock {
  readonly asked: AbortSignal;
  readonly token: bigint | undefined;
  readonly slot: number | undefined;
  readonly alsoTokens: readonly bigint[] | undefined;
  onRenewed: (() => void) | undefined;
  /** Whether no command has been started under it, and it has not been released. */
  isUnused = true;
  readonly #keeper: Keeper;
  #terms: LeaseTerms;
  readonly #lost = new AbortController();
  readonly #heartbeat: Heartbeat;
  /** When the last answered renewal was sent. */
  #confirmed: Moment;
  /** When the last request of any kind was sent whose answer showed that the lock is ours. */
  #seen: Moment;
  /** When the last renewal was answered: the next one begins at most one beat later. */
  #answered = new Moment();
  /** The first renewal that has no answer yet: when it began, and how late that was, in milliseconds. */
  #pending: { readonly since: Moment; readonly late: number } | undefined;
  #fence: ReturnType<typeof setTimeout> | undefined;
  #released = false;
  #commandEnded = false;
  #heldToEnd = false;

  /** @param confirmed When the request was sent that the lease counts from; `seen` as in `Acquired`. */
  constructor(keeper: Keeper, terms: LeaseTerms, confirmed: Moment, seen = confirmed) {
    this.#keeper = keeper;
    ({ asked: this.asked, token: this.token, slot: this.slot, alsoTokens: this.alsoTokens } = keeper);
    this.#terms = terms;
    this.#confirmed = confirmed;
    this.#seen = seen;
    this.#heartbeat = new Heartbeat(
      heartbeatOf(terms),
      () => this.#renew(),
      (error) => this.#lose(reasonOf(error)),
      confirmed.age,
    );
    this.#watch();
    onAbort(keeper.ended, () => {
      // sera itself ended the keeper, so the lease had not run out before.
      if (keeper.isGivenUp) this.#heldToEnd ||= this.#commandEnded;
      if (this.#released) return;
      const { what, cure } = troubleOf(keeper.ended.reason);
      this.#lose({ what: `${keeper.where}: ${what}`, cure });
    });
  }

  get session(): LockSession | undefined {
    return this.#keeper.session;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  get left(): number {
    return Math.max(0, endsAfter(this.#terms) - this.#confirmed.age);
  }

  commandStarts(): void {
    this.isUnused = false;
  }

  commandEnded(): void {
    this.#terms = { ...this.#terms, grace: 0 };
    if (!this.lost.aborted) {
      this.#heldToEnd ||= this.#keeper.isDurable && this.#confirmed.age < this.#terms.ttl;
      this.#watch();
    }
    this.#commandEnded = !this.lost.aborted;
  }

  get heldToEnd(): boolean {
    return this.#heldToEnd;
  }

  async confirm(): Promise<void> {
    try {
      const isFresh = this.#seen.age <= FRESH && this.#heldToEnd === this.#commandEnded;
      if (!this.lost.aborted && !isFresh) await firstOf(settled(this.#renew()), aborted(this.lost, () => undefined));
    } catch (error) {
      this.#lose(reasonOf(error));
    }
    if (!this.lost.aborted && this.#confirmed.age > stopsAfter(this.#terms)) this.#loseToTime();
    if (this.lost.aborted) throw this.lost.reason;
  }

  async release(): Promise<void> {
    // The keeper cleans up after a lost lock. If the command was still running, the user has been told why it was lost.
    if (this.lost.aborted) {
      if (this.#commandEnded) throw this.lost.reason;
      throw new LockLostError(`Cannot release the lock on ${this.#keeper.where}: it was lost before`);
    }
    this.#released = true;
    this.isUnused = false;
    this.#stop();
    let released;
    try {
      released = await this.#repeated(() => this.#keeper.release());
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
      throw new UnreleasedError(`Cannot release the lock on ${error.reason}`, error.cure);
    }
    if (!released) throw new LockLostError(`The lock was gone before its release: ${this.#keeper.where} had freed it`);
  }

  async #renew(): Promise<void> {
    const isAfterEnd = this.#commandEnded;
    this.#pending ??= { since: new Moment(), late: this.#late };
    const sent = await this.#repeated(() => this.#keeper.renew());
    if (!sent) throw new LockLostError(`${this.#keeper.where} has freed it`);
    this.#heldToEnd ||= isAfterEnd;
    // With several connections, answers may come out of order.
    if (sent.age < this.#confirmed.age) this.#confirmed = sent;
    if (sent.age < this.#seen.age) this.#seen = sent;
    this.#answered = new Moment();
    this.#pending = undefined;
    if (this.#released || this.lost.aborted) return;
    this.#watch();
    this.onRenewed?.();
  }

  /** Repeats a request once if an administrator or a server's limit cancelled it without ending the keeper. */
  async #repeated<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof LockUnavailableError && error.transient) || this.#keeper.ended.aborted) throw error;
      return await ask();
    }
  }

  /** Sets the timer that declares the lock lost early enough to stop the command before another sera can get the lock. */
  #watch(): void {
    clearTimeout(this.#fence);
    const left = stopsAfter(this.#terms) - this.#confirmed.age;
    if (left <= 0) return this.#loseToTime();
    this.#fence = setTimeout(() => this.#watch(), Math.min(left, LOOK_INTERVAL));
  }

  #loseToTime(): void {
    // The lease had not run out when the command ended.
    this.#heldToEnd ||= this.#commandEnded;
    const { where, trouble } = this.#keeper;
    const since = trouble ? this.#pending?.since ?? this.#confirmed : this.#confirmed;
    const span = formatDuration(Math.round(since.age));
    this.#lose({ what: `${trouble ? `${trouble.what},` : `${where}: no answer`} for ${span}`, cure: trouble?.cure });
  }

  #lose(why: Trouble): void {
    if (this.#released || this.lost.aborted) return;
    this.#stop();
    const { what, cure } = this.#suspension() ?? why;
    this.#lost.abort(new LockLostError(`Lock lost: ${what}`, cure, Math.min(this.left, graceOf(this.#terms))));
  }

  /**
   * The trouble if sera itself was suspended: a renewal began later than a busy machine explains, and by more than a third
   * of the TTL. (A renewal that waits for the server began in time.) Then the server's error is only a consequence.
   */
  #suspension(): Trouble | undefined {
    const late = this.#pending?.late ?? this.#late;
    if (late <= Math.max(this.#terms.ttl / 3, 1000)) return undefined;
    const { where, isDurable } = this.#keeper;
    // A lock that was lost before its lease ran out was not lost to a suspension.
    if (isDurable && this.#confirmed.age < stopsAfter(this.#terms)) return undefined;
    const span = formatDuration(Math.round(late / 1000) * 1000);
    const follows = isDurable ? "its lease may have run out" : `${where} may have freed it`;
    return { what: `sera was suspended for ${span} (SIGSTOP, or a machine that slept); ${follows}` };
  }

  /** How late the next renewal is, in milliseconds; at most 0 while sera keeps its rhythm. */
  get #late(): number {
    return Math.min(this.#confirmed.age, this.#answered.age) - heartbeatOf(this.#terms);
  }

  #stop(): void {
    this.#heartbeat[Symbol.dispose]();
    clearTimeout(this.#fence);
  }
}

function reasonOf(error: unknown): Trouble {
  return error instanceof LockUnavailableError ? { what: error.reason, cure: error.cure } : troubleOf(error);
}
