import { LockUnavailableError } from "../errors.ts";
import { exactFrom, LONGEST_TEXT } from "../foreign.ts";
import { join, sql, type Statement } from "../sql/statement.ts";
import type { LedgerColumn } from "./dialect.ts";
import { type LedgerTable, UNFIT_KEY } from "./ledger_table.ts";
import type { Runner } from "./run.ts";
import { COLUMN_NAMES, COLUMNS, VERSION } from "./schema.ts";

/** Ids from here on are nobody's who counts runs. */
const ABSURD_ID = 2n ** 62n;

/** How often a row is tried to be inserted whose id somebody else's row has. */
const ID_TRIES = 20;

/**
 * Adds a run to the ledger. What of the label, the host and the user the database's encoding lacks is replaced.
 *
 * @param more The columns besides the lock, the key, and whose it is.
 * @returns Its id.
 * @throws {LockUnavailableError} When that is not possible, also where the table would forget it.
 */
export async function insertRun(
  ledger: LedgerTable,
  lock: string,
  key: string | undefined,
  runner: Runner,
  more: Readonly<Partial<Record<LedgerColumn, Statement>>>,
): Promise<bigint> {
  try {
    return await insert(ledger, lock, key, runner, more);
  } catch (error) {
    if (!(error instanceof LockUnavailableError && ledger.dialect.isUnfitText(error.cause))) throw error;
    const { label, host, pid, user } = runner;
    const plain = { label: asAscii(label), host: asAscii(host), pid, user: asAscii(user) };
    return await insert(ledger, lock, key, plain, more);
  }
}

async function insert(
  ledger: LedgerTable,
  lock: string,
  key: string | undefined,
  { label, host, pid, user }: Runner,
  more: Readonly<Partial<Record<LedgerColumn, Statement>>>,
): Promise<bigint> {
  const { dialect } = ledger;
  const { table } = dialect;
  const values: Partial<Record<LedgerColumn, Statement>> = {
    version: sql`${VERSION}`,
    lock_name: sql`${cut(lock)}`,
    run_key: key === undefined ? sql`NULL` : sql`${cut(key)}`,
    label: sql`${cut(label)}`,
    host: sql`${cut(host)}`,
    pid: sql`${pid}`,
    session_id: dialect.session,
    user_name: sql`${cut(user)}`,
    ...more,
  };
  const names = COLUMN_NAMES.filter((name) => values[name] !== undefined);
  const columns = join(names.map((name) => COLUMNS[name]));
  const row = join(names.map((name) => values[name]!));
  for (let tries = 1;; tries++) {
    try {
      return await inserted(ledger, key, sql`INSERT INTO ${table} (${columns}) VALUES (${row})`);
    } catch (error) {
      const trouble = error instanceof LockUnavailableError ? dialect.idTrouble(error.cause) : undefined;
      if (trouble === undefined || trouble === "taken" && tries === ID_TRIES) throw error;
      if (trouble === "taken") continue;
      const next = sql`SELECT ${dialect.nextId}, ${row} FROM ${table} WHERE id < ${ABSURD_ID}`;
      return await inserted(ledger, key, sql`INSERT INTO ${table} (id, ${columns}) ${next}`);
    }
  }
}

/** Inserts a row, and gives its id. */
async function inserted(ledger: LedgerTable, key: string | undefined, insert: Statement): Promise<bigint> {
  const { table, lastId, readNumber, readText, decodeText, keeping, whyForgetful } = ledger.dialect;
  const keeps = keeping === undefined ? sql`` : sql`, ${keeping} AS keeping`;
  // A server that is not strict replaces what a column cannot hold, and says nothing.
  const isChecked = lastId !== undefined && key !== undefined && !/^[ -~]*$/.test(key);
  const kept = isChecked
    ? sql`, (SELECT ${readText(COLUMNS.run_key)} FROM ${table} WHERE id = ${lastId}) AS kept_key`
    : sql``;
  const [row] = lastId === undefined
    ? await ledger.ask(sql`${insert} RETURNING ${readNumber(sql`id`)} AS id${keeps}`)
    : (await ledger.ask(insert), await ledger.ask(sql`SELECT ${readNumber(lastId)} AS id${keeps}${kept}`));
  const id = exactFrom(row?.id);
  const objection = whyForgetful(row?.keeping) ??
    (isChecked && decodeText(row?.kept_key) !== cut(key) ? `its table cannot hold the key; ${UNFIT_KEY}` : undefined);
  if (objection !== undefined) {
    if (id !== undefined) await ledger.ask(sql`UPDATE ${table} SET outcome = 'unstarted' WHERE id = ${id}`);
    throw ledger.failure(objection);
  }
  if (id === undefined) throw ledger.failure("the database does not tell the run's number");
  return id;
}

/** What every encoding has, with a question mark for each character besides. */
function asAscii(text: string): string {
  return text.replace(/[^\n\t -~]/gu, "?");
}

/** As much of a text as a column holds. */
export function cut(text: string): string {
  return [...text].slice(0, LONGEST_TEXT).join("");
}
