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
 * What the server says about a statement without rows, in digits. The driver gives numbers that JavaScript cannot hold as
 * text. It asks to count the rows that were found, whether they changed or not (`CLIENT_FOUND_ROWS`).
 */
function countsIn(answer: unknown): Row {
  const { affectedRows, insertId, warningStatus } = (answer ?? {}) as Partial<ResultSetHeader>;
  return { affected: String(affectedRows), last_id: String(insertId), warnings: String(warningStatus) };
}
