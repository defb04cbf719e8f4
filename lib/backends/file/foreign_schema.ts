import { TroubleError } from "../../errors.ts";
import { sql } from "../sql/statement.ts";
import type { Store } from "../sql/store.ts";

/**
 * Matches expressions that SQLite would evaluate when a row is written, and comments, which could hide one.
 */
const EXPRESSION = /\b(?:AS|CHECK|FOREIGN|GENERATED|REFERENCES|USING|VIRTUAL)\b|\bDEFAULT\s*\(|--|\/\*/i;

/** Matches an index of columns: not of expressions, and not partial. */
const PLAIN_INDEX = /^CREATE INDEX "?\w+"? ON "?sera_runs"? ?\([\w\s,"]+\)$/i;

/**
 * Makes sure that a file which others may have created contains the ledger and nothing else. Foreign triggers, views and
 * expressions would run in this process, perhaps endlessly.
 *
 * @throws {TroubleError} When it contains anything else.
 */
export async function refuseForeignSchema(store: Store): Promise<void> {
  for (const { type, name, sql: text } of await store.run(sql`SELECT type, name, sql FROM sqlite_master`)) {
    if (isLedgers(String(type), String(name), text === null ? "" : String(text))) continue;
    throw new TroubleError("it contains more than the ledger, or another table", "move it away to start afresh");
  }
}

function isLedgers(type: string, name: string, text: string): boolean {
  if (type === "table") return name === "sqlite_sequence" || name === "sera_runs" && !EXPRESSION.test(text);
  return type === "index" && (text === "" || PLAIN_INDEX.test(text));
}
