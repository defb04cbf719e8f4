import type { Socket } from "node:net";
import { aborted, elapsed, firstOf, onAbort } from "../../waiting.ts";
import { formatDuration } from "../../text/duration.ts";
import { LockUnavailableError, type Trouble } from "../../errors.ts";
import { sql, type Statement } from "./statement.ts";
import { ConnectionError } from "../network/errors.ts";
import type { LockSession } from "../../lock/lock.ts";
import { ProtocolError } from "../network/protocol_error.ts";

/** How long saying goodbye to a server may take, in milliseconds; it notices the end of the connection anyway. */
const GOODBYE = 1000;

/** A row of a result. */
export type Row = Readonly<Record<string, unknown>>;

/** What a session needs of a database's driver. */
export interface DriverConnection {
  /** Sends a statement, and calls back once with an error or with its rows. */
  query(statement: Statement, done: (error: unknown, rows: readonly Row[]) => void): void;
  /** Says goodbye, and calls back when that has been done. */
  end(done: () => void): void;
  /** Ends the connection at once. */
  destroy(): void;
  /** The socket below. */
  socket(): Socket;
}

/** What a driver's errors mean. */
export interface ErrorGuide {
  /** Says in a few words what is wrong and what to do; never holds a password. */
  describe(error: unknown): Trouble;
  /** Whether the same request may succeed a moment later. */
  isTransient(error: unknown): boolean;
}

/** How one statement is run. */
export interface QueryOptions {
  /** How long the server is expected to take by itself, in milliseconds, before its time to answer begins. */
  readonly serverTime?: number;
  /** Gives the statement up, and the connection with it. */
  readonly signal?: AbortSignal | undefined;
}

/** One connection to a database server, never replaced by another. */
export class Session implements LockSession {
  /** Where it leads, for messages. */
  readonly where: string;
  /** A comment that goes out with every statement, see `markOf`. */
  mark: Statement = sql``;
  readonly #driver: DriverConnection;
  readonly #guide: ErrorGuide;
  readonly #answerTimeout: number;
  readonly #closed = new AbortController();
  #isGivenUp = false;
  /** How many statements have no answer yet. They are answered one after another. */
  #unanswered = 0;

  /** @param answerTimeout How long an answer may take, in milliseconds. */
  constructor(where: string, driver: DriverConnection, guide: ErrorGuide, answerTimeout: number) {
    this.where = where;
    this.#driver = driver;
    this.#guide = guide;
    this.#answerTimeout = answerTimeout;
  }

  /** Fires once when the connection has ended for any reason; the reason is an Error. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Whether it was this side that ended the connection, as after an answer that did not come. */
  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  /** What the server calls the session; undefined where that is not known. */
  get number(): number | undefined {
    return undefined;
  }

  /** What tells the server from others, wherever it is asked from; undefined where that is not known. */
  get serverMark(): string | undefined {
    return undefined;
  }

  /** The socket below, to be looked at only. */
  get socket(): Socket {
    return this.#driver.socket();
  }

  /**
   * Runs one statement.
   *
   * @returns The first row, an empty one if there is none.
   * @throws {LockUnavailableError} When the statement fails or is not answered.
   * @throws The signal's reason when it is aborted.
   */
  async query(statement: Statement, options: QueryOptions = {}): Promise<Row> {
    return (await this.queryAll(statement, options))[0] ?? {};
  }

  /** As {@linkcode query}, but gives all rows; those of all statements, if there are several. */
  queryAll(statement: Statement, { serverTime = 0, signal }: QueryOptions = {}): Promise<readonly Row[]> {
    const limit = serverTime + this.#answerTimeout * ++this.#unanswered;
    return firstOf<readonly Row[]>(
      () => () => void this.#unanswered--,
      aborted(this.closed, ({ reason }) => {
        throw this.#wrap(reason);
      }),
      (_, reject) =>
        signal && onAbort(signal, () => {
          reject(signal.reason);
          this.destroy();
        }),
      elapsed(limit, () => {
        // Ends the wait by closing the connection.
        const what = `no answer for ${formatDuration(this.#answerTimeout)}`;
        this.destroy({ what, cure: "check the server and the network" });
        return [];
      }),
      (resolve, reject) => {
        this.#driver.query(
          sql`${statement}${this.mark}`,
          (error, rows) => error ? reject(this.#wrap(error)) : resolve(rows),
        );
      },
    );
  }

  /**
   * Says goodbye to the server and ends the connection; a server that does not answer is not waited for.
   *
   * @param untilGone Whether to wait until the server has ended the session too, so that it counts for no limit any more.
   */
  async close({ untilGone = false } = {}): Promise<void> {
    // One that has ended for us may be open yet, see `guard()`.
    if (this.closed.aborted) return this.#driver.destroy();
    await firstOf<void>(
      elapsed(GOODBYE, () => undefined),
      aborted(untilGone ? this.closed : undefined, () => undefined),
      (resolve) => {
        this.#driver.end(() => untilGone || resolve());
      },
    );
    this.destroy();
  }

  /** Ends the connection at once; the server notices and takes back what was asked for. */
  destroy({ what, cure }: Trouble = { what: "the connection was given up" }): void {
    this.#isGivenUp ||= !this.closed.aborted;
    // In sera's own words, as at every run's end, there is nothing to describe.
    if (!this.closed.aborted) this.#closed.abort(new ConnectionError(what, cure));
    this.#driver.destroy();
  }

  /** For whoever made the session: to be called when the connection has ended. The first reason counts. */
  ended(error: unknown): void {
    if (this.closed.aborted) return;
    if (error instanceof ProtocolError) return this.#closed.abort(error);
    const { what, cure } = this.#guide.describe(error);
    this.#closed.abort(new ConnectionError(what, cure));
  }

  #wrap(error: unknown): LockUnavailableError {
    const about = { transient: this.#guide.isTransient(error), cause: error };
    return LockUnavailableError.on(this.where, this.#guide.describe(error), about);
  }
}

/**
 * The session of a database, of what a lock tells of its own.
 *
 * @throws {TypeError} When it is none.
 */
export function inDatabase(session: LockSession | undefined): Session {
  if (session instanceof Session) return session;
  throw new TypeError("a lock of a database has a session");
}
