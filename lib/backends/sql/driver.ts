/** What a session needs from a database's driver. */

import type { Socket } from "node:net";
import type { Trouble } from "../../errors.ts";
import type { Row } from "./row.ts";
import type { Statement } from "./statement.ts";

/** A server's answer to a statement: rows, or the driver's error. */
export type DriverAnswer = { readonly rows: readonly Row[] } | { readonly error: unknown };

/** What a session needs from a database's driver. */
export interface DriverConnection {
  /**
   * Sends a statement, and calls back once, with an error or with its rows.
   *
   * @param counts See {@linkcode QueryOptions.counts}.
   */
  query(statement: Statement, done: (error: unknown, rows: readonly Row[]) => void, counts: boolean): void;
  /**
   * Sends several statements without waiting in between, each committing by itself, and calls back once, with the answers
   * in their order: after an error there may be none for the rest. Absent where each has to be sent separately.
   */
  queryEach?(
    statements: readonly Statement[],
    done: (answers: readonly DriverAnswer[]) => void,
    counts: boolean,
  ): void;
  /** Ends the session properly, and then calls back. */
  end(done: () => void): void;
  /** Ends the connection at once. */
  destroy(): void;
  /** The underlying socket. */
  socket(): Socket;
}

/** Translates a driver's errors. */
export interface ErrorTranslator {
  /** Says briefly what is wrong and what to do; never contains a password. */
  describe(error: unknown): Trouble;
  /** Whether the same request may succeed a moment later. */
  isTransient(error: unknown): boolean;
  /** Whether the error may only mean that the server does not accept several statements in one message. */
  mayRefuseSeveral?(error: unknown): boolean;
}
