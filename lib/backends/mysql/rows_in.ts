import type { ResultSetHeader } from "mysql2";
import type { Row } from "../sql/row.ts";

/**
 * The rows of a result as the driver gives it.
 *
 * @param counts Whether an answer without rows counts as one, see `QueryOptions.counts`.
 */
export function rowsIn(result: unknown, counts: boolean): readonly Row[] {
  if (Array.isArray(result)) return result as Row[];
  return counts ? [countsIn(result)] : [];
}

/**
 * The server's answer to a statement without rows, in digits, since the driver returns numbers that are too large for
 * JavaScript as text. The driver makes the server count the rows found, changed or not (`CLIENT_FOUND_ROWS`).
 */
function countsIn(answer: unknown): Row {
  const { affectedRows, insertId, warningStatus } = (answer ?? {}) as Partial<ResultSetHeader>;
  return { affected: String(affectedRows), last_id: String(insertId), warnings: String(warningStatus) };
}
