import { LockLostError, LockUnavailableError, type Trouble, troubleOf } from "../errors.ts";
import { aborted, firstOf, onAbort, settled } from "../waiting.ts";
import { formatDuration } from "../text/duration.ts";
import { endsAfter, graceOf, heartbeatOf, type LeaseTerms, Moment, stopsAfter } from "./lease.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Keeper } from "./keeper.ts";
import { type HeldLock, type LockSession, UnreleasedError } from "./lock.ts";

/** How long a sign of the lock is fresh enough to start a command on, in milliseconds. */
const FRESH = 1000;

/**
 * A lock with a lease: it is free for others when no renewal was seen for the TTL. So it is lost when its keeper ends, when
 * a renewal finds it gone, and when no renewal was answered in time.
 */
export class LeasedLock implements HeldLock {
  onRenewed: (() => void) | undefined;
  readonly #keeper: Keeper;
  #terms: LeaseTerms;
  readonly #lost = new AbortController();
  readonly #heartbeat: Heartbeat;
  /** When the last look that the server answered was sent. */
  #confirmed: Moment;
  /** How long after that the look was sent that has no answer yet, in milliseconds. */
  #sentAfter: number | undefined;
  #fence: ReturnType<typeof setTimeout> | undefined;
  #released = false;
  #commandEnded = false;
  #heldToEnd = false;

  /** @param confirmed When the statement was sent that showed the lock to be held. */
  constructor(keeper: Keeper, terms: LeaseTerms, confirmed: Moment) {
    this.#keeper = keeper;
    this.#terms = terms;
    this.#confirmed = confirmed;
    this.#heartbeat = new Heartbeat(
      heartbeatOf(terms),
      () => this.#look(),
      (error) => this.#lose(reasonOf(error)),
      confirmed.age,
    );
    this.#watch();
    onAbort(keeper.ended, () => {
      // Until then the lease had not run out.
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

  commandEnded(): void {
    this.#terms = { ...this.#terms, grace: 0 };
    if (!this.lost.aborted) this.#watch();
    this.#commandEnded = !this.lost.aborted;
  }

  get heldToEnd(): boolean {
    return this.#heldToEnd;
  }

  async confirm(): Promise<void> {
    try {
      const isFresh = this.#confirmed.age <= FRESH && this.#heldToEnd === this.#commandEnded;
      if (!this.lost.aborted && !isFresh) await firstOf(settled(this.#look()), aborted(this.lost, () => undefined));
    } catch (error) {
      this.#lose(reasonOf(error));
    }
    if (!this.lost.aborted && this.#confirmed.age > stopsAfter(this.#terms)) this.#loseToTime();
    if (this.lost.aborted) throw this.lost.reason;
  }

  async release(): Promise<void> {
    // Whatever its keeper still has ends with it.
    if (this.lost.aborted) throw this.#commandEnded ? this.lost.reason : this.#lostBefore();
    this.#released = true;
    this.#stop();
    let released;
    try {
      released = await this.#repeated(() => this.#keeper.release());
    } catch (error) {
      if (error instanceof LockUnavailableError) {
        throw new UnreleasedError(`Cannot release the lock on ${error.reason}`, error.cure);
      }
      throw error;
    }
    if (!released) throw new LockLostError(`The lock was gone before its release: ${this.#keeper.where} had freed it`);
  }

  /** Of a loss while the command ran it has been told why. */
  #lostBefore(): LockLostError {
    return new LockLostError(`Cannot release the lock on ${this.#keeper.where}: it was lost before`);
  }

  async #look(): Promise<void> {
    const sent = new Moment();
    const isAfterEnd = this.#commandEnded;
    this.#sentAfter = this.#confirmed.age;
    if (!await this.#repeated(() => this.#keeper.renew())) {
      throw new LockLostError(`${this.#keeper.where} has freed it`);
    }
    this.#heldToEnd ||= isAfterEnd;
    this.#confirmed = sent;
    this.#sentAfter = undefined;
    if (this.#released || this.lost.aborted) return;
    this.#watch();
    this.onRenewed?.();
  }

  /** Does something again that an administrator, or a limit, has broken off while the keeper went on. */
  async #repeated<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof LockUnavailableError && error.transient) || this.#keeper.ended.aborted) throw error;
      return await ask();
    }
  }

  /** Gives the lock up when the command would otherwise still run when another may have it. */
  #watch(): void {
    clearTimeout(this.#fence);
    const left = stopsAfter(this.#terms) - this.#confirmed.age;
    if (left <= 0) return this.#loseToTime();
    this.#fence = setTimeout(() => this.#watch(), left);
  }

  #loseToTime(): void {
    // At the command's end the lease had not run out.
    this.#heldToEnd ||= this.#commandEnded;
    const what = `${this.#keeper.where}: no answer for ${formatDuration(Math.round(this.#confirmed.age))}`;
    this.#lose({ what });
  }

  #lose(why: Trouble): void {
    if (this.#released || this.lost.aborted) return;
    this.#stop();
    const within = Math.min(this.left, graceOf(this.#terms));
    const { what, cure } = this.#suspension() ?? why;
    this.#lost.abort(new LockLostError(`Lock lost: ${what}`, cure, within));
  }

  /** Says that sera itself did not run: a look is overdue by more than a beat. What the server says then only follows. */
  #suspension(): Trouble | undefined {
    const beat = heartbeatOf(this.#terms);
    const late = (this.#sentAfter ?? this.#confirmed.age) - beat;
    if (late <= beat) return undefined;
    const span = formatDuration(Math.round(late / 1000) * 1000);
    const { where } = this.#keeper;
    return { what: `sera was suspended for ${span} (SIGSTOP, or a machine that slept); ${where} may have freed it` };
  }

  #stop(): void {
    this.#heartbeat[Symbol.dispose]();
    clearTimeout(this.#fence);
  }
}

function reasonOf(error: unknown): Trouble {
  return error instanceof LockUnavailableError ? { what: error.reason, cure: error.cure } : troubleOf(error);
}
