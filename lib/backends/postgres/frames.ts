import type { Buffer } from "node:buffer";
import { FrameCursor, type Framing, MAX_ANSWER_SIZE } from "../network/frames.ts";
import { ConnectionError } from "../network/errors.ts";
import { UnsuitableServerError } from "./errors.ts";
import type { ProtocolError } from "../network/protocol_error.ts";
import { broken, checkColumns, checkRow, checkTrouble, otherService } from "./messages.ts";

/** The length of a message's header in bytes: its type (one), and its length without the type (four). */
const HEADER = 5;

/**
 * The first five bytes of the error that a server sends when it cannot start a process for the connection: "E", and
 * "could not fork new process for connection" without a length.
 */
const FORK_FAILED = "Ecoul";

/** The state of a connection. */
type Phase =
  /** Nothing has arrived yet. */
  | "begin"
  /** The server has asked for a password. */
  | "password"
  /** SCRAM: the list of mechanisms has arrived, then the challenge, then the server's proof. */
  | "sasl"
  | "challenged"
  | "proven"
  /** Logged in; the server sends its parameters. */
  | "welcome"
  /** No statement is being answered. */
  | "idle"
  /** A statement is being answered; after an error only the end of the answer can come. */
  | "answer"
  | "failed"
  /** The server has refused the connection; nothing may follow. */
  | "over";

/**
 * The message types that may come in each state: those of the simple query protocol, except COPY, which sera never
 * uses.
 */
const EXPECTED: Readonly<Record<Phase, string>> = {
  begin: "RE",
  password: "RE",
  sasl: "RE",
  challenged: "RE",
  proven: "RE",
  welcome: "SKNEZ",
  idle: "SNAE",
  answer: "TDCISNAEZ",
  failed: "SNAEZ",
  over: "",
};

/** Authentication requests by number: when each may come, the state after it, and how many more bytes it has. */
const LOGIN: Readonly<Record<number, { readonly from: Phase; readonly to: Phase; readonly more?: number }>> = {
  0: { from: "begin", to: "welcome", more: 0 },
  3: { from: "begin", to: "password", more: 0 },
  5: { from: "begin", to: "password", more: 4 },
  10: { from: "begin", to: "sasl" },
  11: { from: "sasl", to: "challenged" },
  12: { from: "challenged", to: "proven" },
};

/** Authentication methods that sera does not support, by number. */
const UNKNOWN_LOGINS: Readonly<Record<number, string>> = {
  2: "Kerberos V5",
  6: "an SCM credential",
  7: "GSSAPI",
  9: "SSPI",
};

/**
 * Checks that each message of a PostgreSQL server may come at this point and is well formed, for a client that logs in
 * and then sends statements, even before earlier ones are answered.
 *
 * @see https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export class PostgresFrames implements Framing {
  readonly headerLength = HEADER;
  #phase: Phase = "begin";
  /** The number of columns of the rows to come; undefined if no rows may come. */
  #columns: number | undefined;
  /** How many statements have been sent after the one that is being answered. */
  #ahead = 0;
  /** How many bytes have arrived since the last answer ended. */
  #received = 0;
  #loginTrips = 1;

  /** How many round trips the login has taken: one, and one for each further request of the server. */
  get loginTrips(): number {
    return this.#loginTrips;
  }

  /** Call this for each statement before it is sent. */
  statementSent(): void {
    if (this.#phase === "idle") this.#phase = "answer";
    else this.#ahead++;
  }

  sizeOf(header: Buffer): number {
    const type = String.fromCharCode(header[0]!);
    if (!EXPECTED[this.#phase].includes(type)) throw this.#unexpected(header[0]!);
    const length = header.readUInt32BE(1);
    // Plain text in place of a message.
    if (this.#phase === "begin" && header.toString("latin1", 0, HEADER) === FORK_FAILED) {
      throw new ConnectionError("the server cannot start a process for the connection", "see its log");
    }
    if (length < HEADER - 1) throw broken(`a message of ${length} bytes`);
    this.#received += 1 + length;
    if (this.#received > MAX_ANSWER_SIZE) {
      throw this.#phase === "begin" ? otherService() : broken("more than 1 MiB in one answer");
    }
    return 1 + length;
  }

  check(frame: Buffer): void {
    const type = String.fromCharCode(frame[0]!);
    // Checked again: a message before it in the same chunk may have changed the state.
    if (!EXPECTED[this.#phase].includes(type)) throw this.#unexpected(frame[0]!);
    const content = new FrameCursor(frame, HEADER, () => broken(`a malformed message of type ${type}`));
    switch (type) {
      case "R":
        return this.#checkLogin(content);
      case "E":
        checkTrouble(content, "SCM");
        this.#phase = this.#phase === "answer" || this.#phase === "failed" ? "failed" : "over";
        return;
      case "N":
        return checkTrouble(content, "");
      case "T":
        this.#columns = checkColumns(content);
        return;
      case "D":
        return checkRow(content, this.#columns);
      case "C":
        this.#columns = undefined;
        content.nullTerminated();
        return content.end();
      case "S":
        content.nullTerminated();
        content.nullTerminated();
        return content.end();
      case "A":
        content.skip(4);
        content.nullTerminated();
        content.nullTerminated();
        return content.end();
      case "K":
        // Process id, and a secret key that newer servers make longer.
        content.skip(8);
        return;
      case "Z":
        if (!"ITE".includes(String.fromCharCode(content.byte()))) throw content.broken();
        content.end();
        this.#phase = this.#ahead > 0 ? "answer" : "idle";
        this.#ahead = Math.max(0, this.#ahead - 1);
        this.#columns = undefined;
        this.#received = 0;
        return;
      case "I":
        return content.end();
    }
  }

  unreadable(): ProtocolError {
    return broken("the driver cannot read it");
  }

  #checkLogin(content: FrameCursor): void {
    const code = content.number(4, "big");
    const step = LOGIN[code];
    if (UNKNOWN_LOGINS[code] !== undefined) {
      throw new UnsuitableServerError(
        `the server asks for a login by ${UNKNOWN_LOGINS[code]}, which sera does not support`,
        "use scram-sha-256 for this role in pg_hba.conf",
      );
    }
    if (step === undefined) throw broken(`an unknown login, number ${code}`);
    const mayFollow = this.#phase === step.from ||
      code === 0 && (this.#phase === "password" || this.#phase === "proven");
    if (!mayFollow) throw broken("a login in the wrong order");
    if (step.more !== undefined && content.rest !== step.more) throw content.broken();
    if (code === 10) {
      while (content.nullTerminated() > 0);
      content.end();
    }
    // No round trip: the server sends what follows the proof along with it.
    if (code !== 0 && step.to !== "proven") this.#loginTrips++;
    this.#phase = step.to;
  }

  #unexpected(type: number): ProtocolError {
    if (this.#phase === "begin") return otherService();
    const shown = type > 0x20 && type < 0x7f ? String.fromCharCode(type) : type;
    return broken(`an unexpected message of type ${shown}`);
  }
}
