import type { Buffer } from "node:buffer";
import { FrameCursor, type Framing, LONGEST_ANSWER } from "../network/frames.ts";
import type { ProtocolError } from "../network/protocol_error.ts";
import {
  type Abilities,
  broken,
  checkEnd,
  checkOk,
  checkValue,
  readColumn,
  readColumnCount,
  readGreeting,
} from "./packets.ts";

/** The lengths of the headers: of a packet, and of what holds compressed packets. */
const HEADER = 4;
const COMPRESSED_HEADER = 7;

const OK = 0x00;
const MORE_LOGIN_DATA = 0x01;
const NEXT_FACTOR = 0x02;
/** In the place of a result: the server asks for a file. */
const FILE = 0xfb;
const EOF_OR_SWITCH = 0xfe;
const ERROR = 0xff;

/** No key that a server sends in a login is longer. */
const LONGEST_LOGIN_DATA = 4096;

/** How far a connection has come. */
type Phase =
  /** Nothing has come yet. */
  | "greeting"
  /** The server has greeted, and TLS is being set up: in plain text nothing can come any more. */
  | "encrypting"
  | "login"
  /** Nothing has been asked. */
  | "idle"
  /** A statement is being answered: the parts of the answer. */
  | "result"
  | "columns"
  | "rows"
  /** The server has refused, and has nothing more to say. */
  | "over";

/**
 * What a MySQL or MariaDB server may send to one that logs in and asks one statement after another: each packet is checked
 * for its place and its structure.
 *
 * @see https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html
 */
export class MySqlFrames implements Framing {
  /** Whether the packets come compressed from now on. */
  compressed = false;
  readonly #tls: boolean;
  #phase: Phase = "greeting";
  #abilities: Abilities = { tls: false, tracksSession: false, tellsMoreOfTypes: false };
  /** How many statements have been sent, or are about to be, whose answers have not ended. */
  #asked = 0;
  #columns = 0;
  /** The types of the columns that have come. */
  #types: number[] = [];
  #columnsEnded = false;
  /** How much has come since the last answer ended. */
  #received = 0;

  /** @param tls Whether the login is to be encrypted. */
  constructor(tls: boolean) {
    this.#tls = tls;
  }

  get headerLength(): number {
    return this.compressed ? COMPRESSED_HEADER : HEADER;
  }

  /** To be called with each statement. */
  asked(): void {
    this.#asked++;
  }

  /** To be called when the connection is encrypted. */
  secured(): void {
    this.#phase = "login";
  }

  sizeOf(header: Buffer): number {
    const length = header.readUIntLE(0, 3);
    const uncompressed = this.compressed ? header.readUIntLE(4, 3) : 0;
    this.#received += Math.max(length, uncompressed);
    if (this.#received > LONGEST_ANSWER) throw broken("more than 1 MiB in one answer");
    return this.headerLength + length;
  }

  check(): void {
    // A frame may hold compressed packets, so the packets are looked at one by one, see checkPacket().
  }

  unreadable(): ProtocolError {
    return broken("the driver cannot read it");
  }

  /**
   * Looks at a packet before the driver sees it.
   *
   * @param packet Its content.
   * @param inOrder Whether it has the number that the driver expects.
   * @throws {ProtocolError} When it is none that may come now.
   */
  checkPacket(packet: Buffer, inOrder: boolean): void {
    const content = new FrameCursor(packet, 0, () => broken("a broken packet"));
    const marker = packet[0];
    if (marker === undefined) throw broken("an empty packet");
    if (this.#phase === "encrypting") throw broken("a packet in plain text where TLS begins");
    if (this.#phase === "over") throw broken("a packet after the end");
    // One that the server sends by itself, as it ends the connection, has a number of its own.
    if (marker === ERROR) return this.#checkError(content);
    if (!inOrder) throw broken("a packet out of order");
    if (this.#phase === "idle" && this.#asked > 0) this.#phase = "result";
    switch (this.#phase) {
      case "greeting":
        return this.#checkGreeting(content);
      case "login":
        return this.#checkLogin(content, marker);
      case "idle":
        throw broken("a packet that nobody has asked for");
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
    if (this.#phase === "greeting" || this.#phase === "login" || this.#asked === 0) this.#phase = "over";
    else this.#ended();
  }

  #checkGreeting(content: FrameCursor): void {
    this.#abilities = readGreeting(content);
    // Without TLS the driver gives up by itself.
    this.#phase = this.#tls && this.#abilities.tls ? "encrypting" : "login";
  }

  #checkLogin(content: FrameCursor, marker: number): void {
    switch (marker) {
      case OK:
        this.#checkOk(content);
        return;
      case MORE_LOGIN_DATA:
      case NEXT_FACTOR:
      case EOF_OR_SWITCH:
        if (content.rest > LONGEST_LOGIN_DATA) throw broken("a login of more than 4 KiB");
        return;
    }
    throw broken("a packet that is no part of a login");
  }

  #checkResult(content: FrameCursor, marker: number): void {
    if (marker === OK) return this.#checkOk(content);
    if (marker === FILE) throw broken("a request for a file");
    this.#columns = readColumnCount(content);
    this.#types = [];
    this.#columnsEnded = false;
    this.#phase = "columns";
  }

  /** The end of a login, or of a statement that gives no rows. */
  #checkOk(content: FrameCursor): void {
    checkOk(content, this.#abilities);
    this.#ended();
  }

  #checkColumn(content: FrameCursor): void {
    this.#types.push(readColumn(content, this.#abilities));
    if (this.#types.length === this.#columns) this.#phase = "rows";
  }

  #checkRow(content: FrameCursor, marker: number): void {
    if (marker === EOF_OR_SWITCH && content.rest < 9) {
      checkEnd(content);
      if (this.#columnsEnded) this.#ended();
      this.#columnsEnded = true;
      return;
    }
    if (!this.#columnsEnded) throw broken("rows before the columns have ended");
    for (const type of this.#types) checkValue(content, type);
    content.end();
  }

  /** An answer, or the login, has ended. */
  #ended(): void {
    if (this.#phase !== "login") this.#asked--;
    this.#phase = "idle";
    this.#received = 0;
  }
}
