import { Deadline } from "../../deadline.ts";
import { LockLostError, LockUnavailableError, type Trouble } from "../../errors.ts";
import type { Keeper } from "../../lock/keeper.ts";
import { DURABLE_BEATS_PER_TTL, heartbeatOf, type Moment } from "../../lock/lease.ts";
import { within } from "../../waiting.ts";
import { readRange } from "./answers.ts";
import { currentKeys } from "./current_keys.ts";
import { Path, range } from "./requests.ts";
import type { Place } from "./line.ts";
import type { EtcdSession } from "./session.ts";
import { EndRequests } from "../../lock/end_request.ts";
import { type Persistence, RELEASE_REFUSALS, untilAnswered } from "../../lock/until_answered.ts";
import type { RenewOptions } from "./lease.ts";
import { untilRenewed } from "./until_renewed.ts";

/** A session whose lock is held. */
export interface Kept {
  readonly session: EtcdSession;
  /** Its place, as the holder. */
  readonly place: Place;
  /** The TTL of the lock, in milliseconds: not more than that of the lease. */
  readonly ttl: number;
  /** Says who holds the lock now; undefined if nobody. */
  readonly holder: (signal: AbortSignal) => Promise<string | undefined>;
  /** Called when another member has renewed the lease, and why. */
  readonly moved?: ((where: string, why: Trouble) => void) | undefined;
}

/** Keeps a lock by renewing its lease, at any member. */
export class EtcdKeeper implements Keeper {
  readonly isDurable = true;
  readonly isGivenUp = true;
  readonly session: EtcdSession;
  readonly token: bigint;
  readonly slot: number | undefined;
  readonly alsoTokens: readonly bigint[] | undefined;
  /** Why renewals are not answered at present; undefined if they are. */
  trouble: Trouble | undefined;
  readonly #endRequests = new EndRequests();
  /** Those of all locks that are held. */
  readonly #places: readonly Place[];
  readonly #ttl: number;
  readonly #holder: Kept["holder"];
  readonly #moved: Kept["moved"];
  /** The member that has answered last. */
  #answering: string;
  #isReleased = false;
  /** Whether one of the keys was found to be gone. */
  #isMissing = false;
  /** The revision of the last change of the key that was looked at. */
  #lookedAt: bigint | undefined;
  /** Whether that has been told. */
  #isOver = false;
  /** Whether a request to release it got no answer, so that it may be released. */
  #isUnsure = false;
  /** Until when its release is tried, however often that is asked for. */
  #releaseBy: Deadline | undefined;

  constructor({ session, place, ttl, holder, moved }: Kept) {
    const { created, slot, also } = place;
    this.session = session;
    this.token = created;
    this.slot = slot;
    this.alsoTokens = also?.map(({ created }) => created);
    this.#places = [place, ...also ?? []];
    this.#ttl = ttl;
    this.#holder = holder;
    this.#moved = moved;
    this.#answering = session.where;
  }

  get where(): string {
    return this.session.where;
  }

  get asked(): AbortSignal {
    return this.#endRequests.signal;
  }

  get ended(): AbortSignal {
    return this.session.closed;
  }

  /** Renews the lease. Tries until a member has answered, or the keeper is ended. */
  async renew(): Promise<Moment | undefined> {
    return this.#answered(await untilRenewed((options) => this.#tryToRenew(options), this.#persistence));
  }

