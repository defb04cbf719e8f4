/** The parts of messages of PostgreSQL. */

import type { FrameCursor } from "../network/frames.ts";
import { ProtocolError } from "../network/protocol_error.ts";

/** The length of a value that is none. */
const NULL = 0xffffffff;

/**
 * Checks an error or a notice: texts with one letter each.
 *
 * @param needed The letters of those that have to be there.
 */
export function checkTrouble(content: FrameCursor, needed: string): void {
  let missing = needed;
  for (let field = content.byte(); field !== 0; field = content.byte()) {
    if (content.zeroEnded() > 0) missing = missing.replace(String.fromCharCode(field), "");
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
  const columns = content.number(2, "highest");
  for (let column = 0; column < columns; column++) {
    content.zeroEnded();
    content.skip(16);
    if (content.number(2, "highest") !== 0) throw content.broken();
  }
  content.end();
  return columns;
}

/**
 * Checks a row.
 *
 * @param columns How many it has; undefined where there are no rows.
 */
export function checkRow(content: FrameCursor, columns: number | undefined): void {
  const values = content.number(2, "highest");
  if (values !== columns) throw broken(`a row of ${values} values for ${columns ?? 0} columns`);
  for (let value = 0; value < values; value++) {
    const length = content.number(4, "highest");
    if (length !== NULL) content.skip(length);
  }
  content.end();
}

/** What is wrong with what a server sends. */
export function broken(what: string): ProtocolError {
  return new ProtocolError("PostgreSQL", what);
}
