import { unlessAborted } from "../../../waiting.ts";
import { LockUnavailableError, type Trouble } from "../../../errors.ts";
import type { LockSession } from "../../../lock/lock.ts";
import { ConnectionError } from "../../network/errors.ts";
import type { QueryOptions } from "../query_options.ts";
import type { Session } from "../session.ts";
import type { Row } from "../row.ts";
import type { Statement } from "../statement.ts";
import type { Querier, SettingsFrom } from "../querier.ts";
import { type Outcome, rowsIfAny } from "../batch.ts";

/** The connection of a lease, which outlives each of its sessions: when one has ended, the next use opens another. */
export class LeaseConnection<S extends Session> implements LockSession, Querier {
  readonly #open: (signal: AbortSignal) => Promise<S>;
  readonly #reopened: (session: S, why: Trouble) => void;
  readonly #closed = new AbortController();
  readonly #settingsFrom: (session: S) => SettingsFrom;
  endRun: Querier["endRun"];
  #session: S;
  #opening: Promise<S> | undefined;
  /** Why the last session that gave an answer ended; undefined if none has ended, or it has been reported. */
  #unreported: Trouble | undefined;

  /**
   * @param session The first session.
   * @param open Opens another one.
   * @param settingsFrom Returns where statements in a session get their settings from.
   * @param reopened Called when a new session has given its first answer, with the reason why the previous one ended.
   */
  constructor(
    session: S,
    open: (signal: AbortSignal) => Promise<S>,
    settingsFrom: (session: S) => SettingsFrom,
    reopened: (session: S, why: Trouble) => void,
  ) {
    this.#settingsFrom = settingsFrom;
    this.#session = session;
    this.#open = open;
    this.#reopened = reopened;
  }

  get where(): string {
    return this.#session.where;
  }

  get number(): number | undefined {
    return this.#session.number;
  }

  get serverMark(): string | undefined {
    return this.#session.serverMark;
  }

  get takesSeveral(): boolean {
    return this.#session.takesSeveral;
  }

  get settingsFrom(): SettingsFrom {
    return this.#settingsFrom(this.#session);
  }

  /** Fires when sera itself has ended the connection for good. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /**
   * The current session, or a new one if that has ended. Tries only once to open it.
   *
   * @throws {LockUnavailableError} When no server can be reached, or the connection was ended for good.
   */
  async session(): Promise<S> {
    const { reason } = this.closed;
    if (this.closed.aborted) throw LockUnavailableError.on(this.where, { what: String(reason?.message ?? reason) });
    if (!this.#session.closed.aborted) return this.#session;
    return await (this.#opening ??= this.#reopen().finally(() => this.#opening = undefined));
  }

  async queryAll(statement: Statement, options: QueryOptions = {}): Promise<readonly Row[]> {
    const session = await this.#sessionUnless(options.signal);
    const rows = await session.queryAll(statement, options);
    this.answered(session);
    return rows;
  }

  async batch(statements: readonly Statement[], options: QueryOptions = {}): Promise<readonly Outcome[]> {
    const session = await this.#sessionUnless(options.signal);
    const outcomes = await session.batch(statements, options);
    if (outcomes.some((outcome) => rowsIfAny(outcome))) this.answered(session);
    return outcomes;
  }

  /** Call this when a session has answered: reports once that it is a new one. */
  answered(session: S): void {
    const why = this.#unreported;
    this.#unreported = undefined;
    if (why) this.#reopened(session, why);
  }

  /** Stops opening new sessions; the current one stays open. */
  stop(): void {
    if (!this.closed.aborted) this.#closed.abort(new ConnectionError("the connection was abandoned"));
  }

  /** Ends the connection for good, at once. */
  destroy(): void {
    this.stop();
    this.#session.destroy();
  }

  /** @throws The signal's reason when it is aborted. */
  async #sessionUnless(signal: AbortSignal | undefined): Promise<S> {
    signal?.throwIfAborted();
    return await unlessAborted(signal, this.session());
  }

  async #reopen(): Promise<S> {
    this.#unreported ??= this.#session.closed.reason as Trouble;
    const session = await this.#open(this.closed);
    this.#session = session;
    if (this.closed.aborted) session.destroy();
    return session;
  }
}
