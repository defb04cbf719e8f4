import { TroubleError } from "../../errors.ts";
import { sql } from "../sql/statement.ts";
import type { Store } from "../sql/ledger_table.ts";

/** What makes SQLite reckon whenever a row is written, and a comment that could stand between two words of it. */
const EXPRESSION = /\b(?:AS|CHECK|FOREIGN|GENERATED|REFERENCES|USING|VIRTUAL)\b|\bDEFAULT\s*\(|--|\/\*/i;

/** An index of columns, not of expressions or of a part of the rows. */
const PLAIN_INDEX = /^CREATE INDEX "?\w+"? ON "?sera_runs"? ?\([\w\s,"]+\)$/i;

/**
 * Makes sure that a file which others may have made holds the ledger and nothing else. Triggers, views and expressions are
 * programs of theirs, which would run in this process, without an end if they like.
 *
 * @throws {TroubleError} When there is anything else.
 */
export async function refuseOthersSchema(store: Store): Promise<void> {
  for (const { type, name, sql: text } of await store.run(sql`SELECT type, name, sql FROM sqlite_master`)) {
    if (isLedgers(String(type), String(name), text === null ? "" : String(text))) continue;
    throw new TroubleError("it holds more than the ledger, or another table", "move it away to begin anew");
  }
}

function isLedgers(type: string, name: string, text: string): boolean {
  if (type === "table") return name === "sqlite_sequence" || name === "sera_runs" && !EXPRESSION.test(text);
  return type === "index" && (text === "" || PLAIN_INDEX.test(text));
}
