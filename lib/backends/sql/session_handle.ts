import { LockUnavailableError } from "../../errors.ts";
import { heartbeatOf, type LeaseTerms, Moment } from "../../lock/lease.ts";
import type { ForcedRelease, HolderHandle } from "../../who/holder_handle.ts";
import type { Sighting } from "../../who/sighting.ts";
import type { Session } from "./session.ts";

/** What a {@linkcode SessionHandle} needs from a kind of database. Each method may throw a `LockUnavailableError`. */
export interface HoldingSession<S extends Session> {
  /** Whether that session, and not another one with its number, still holds the lock. */
  holds(session: S, signal: AbortSignal): Promise<boolean>;
  /** Makes the request, which ends with this session. Returns false if somebody else is already asking. */
  ask(session: S, signal: AbortSignal): Promise<boolean>;
  /** Shows for a moment who asks. */
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
 * Asks or forces a session to release its lock. This side's own session may end meanwhile, for example while a prompt at
 * the terminal stays unanswered. Then the server may have been restarted, and another session may have the holder's number.
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
   * @param session The session in which the holder was seen.
   * @param open Returns that session, or another one if it has ended.
   * @param lease Tells how often a holder with the same settings renews.
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

  /** A session on the server where the holder was seen; undefined if that was restarted since, which freed all locks. */
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

  /** Nothing to do: the request ends with the observer's session. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
