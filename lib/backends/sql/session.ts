import type { Socket } from "node:net";
import { aborted, type Cause, elapsed, firstOf, onAbort } from "../../waiting.ts";
import { formatDuration } from "../../text/duration.ts";
import { LockUnavailableError, type Trouble } from "../../errors.ts";
import type { DriverAnswer, DriverConnection, ErrorTranslator } from "./driver.ts";
import type { Row } from "./row.ts";
import { isCutShort, oneByOne, type Outcome, outcomesOf } from "./batch.ts";
import type { EndRun } from "./ending.ts";
import type { QueryOptions } from "./query_options.ts";
import { sql, type Statement } from "./statement.ts";
import { ConnectionError } from "../network/errors.ts";
import type { LockSession } from "../../lock/lock.ts";
import { ProtocolError } from "../network/protocol_error.ts";

/** How long a clean close may take, in milliseconds. Otherwise the server notices the end of the connection. */
const CLOSE_TIMEOUT = 1000;

/** One connection to a database server, never replaced by another. */
export class Session implements LockSession {
  /** The server, for messages. */
  readonly where: string;
  /** A comment that is added to every statement, see `markOf`. */
  mark: Statement = sql``;
  /** Set while a lock is held in the session, if it can be released along with the end of a run. */
  endRun: EndRun | undefined;
  /** Whether the server has refused several statements at once. */
  oneAtATime = false;
  readonly #driver: DriverConnection;
  readonly #translator: ErrorTranslator;
  readonly #answerTimeout: number;
  readonly #closed = new AbortController();
  #isGivenUp = false;
  /** How many statements have not been answered yet. They are answered one after another. */
  #unanswered = 0;

  /** @param answerTimeout How long an answer may take, in milliseconds. */
  constructor(where: string, driver: DriverConnection, translator: ErrorTranslator, answerTimeout: number) {
    this.where = where;
    this.#driver = driver;
    this.#translator = translator;
    this.#answerTimeout = answerTimeout;
  }

  /** Fires once when the connection has ended for any reason; the reason is an Error. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Whether this side ended the connection, for example after a time limit. */
  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  /** The server's number for the session; undefined if unknown. */
  get number(): number | undefined {
    return undefined;
  }

  /** Identifies the server, whatever address was used to reach it; undefined if unknown. */
  get serverMark(): string | undefined {
    return undefined;
  }

  /** Whether {@linkcode batch} sends several statements without waiting in between. */
  get takesSeveral(): boolean {
    return !this.oneAtATime && this.#driver.queryEach !== undefined;
  }

  /** The underlying socket, for reading its properties only. */
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

  /** Like {@linkcode query}, but returns all rows; of all statements, if there are several. */
  queryAll(statement: Statement, options: QueryOptions = {}): Promise<readonly Row[]> {
    return this.#answer<readonly Row[]>(options, (resolve, reject) => {
      this.#driver.query(
        this.#marked(statement),
        (error, rows) => error ? reject(this.#wrap(error)) : resolve(rows),
        options.counts ?? false,
      );
    });
  }

  /**
   * Runs statements in order, each committing by itself. After a failure, the later ones may or may not have been run, so
   * the caller must make sure that they are harmless. All of them together have the time of one answer.
   *
   * @returns An outcome for each; an error for those without an answer.
   * @throws The signal's reason when it is aborted.
   */
  async batch(statements: readonly Statement[], options: QueryOptions = {}): Promise<readonly Outcome[]> {
    // The signal's reason may be an error of the same class, but must be thrown.
    const isFailure = (error: unknown): error is LockUnavailableError =>
      error instanceof LockUnavailableError && error !== options.signal?.reason;
    const singly = () => oneByOne((statement) => this.queryAll(statement, options), statements, isFailure);
    if (!this.takesSeveral || statements.length < 2) return await singly();
    const marked = statements.map((statement) => this.#marked(statement));
    const answers = await this.#answer<readonly DriverAnswer[]>(options, (resolve) => {
      this.#driver.queryEach!(marked, resolve, options.counts ?? false);
    }).catch((error) => {
      if (isFailure(error)) return [{ error: error.cause }];
      throw error;
    });
    const [first] = answers;
    if (first && "error" in first && !this.closed.aborted && this.#translator.mayRefuseSeveral?.(first.error)) {
      const outcomes = await singly();
      this.oneAtATime = "rows" in outcomes[0]!;
      return outcomes;
    }
    this.oneAtATime = isCutShort(answers, statements.length);
    return outcomesOf(answers, statements.length, (error) => this.#wrap(error));
  }

  /** Waits for an answer; `ask` sends the question. */
  #answer<T>({ serverTime = 0, signal }: QueryOptions, ask: Cause<T>): Promise<T> {
    const limit = serverTime + this.#answerTimeout * ++this.#unanswered;
    return firstOf<T>(
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
        // Closing rejects the promise, see aborted() above.
        const what = `no answer for ${formatDuration(this.#answerTimeout)}`;
        this.destroy({ what, cure: "check the server and the network" });
        throw this.#wrap(this.closed.reason);
      }),
      ask,
    );
  }

  #marked(statement: Statement): Statement {
    return sql`${statement}${this.mark}`;
  }

  /**
   * Ends the session cleanly, and the connection. Does not wait long for a server that does not answer.
   *
   * @param untilGone Whether to wait until the server has ended the session too, so that it no longer counts against a limit.
   */
  async close({ untilGone = false } = {}): Promise<void> {
    // After an invalid frame the socket is still open, see `guard()`.
    if (this.closed.aborted) return this.#driver.destroy();
    await firstOf<void>(
      elapsed(CLOSE_TIMEOUT, () => undefined),
      aborted(untilGone ? this.closed : undefined, () => undefined),
      (resolve) => {
        this.#driver.end(() => untilGone || resolve());
      },
    );
    this.destroy();
  }

  /** Ends the connection at once; the server notices, and aborts the current statement. */
  destroy({ what, cure }: Trouble = { what: "the connection was abandoned" }): void {
    this.#isGivenUp ||= !this.closed.aborted;
    // Does not use ended(): this is sera's own error, and needs no translation.
    if (!this.closed.aborted) this.#closed.abort(new ConnectionError(what, cure));
    this.#driver.destroy();
  }

  /** The code that opened the session calls this when the connection has ended. The first reason counts. */
  ended(error: unknown): void {
    if (this.closed.aborted) return;
    if (error instanceof ProtocolError) return this.#closed.abort(error);
    const { what, cure } = this.#translator.describe(error);
    this.#closed.abort(new ConnectionError(what, cure));
  }

  #wrap(error: unknown): LockUnavailableError {
    const about = { transient: this.#translator.isTransient(error), cause: error };
    return LockUnavailableError.on(this.where, this.#translator.describe(error), about);
  }
}
