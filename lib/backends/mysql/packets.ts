/** Reads and checks the packets of MySQL and MariaDB. */

import type { FrameCursor } from "../network/frames.ts";
import { OtherProtocolError, type ProtocolError, ProtocolViolation } from "../network/protocol_error.ts";

/** In place of a length: the value is NULL. */
const NULL = 0xfb;

/** The maximum number of columns of a table, on any server. */
const MAX_COLUMNS = 4096;

/** The largest login packet to accept, in bytes; no server's public key is larger. */
const MAX_LOGIN_DATA_SIZE = 4096;

/** Capability flags. */
const LONG_PASSWORD = 1;
const PROTOCOL_41 = 0x200;
const SSL = 0x800;
const SECURE_CONNECTION = 0x8000;
const PLUGIN_AUTH = 0x80000;
const SESSION_TRACK = 0x800000;
/** One of MariaDB's own flags, which are in four bytes that MySQL leaves empty. */
const EXTENDED_METADATA = 8;

/** Status flag: another result follows. */
const MORE_RESULTS = 8;

/** Column types of whole numbers, and of those with a fraction. */
const INTEGERS = new Set([1, 2, 3, 8, 9, 13]);
const FLOATS = new Set([4, 5]);
/** Column types that the driver turns into objects: vectors, JSON, geometries. */
const STRUCTURED = new Set([242, 245, 255]);

/** Capabilities of a server that change what it sends. */
export interface Capabilities {
  readonly tls: boolean;
  /** Whether it reports changes to the session. */
  readonly tracksSession: boolean;
  /** Whether it describes columns' types in more detail, as MariaDB does. */
  readonly hasExtendedTypes: boolean;
}

/**
 * Reads the greeting, a server's first packet.
 *
 * @throws {ProtocolError} When it is malformed, or of a server before MySQL 4.1.
 */
export function readGreeting(content: FrameCursor): Capabilities {
  const version = content.byte();
  if (version !== 10) throw new OtherProtocolError("MySQL");
  content.nullTerminated();
  // Connection id, first part of the scramble, filler.
  content.skip(4 + 8 + 1);
  const low = content.number(2, "little");
  // Character set, status.
  if (content.rest > 0) content.skip(3);
  const high = content.rest > 0 ? content.number(2, "little") : 0;
  const capabilities = low + high * 0x10000;
  if (!(capabilities & PROTOCOL_41) || !(capabilities & SECURE_CONNECTION)) {
    throw broken("a greeting of a server before 4.1");
  }
  const scramble = content.byte();
  content.skip(6);
  const extended = content.number(4, "little");
  content.skip(scramble === 0 ? 12 : Math.max(13, scramble - 8));
  if (capabilities & PLUGIN_AUTH && content.rest === 0) throw content.broken();
  return {
    tls: (capabilities & SSL) !== 0,
    tracksSession: (capabilities & SESSION_TRACK) !== 0,
    hasExtendedTypes: !(capabilities & LONG_PASSWORD) && (extended & EXTENDED_METADATA) !== 0,
  };
}

/**
 * Checks a packet in which a server asks for something more to log in.
 *
 * @throws {ProtocolError} When it is too long.
 */
export function checkLoginData(content: FrameCursor): void {
  if (content.rest > MAX_LOGIN_DATA_SIZE) throw broken("a login of more than 4 KiB");
}

/**
 * Checks an OK packet, which ends a login, or a statement without rows.
 *
 * @returns Whether it announces another result.
 * @throws {ProtocolError} When it is malformed.
 */
export function checkOk(content: FrameCursor, { tracksSession }: Capabilities): boolean {
  content.byte();
  // Affected rows, last inserted id.
  lengthOf(content);
  lengthOf(content);
  const status = content.number(2, "little");
  // Warnings.
  content.skip(2);
  if (tracksSession && content.rest > 0) content.skip(lengthOf(content));
  return (status & MORE_RESULTS) !== 0;
}

/**
 * Reads how many columns a result has.
 *
 * @throws {ProtocolError} When there are too many, or more than that number in the packet.
 */
export function readColumnCount(content: FrameCursor): number {
  const columns = lengthOf(content);
  content.end();
  if (columns > MAX_COLUMNS) throw content.broken();
  return columns;
}

/**
 * Reads the definition of a column.
 *
 * @returns The number of its type.
 * @throws {ProtocolError} When it is malformed, or of a type that sera never asks for.
 */
export function readColumn(content: FrameCursor, { hasExtendedTypes }: Capabilities): number {
  // Catalog, schema, table and its alias, column and its alias; extended type.
  for (let text = 0; text < (hasExtendedTypes ? 7 : 6); text++) content.skip(lengthOf(content));
  if (content.byte() !== 12) throw content.broken();
  // Character set and length.
  content.skip(6);
  const type = content.byte();
  content.skip(5);
  content.end();
  if (STRUCTURED.has(type)) throw broken("a column of an unexpected type");
  return type;
}

/**
 * Checks an EOF packet, which ends the columns or the rows.
 *
 * @returns Whether it announces another result.
 * @throws {ProtocolError} When it is malformed.
 */
export function checkEnd(content: FrameCursor): boolean {
  content.byte();
  // Warnings.
  content.skip(2);
  const status = content.number(2, "little");
  content.end();
  return (status & MORE_RESULTS) !== 0;
}

/** Reads a length-encoded integer. */
function lengthOf(content: FrameCursor): number {
  const first = content.byte();
  if (first < NULL) return first;
  if (first === 0xfc) return content.number(2, "little");
  if (first === 0xfd) return content.number(3, "little");
  if (first === 0xfe) return content.number(4, "little") + 2 ** 32 * content.number(4, "little");
  throw content.broken();
}

/**
 * Checks a value in a row.
 *
 * @param type The number of its column's type.
 * @throws {ProtocolError} When it is malformed.
 */
export function checkValue(content: FrameCursor, type: number): void {
  if (content.next === NULL) {
    content.byte();
    return;
  }
  const length = lengthOf(content);
  const isNumber = INTEGERS.has(type) ? /^-?\d+$/ : FLOATS.has(type) ? /^[-+.\de]+$/i : undefined;
  if (!isNumber) return content.skip(length);
  // The driver would turn any text into a number.
  if (!isNumber.test(content.text(length))) throw broken("an invalid number");
}

/** The error for a packet that MySQL or MariaDB would not send. */
export function broken(what: string): ProtocolError {
  return new ProtocolViolation("MySQL", what);
}
