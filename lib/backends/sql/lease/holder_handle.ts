import { LockUnavailableError } from "../../../errors.ts";
import { DURABLE_BEATS_PER_TTL, heartbeatOf, Moment } from "../../../lock/lease.ts";
import type { Presence } from "../../../lock/presence.ts";
import { slotName } from "../../../lock/slot_name.ts";
import { ASKED, MIN_MARGIN } from "../../../lock/expiry_watch.ts";
import type { ForcedRelease, HolderHandle } from "../../../who/holder_handle.ts";
import type { SeenLease, Sighting } from "../../../who/sighting.ts";
import type { Session } from "../session.ts";
import { sql, type Statement } from "../statement.ts";
import { type Claim, endRequestFor, type Ownership } from "./row.ts";
import type { LeaseServer } from "./server.ts";

/** How long the row shows who asks, if it is not deleted, and how often it is renewed; in milliseconds. */
const SHOWN = 60_000;
const SHOWN_AGAIN = 20_000;

/** What a handle on a lease needs. */
export interface LeaseHandleOptions<S extends Session> {
  readonly server: LeaseServer<S>;
  readonly holder: Sighting;
  /** Who wants to end it. */
  readonly by: Presence;
  readonly open: () => Promise<S>;
  /** The handle on the session that holds the session lock of the lease, if there is one. */
  readonly queue: HolderHandle | undefined;
}

/** The handle on the holder of a lease, which the fencing token identifies. */
export class LeaseHandle<S extends Session> implements HolderHandle {
  readonly unaskable = undefined;
  readonly noticedWithin: number;
  readonly #options: LeaseHandleOptions<S>;
  /** The name of the holder's row. */
  readonly #lock: string;
  readonly #theirs: Statement;
  readonly #owner = crypto.getRandomValues(new Uint8Array(16)).toHex();
  #hasAsked = false;
  #shown: Moment | undefined;
  #mine: Ownership | undefined;

  /** @param lease The holder's. */
  constructor(options: LeaseHandleOptions<S>, lease: SeenLease) {
    this.#options = options;
    this.#lock = slotName(options.holder.lock, options.holder.slot ?? 0);
    this.#theirs = sql`name = ${this.#lock} AND fence = ${lease.token} AND owner IS NOT NULL`;
    this.noticedWithin = heartbeatOf({ ttl: lease.left + lease.silent, grace: 0, beats: DURABLE_BEATS_PER_TTL });
  }

  async holds(): Promise<boolean> {
    return await this.#left() !== undefined;
  }

  async ask(): Promise<void> {
    if (!this.#shown || this.#shown.age > SHOWN_AGAIN) await this.#show();
    this.#hasAsked ||= await this.#change(sql`beat = beat + ${ASKED}`, this.#theirs);
  }

  async force(signal: AbortSignal): Promise<ForcedRelease | undefined> {
    const mayRun = await this.#left();
    // With the next token, so that the old holder can never own the lease again.
    if (!await this.#change(sql`owner = NULL, fence = fence + 1, beat = beat + 1`, this.#theirs)) return undefined;
    try {
      await this.#options.queue?.force(signal);
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
      const what = `its session blocks others until it ends: ${error.why}`;
      return { mayRun, incomplete: { what, cure: error.cure } };
    }
    return { mayRun };
  }

  /** How long the lease is still valid, in milliseconds; undefined if it is no longer the holder's. */
  async #left(): Promise<number | undefined> {
    const { server: { table }, holder: { lease }, open } = this.#options;
    const now = await table.read(await open(), this.#lock);
    return now?.fence === lease?.token ? Math.max(0, now?.left ?? 0) : undefined;
  }

  /** Shows who asks, if possible. */
  async #show(): Promise<void> {
    const { server: { table }, by: { host, pid, label }, open } = this.#options;
    const from = { slack: MIN_MARGIN, ttls: 1 } as const;
    const claim: Claim = { lock: endRequestFor(this.#lock), owner: this.#owner, ttl: SHOWN, from, host, pid, label };
    this.#shown = new Moment();
    try {
      const session = await open();
      const fence = await table.claim(session, claim) ?? await table.insert(session, claim);
      this.#mine = fence === undefined ? undefined : { owner: this.#owner, fence };
    } catch (error) {
      // A user who may not write that row can still ask.
      if (!(error instanceof LockUnavailableError)) throw error;
    }
  }

  async #change(set: Statement, where: Statement): Promise<boolean> {
    return await this.#options.server.table.change(await this.#options.open(), set, where);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { server: { table }, open, queue } = this.#options;
    try {
      if (this.#hasAsked) await this.#change(sql`beat = beat - ${ASKED}`, sql`${this.#theirs} AND beat >= ${ASKED}`);
      if (this.#mine) await table.release(await open(), endRequestFor(this.#lock), this.#mine);
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
    }
    await queue?.[Symbol.asyncDispose]();
  }
}

/**
 * Makes the handle on the holder of a lease, including its session lock.
 *
 * @param queue Makes the handle on a session lock's holder.
 */
export async function handleOnLease<S extends Session>(
  { server, holder, by, open }: Omit<LeaseHandleOptions<S>, "queue">,
  queue: () => Promise<HolderHandle>,
): Promise<HolderHandle> {
  // A holder without a lease: a sera without the setting, or another program.
  if (!holder.lease) return await queue();
  const inQueue = holder.session === undefined ? undefined : await queue();
  return new LeaseHandle({ server, holder, by, open, queue: inQueue }, holder.lease);
}