  async #tryToRenew(options: RenewOptions): Promise<Moment> {
    const areThere = this.#areThere(options.timeout);
    areThere.then((areThere) => this.#isMissing ||= !areThere, () => undefined);
    const sent = await this.session.lease.renew(options);
    // Whether the lease is good must be known soon, but reading a key takes long if etcd waits for its disk. A key that is
    // found missing later counts at the next renewal.
    if (sent) await within(heartbeatOf({ ttl: this.#ttl, grace: 0, beats: DURABLE_BEATS_PER_TTL }) / 2, areThere);
    if (sent && (!this.#isMissing || this.session.keyEnd.state !== "not asked for")) return sent;
    // A release succeeded although its answer was lost, or while the renewal was on its way.
    this.#isReleased ||= !sent && this.#isUnsure;
    if (this.#isReleased) return this.session.lease.confirmed;
    throw await this.#whyLost(sent ? "its key was deleted" : "its lease has ended");
  }

  /**
   * Revokes the lease. Tries until a member has answered, but no longer than the lease could last. Where the last write to
   * the ledger has deleted the key, others hold the lock already, and nothing waits for the lease.
   */
  async release(): Promise<boolean> {
    const isKeyDeleted = this.session.keyEnd.state === "done";
    this.#isReleased ||= isKeyDeleted;
    if (!this.#isReleased) {
      this.#releaseBy ??= new Deadline(this.#ttl);
      const persistence = { ...this.#persistence, deadline: this.#releaseBy, refusals: RELEASE_REFUSALS };
      this.#answered(await untilAnswered((timeout) => this.#free(timeout), persistence));
    }
    const isFirst = !this.#isOver;
    this.#isOver = true;
    if (isKeyDeleted) this.session.destroy();
    else if (this.#isReleased) this.session.released();
    return isFirst && this.#isReleased;
  }

  async end(): Promise<void> {
    await this.session.close();
  }

  async #free(timeout: number): Promise<void> {
    const asked = () => {
      // The previous request was not answered.
      this.#isUnsure ||= isAsked;
      isAsked = true;
    };
    let isAsked = false;
    try {
      this.#isReleased = await this.session.lease.revoke({ timeout, asking: asked }) || this.#isUnsure;
    } catch (error) {
      this.#isUnsure = true;
      throw error;
    }
  }

  get #persistence(): Persistence {
    return {
      ttl: this.#ttl,
      ended: this.ended,
      failed: ({ reason, cure }) => this.trouble = { what: reason, cure },
    };
  }

  /** Notes that a member has answered. */
  #answered<T>(answer: T): T {
    const before = this.#answering;
    this.#answering = this.where;
    if (before !== this.where) this.#moved?.(this.where, this.trouble ?? { what: `${before} is failing` });
    this.trouble = undefined;
    return answer;
  }

  /** Whether the keys exist: somebody may delete one and leave the lease. If that is not known, the lock is kept. */
  async #areThere(timeout: number | undefined): Promise<boolean> {
    let found;
    try {
      found = await currentKeys(this.session.client, this.#places, { signal: this.ended, timeout });
    } catch (error) {
      if (error instanceof LockUnavailableError) return true;
      throw error;
    }
    return this.#places.every(({ key, created }, index) => {
      const now = found[index];
      // Only a request to end changes the key. The renewal does not wait to read who asks; if that fails, the next one does.
      if (now?.created === created && now.changed !== now.created) {
        this.#lookWhoAsks(key, now.changed).catch(() => undefined);
      }
      return now?.created === created;
    });
  }

  /** @param changed The revision in which the key got another value. */
  async #lookWhoAsks(key: string, changed: bigint): Promise<void> {
    if (changed === this.#lookedAt) return;
    const { client } = this.session;
    const [{ readEndRequest }, answer] = await Promise.all([
      import("./end_request.ts"),
      client.call(Path.range, range({ key }), { signal: this.ended }),
    ]);
    const [now] = readRange(answer).keys;
    const request = now && readEndRequest(now.value);
    if (request) this.#endRequests.noticed(() => Promise.resolve(request));
    this.#lookedAt = changed;
  }

  async #whyLost(what: string): Promise<LockLostError> {
    let holder;
    try {
      holder = await this.#holder(this.ended);
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
    }
    return new LockLostError(`${this.where}: ${what}${holder === undefined ? "" : `, and it is held by ${holder}`}`);
  }
}
