/** Checks the messages of PostgreSQL. Each check throws a `ProtocolError` for a malformed one. */

import type { FrameCursor } from "../network/frames.ts";
import { OtherProtocolError, type ProtocolError, ProtocolViolation } from "../network/protocol_error.ts";

/** In place of a length: the value is NULL. */
const NULL = 0xffffffff;

/**
 * Checks an error or a notice, whose fields are a letter and a text.
 *
 * @param needed The letters of the fields that it must have.
 */
export function checkTrouble(content: FrameCursor, needed: string): void {
  let missing = needed;
  for (let field = content.byte(); field !== 0; field = content.byte()) {
    if (content.nullTerminated() > 0) missing = missing.replace(String.fromCharCode(field), "");
  }
  content.end();
  if (missing !== "") throw content.broken();
}

/**
 * Checks the columns of a result, which come as text.
 *
 * @returns How many there are.
 */
export function checkColumns(content: FrameCursor): number {
  const columns = content.number(2, "big");
  for (let column = 0; column < columns; column++) {
    content.nullTerminated();
    content.skip(16);
    if (content.number(2, "big") !== 0) throw content.broken();
  }
  content.end();
  return columns;
}

/**
 * Checks a row.
 *
 * @param columns How many columns it must have; undefined where no rows may come.
 */
export function checkRow(content: FrameCursor, columns: number | undefined): void {
  const values = content.number(2, "big");
  if (values !== columns) throw broken(`a row of ${values} values for ${columns ?? 0} columns`);
  for (let value = 0; value < values; value++) {
    const length = content.number(4, "big");
    if (length !== NULL) content.skip(length);
  }
  content.end();
}

/** The error for a message that PostgreSQL would not send. */
export function broken(what: string): ProtocolError {
  return new ProtocolViolation("PostgreSQL", what);
}

/** The error for a first message that PostgreSQL would not send. */
export function otherService(): ProtocolError {
  return new OtherProtocolError("PostgreSQL");
}
