/** The parts of packets of MySQL and MariaDB. */

import type { FrameCursor } from "../network/frames.ts";
import { ProtocolError } from "../network/protocol_error.ts";

/** In the place of a length: there is no value. */
const NULL = 0xfb;

/** A server has no more columns in a table. */
const MOST_COLUMNS = 4096;

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

/** Columns of numbers: whole ones, and those with a fraction. */
const INTEGERS = new Set([1, 2, 3, 8, 9, 13]);
const FLOATS = new Set([4, 5]);
/** Columns that the driver would make more of than a text or a number: vectors, JSON, shapes. */
const ELABORATE = new Set([242, 245, 255]);

/** What a server can do that changes what it sends. */
export interface Abilities {
  readonly tls: boolean;
  /** Whether it tells of changes to the session. */
  readonly tracksSession: boolean;
  /** Whether it tells more of the columns' types, as MariaDB does. */
  readonly tellsMoreOfTypes: boolean;
}

/**
 * Reads the greeting, with which a server begins.
 *
 * @throws {ProtocolError} When it is none of a server that sera can talk to.
 */
export function readGreeting(content: FrameCursor): Abilities {
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
  if (capabilities & PLUGIN_AUTH && content.rest === 0) throw content.broken();
  return {
    tls: (capabilities & SSL) !== 0,
    tracksSession: (capabilities & SESSION_TRACK) !== 0,
    tellsMoreOfTypes: !(capabilities & LONG_PASSWORD) && (extended & EXTENDED_METADATA) !== 0,
  };
}

/** Checks the end of a login, or of a statement that gives no rows. */
export function checkOk(content: FrameCursor, { tracksSession }: Abilities): void {
  content.byte();
  // Affected rows, and the number of a new one.
  lengthOf(content);
  lengthOf(content);
  const status = content.number(2, "lowest");
  // Warnings.
  content.skip(2);
  if (status & MORE_RESULTS) throw broken("more results than asked for");
  if (tracksSession && content.rest > 0) content.skip(lengthOf(content));
}

/** Reads how many columns a result has. */
export function readColumnCount(content: FrameCursor): number {
  const columns = lengthOf(content);
  content.end();
  if (columns > MOST_COLUMNS) throw content.broken();
  return columns;
}

/**
 * Reads what a column is called, and is.
 *
 * @returns The number of its type.
 */
export function readColumn(content: FrameCursor, { tellsMoreOfTypes }: Abilities): number {
  // Catalog, schema, table and column, the last two also by their own names; MariaDB tells more of the type.
  for (let text = 0; text < (tellsMoreOfTypes ? 7 : 6); text++) content.skip(lengthOf(content));
  if (content.byte() !== 12) throw content.broken();
  // Character set and length.
  content.skip(6);
  const type = content.byte();
  content.skip(5);
  content.end();
  if (ELABORATE.has(type)) throw broken("a column of a type that nobody has asked for");
  return type;
}

/** Checks the end of columns, or of rows. */
export function checkEnd(content: FrameCursor): void {
  content.byte();
  // Warnings.
  content.skip(2);
  const status = content.number(2, "lowest");
  content.end();
  if (status & MORE_RESULTS) throw broken("more results than asked for");
}

/** A number before what is that long. */
function lengthOf(content: FrameCursor): number {
  const first = content.byte();
  if (first < NULL) return first;
  if (first === 0xfc) return content.number(2, "lowest");
  if (first === 0xfd) return content.number(3, "lowest");
  if (first === 0xfe) return content.number(4, "lowest") + 2 ** 32 * content.number(4, "lowest");
  throw content.broken();
}

/** Checks a value of a column of this type. */
export function checkValue(content: FrameCursor, type: number): void {
  if (content.next === NULL) {
    content.byte();
    return;
  }
  const length = lengthOf(content);
  const isNumber = INTEGERS.has(type) ? /^-?\d+$/ : FLOATS.has(type) ? /^[-+.\de]+$/i : undefined;
  if (!isNumber) return content.skip(length);
  // The driver makes a number of anything.
  if (!isNumber.test(content.text(length))) throw broken("a number that is none");
}

/** What is wrong with what a server sends. */
export function broken(what: string): ProtocolError {
  return new ProtocolError("MySQL", what);
}
