import type { Buffer } from "node:buffer";
import { FrameCursor, type Framing, MAX_ANSWER_SIZE } from "../network/frames.ts";
import type { ProtocolError } from "../network/protocol_error.ts";
import { PendingResults } from "./pending_results.ts";
import {
  broken,
  type Capabilities,
  checkEnd,
  checkLoginData,
  checkOk,
  checkValue,
  readColumn,
  readColumnCount,
  readGreeting,
} from "./packets.ts";
import { brokenIn, type Phase } from "./phase.ts";

/** The lengths in bytes of a packet's header, and of that of a compressed frame. */
const HEADER = 4;
const COMPRESSED_HEADER = 7;

const OK = 0x00;
const MORE_LOGIN_DATA = 0x01;
const NEXT_FACTOR = 0x02;
/** Instead of a result: the server requests a local file. */
const FILE = 0xfb;
const EOF_OR_SWITCH = 0xfe;
const ERROR = 0xff;

/**
 * Checks that each packet of a MySQL or MariaDB server may come at this point and is well formed, for a client that
 * logs in and then sends one message after another, each with one statement or several.
 *
 * @see https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html
 */
export class MySqlFrames implements Framing {
  /** Whether packets arrive compressed from now on. */
  compressed = false;
  /** Whether the greeting does not offer TLS although it is wanted. */
  lacksTls = false;
  readonly #tls: boolean;
  #phase: Phase = "greeting";
  #capabilities: Capabilities = { tls: false, tracksSession: false, hasExtendedTypes: false };
  readonly #awaited = new PendingResults();
  #columns = 0;
  /** The types of the columns read so far. */
  #types: number[] = [];
  #columnsEnded = false;
  /** How many bytes have arrived since the last answer ended. */
  #received = 0;

  /** @param tls Whether to encrypt the connection before logging in. */
  constructor(tls: boolean) {
    this.#tls = tls;
  }

  get headerLength(): number {
    return this.compressed ? COMPRESSED_HEADER : HEADER;
  }

  /** Call this for each message before it is sent, with how many statements it has. */
  statementSent(statements = 1): void {
    this.#awaited.sent(statements);
  }

  /** Call this when the connection is encrypted. */
  secured(): void {
    this.#phase = "login";
  }

  sizeOf(header: Buffer): number {
    const length = header.readUIntLE(0, 3);
    const uncompressed = this.compressed ? header.readUIntLE(4, 3) : 0;
    this.#received += Math.max(length, uncompressed);
    if (this.#received > MAX_ANSWER_SIZE) throw brokenIn(this.#phase, "more than 1 MiB in one answer");
    return this.headerLength + length;
  }

  check(): void {
    // A frame may hold several compressed packets, so each packet is checked by itself, see checkPacket().
  }

  unreadable(): ProtocolError {
    return broken("the driver cannot read it");
  }

  /**
   * Checks a packet before the driver sees it.
   *
   * @param packet Its content, without the header.
   * @param inOrder Whether it has the sequence number that the driver expects.
   * @throws {ProtocolError} When it may not come now, or is malformed.
   */
  checkPacket(packet: Buffer, inOrder: boolean): void {
    const content = new FrameCursor(packet, 0, () => broken("a malformed packet"));
    const marker = packet[0];
    if (marker === undefined) throw brokenIn(this.#phase, "an empty packet");
    if (this.#phase === "encrypting") throw broken("a packet in plain text where TLS should start");
    if (this.#phase === "over") throw broken("a packet after the end");
    // Checked before the order, since an unsolicited error that ends the connection has its own sequence number.
    if (marker === ERROR) return this.#checkError(content);
    if (!inOrder) throw broken("a packet out of order");
    if (this.#phase === "idle" && !this.#awaited.none) this.#phase = "result";
    switch (this.#phase) {
      case "greeting":
        return this.#checkGreeting(content);
      case "login":
        return this.#checkLogin(content, marker);
      case "idle":
        throw broken("an unexpected packet");
      case "result":
        return this.#checkResult(content, marker);
      case "columns":
        return this.#checkColumn(content);
      case "rows":
        return this.#checkRow(content, marker);
    }
  }

  #checkError(content: FrameCursor): void {
    content.skip(3);
    if (content.rest > 0 && content.byte() === "#".charCodeAt(0)) content.skip(5);
    if (this.#phase === "greeting" || this.#phase === "login" || this.#awaited.none) this.#phase = "over";
    else this.#ended();
  }

  #checkGreeting(content: FrameCursor): void {
    this.#capabilities = readGreeting(content);
    // If TLS is missing, the driver fails by itself, or is told to continue without.
    this.lacksTls = this.#tls && !this.#capabilities.tls;
    this.#phase = this.#tls && !this.lacksTls ? "encrypting" : "login";
  }

  #checkLogin(content: FrameCursor, marker: number): void {
    switch (marker) {
      case OK:
        return this.#resultEnded(checkOk(content, this.#capabilities));
      case MORE_LOGIN_DATA:
      case NEXT_FACTOR:
      case EOF_OR_SWITCH:
        return checkLoginData(content);
      default:
        throw broken("a packet that does not belong to a login");
    }
  }

  #checkResult(content: FrameCursor, marker: number): void {
    if (marker === OK) return this.#resultEnded(checkOk(content, this.#capabilities));
    if (marker === FILE) throw broken("a request for a file");
    this.#columns = readColumnCount(content);
    this.#types = [];
    this.#columnsEnded = false;
    this.#phase = "columns";
  }

  #checkColumn(content: FrameCursor): void {
    this.#types.push(readColumn(content, this.#capabilities));
    if (this.#types.length === this.#columns) this.#phase = "rows";
  }

  #checkRow(content: FrameCursor, marker: number): void {
    if (marker === EOF_OR_SWITCH && content.rest < 9) {
      const announcesMore = checkEnd(content);
      if (this.#columnsEnded) return this.#resultEnded(announcesMore);
      // The end of the columns also announces the next result.
      this.#awaited.check(announcesMore);
      return void (this.#columnsEnded = true);
    }
    if (!this.#columnsEnded) throw broken("rows before the columns have ended");
    for (const type of this.#types) checkValue(content, type);
    content.end();
  }

  #resultEnded(announcesMore: boolean): void {
    if (this.#awaited.moreFollow(announcesMore)) this.#phase = "result";
    else this.#ended();
  }

  /** An answer, or the login, has ended. */
  #ended(): void {
    this.#awaited.answered();
    this.#phase = "idle";
    this.#received = 0;
  }
}
