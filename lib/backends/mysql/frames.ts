import type { Buffer } from "node:buffer";
import { FrameCursor, type Framing, LONGEST_ANSWER } from "../network/frames.ts";
import { ProtocolError } from "../network/protocol_error.ts";

/** The lengths of the headers: of a packet, and of what holds compressed packets. */
const HEADER = 4;
const COMPRESSED_HEADER = 7;

const OK = 0x00;
const MORE_LOGIN_DATA = 0x01;
const NEXT_FACTOR = 0x02;
const NULL_OR_FILE = 0xfb;
const EOF_OR_SWITCH = 0xfe;
const ERROR = 0xff;

/** What a server says that it can. */
const LONG_PASSWORD = 1;
const PROTOCOL_41 = 0x200;
const SSL = 0x800;
const SECURE_CONNECTION = 0x8000;
const PLUGIN_AUTH = 0x80000;
const SESSION_TRACK = 0x800000;
/** Of MariaDB's own, in four bytes that MySQL leaves empty. */
const EXTENDED_METADATA = 8;

/** In a status: another result follows. */
const MORE_RESULTS = 8;

/** A server has no more columns in a table, and no key that it sends in a login is longer. */
const MOST_COLUMNS = 4096;
const LONGEST_LOGIN_DATA = 4096;

/** Columns of numbers: whole ones, and those with a fraction. */
const INTEGERS = new Set([1, 2, 3, 8, 9, 13]);
const FLOATS = new Set([4, 5]);
/** Columns that the driver would make more of than a text or a number: vectors, JSON, shapes. */
const ELABORATE = new Set([242, 245, 255]);

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
  #capabilities = 0;
  #extendedMetadata = false;
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
    const version = content.byte();
    if (version !== 10) throw broken(`a greeting of version ${version}`);
    content.zeroEnded();
    // The connection's number, and the first part of the scramble.
    content.skip(4 + 8 + 1);
    const low = content.number(2, "lowest");
    // Character set and status.
    if (content.rest > 0) content.skip(3);
    const high = content.rest > 0 ? content.number(2, "lowest") : 0;
    const capabilities = low + high * 0x10000;
    if (!(capabilities & PROTOCOL_41) || !(capabilities & SECURE_CONNECTION)) {
      throw broken("a greeting of a server before 4.1");
    }
    const scramble = content.byte();
    content.skip(6);
    const extended = content.number(4, "lowest");
    content.skip(scramble === 0 ? 12 : Math.max(13, scramble - 8));
    this.#capabilities = capabilities;
    this.#extendedMetadata = !(capabilities & LONG_PASSWORD) && (extended & EXTENDED_METADATA) !== 0;
    if (capabilities & PLUGIN_AUTH && content.rest === 0) throw content.broken();
    // Without TLS the driver gives up by itself.
    this.#phase = this.#tls && capabilities & SSL ? "encrypting" : "login";
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
    if (marker === NULL_OR_FILE) throw broken("a request for a file");
    const columns = lengthOf(content);
    content.end();
    if (columns > MOST_COLUMNS) throw content.broken();
    this.#columns = columns;
    this.#types = [];
    this.#columnsEnded = false;
    this.#phase = "columns";
  }

  /** The end of a login, or of a statement that gives no rows. */
  #checkOk(content: FrameCursor): void {
    content.byte();
    // Affected rows, and the number of a new one.
    lengthOf(content);
    lengthOf(content);
    const status = content.number(2, "lowest");
    // Warnings.
    content.skip(2);
    if (status & MORE_RESULTS) throw broken("more results than asked for");
    if (this.#capabilities & SESSION_TRACK && content.rest > 0) content.skip(lengthOf(content));
    this.#ended();
  }

  #checkColumn(content: FrameCursor): void {
    // Catalog, schema, table and column, the last two also by their own names; MariaDB tells more of the type.
    for (let text = 0; text < (this.#extendedMetadata ? 7 : 6); text++) content.skip(lengthOf(content));
    if (content.byte() !== 12) throw content.broken();
    // Character set and length.
    content.skip(6);
    const type = content.byte();
    content.skip(5);
    content.end();
    if (ELABORATE.has(type)) throw broken("a column of a type that nobody has asked for");
    this.#types.push(type);
    if (this.#types.length === this.#columns) this.#phase = "rows";
  }

  #checkRow(content: FrameCursor, marker: number): void {
    if (marker === EOF_OR_SWITCH && content.rest < 9) {
      content.byte();
      // Warnings.
      content.skip(2);
      const status = content.number(2, "lowest");
      content.end();
      if (status & MORE_RESULTS) throw broken("more results than asked for");
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

/** A number before what is that long. */
function lengthOf(content: FrameCursor): number {
  const first = content.byte();
  if (first < NULL_OR_FILE) return first;
  if (first === 0xfc) return content.number(2, "lowest");
  if (first === 0xfd) return content.number(3, "lowest");
  if (first === 0xfe) return content.number(4, "lowest") + 2 ** 32 * content.number(4, "lowest");
  throw content.broken();
}

function checkValue(content: FrameCursor, type: number): void {
  if (content.next === NULL_OR_FILE) {
    content.byte();
    return;
  }
  const length = lengthOf(content);
  const isNumber = INTEGERS.has(type) ? /^-?\d+$/ : FLOATS.has(type) ? /^[-+.\de]+$/i : undefined;
  if (!isNumber) return content.skip(length);
  // The driver makes a number of anything.
  if (!isNumber.test(content.text(length))) throw broken("a number that is none");
}

function broken(what: string): ProtocolError {
  return new ProtocolError("MySQL", what);
}
