import { LockUnavailableError } from "../../errors.ts";
import { heartbeatOf, type LeaseTerms, Moment } from "../../lock/lease.ts";
import type { ForcedRelease, HolderHandle } from "../../who/holder_handle.ts";
import type { Sighting } from "../../who/sighting.ts";
import type { Session } from "./session.ts";

/** What a handle asks a kind of database about a session that holds a lock. Each may throw a `LockUnavailableError`. */
export interface HoldingSession<S extends Session> {
  /** Whether that session, and no other of its number, still holds the lock. */
  holds(session: S, signal: AbortSignal): Promise<boolean>;
  /** Leaves the request, which ends with the asker's session. Returns whether it is ours; else somebody else asks already. */
  ask(session: S, signal: AbortSignal): Promise<boolean>;
  /** Lets others see who asks, for a moment. */
  show?(session: S, signal: AbortSignal): Promise<void>;
  /** Ends that session if it still holds the lock. */
  force(session: S, signal: AbortSignal): Promise<ForcedRelease | undefined>;
  /** How long the server has been up, in milliseconds. */
  uptime(session: S, signal: AbortSignal): Promise<number>;
}

/**
 * The server's number for the session that holds a lock.
 *
 * @throws {LockUnavailableError} When the server did not show it.
 */
export function sessionNumber({ session }: Sighting, { where }: Session): number {
  if (session !== undefined) return session;
  throw LockUnavailableError.on(where, { what: "the server does not show which session holds the lock" });
}

/**
 * The handle on a session that holds a lock. The asker's own session may end meanwhile, as when a question at the terminal
 * stays unanswered for long. Then the server may have been restarted, and another session may have the holder's number.
 */
export class SessionHandle<S extends Session> implements HolderHandle {
  readonly unaskable: string | undefined;
  readonly noticedWithin: number;
  readonly #holder: HoldingSession<S>;
  readonly #open: () => Promise<S>;
  #session: S;
  readonly #seen = new Moment();
  #isRestarted = false;
  #hasAsked = false;

  /**
   * @param session The one in which the holder was seen.
   * @param open Gives that session, or another one where it has ended.
   * @param lease How often the holder renews, if it has the same settings.
   * @param isSera Whether the holder is a sera; undefined if the server does not show that.
   */
  constructor(
    holder: HoldingSession<S>,
    session: S,
    open: () => Promise<S>,
    lease: LeaseTerms,
    isSera: boolean | undefined,
  ) {
    this.unaskable = isSera === false ? "it is not sera, judging by what the server shows" : undefined;
    this.#holder = holder;
    this.#session = session;
    this.#open = open;
    this.noticedWithin = heartbeatOf(lease);
  }

  async holds(signal: AbortSignal): Promise<boolean> {
    const session = await this.#present(signal);
    return session !== undefined && await this.#holder.holds(session, signal);
  }

  async ask(signal: AbortSignal): Promise<void> {
    const session = await this.#present(signal);
    if (!session) return;
    if (this.#hasAsked) await this.#holder.show?.(session, signal);
    else this.#hasAsked = await this.#holder.ask(session, signal);
  }

  async force(signal: AbortSignal): Promise<ForcedRelease | undefined> {
    const session = await this.#present(signal);
    return session && await this.#holder.force(session, signal);
  }

  /** A session on the server as it was when the holder was seen; undefined if that was restarted, and freed all locks. */
  async #present(signal: AbortSignal): Promise<S | undefined> {
    const session = await this.#open();
    if (session !== this.#session) {
      if (session.serverMark !== this.#session.serverMark) {
        const what = "a different server answers now than the one that showed the holder";
        throw LockUnavailableError.on(session.where, { what, cure: "run sera unlock again" });
      }
      this.#isRestarted ||= await this.#holder.uptime(session, signal) < this.#seen.age;
      this.#session = session;
      this.#hasAsked = false;
    }
    return this.#isRestarted ? undefined : session;
  }

  /** The request ends with the observer's session. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
