import { LockUnavailableError, type Trouble } from "../../errors.ts";
import { exactFrom, MAX_TEXT_LENGTH } from "../../text/untrusted.ts";
import { join, sql, type Statement } from "./statement.ts";
import type { LedgerColumn } from "./dialect.ts";
import { type LedgerTable, UNFIT_KEY } from "./ledger_table.ts";
import type { Runner } from "../../ledger/run.ts";
import type { Row } from "./row.ts";
import { COLUMN_NAMES, COLUMNS, VERSION } from "./schema.ts";
import { askTogether } from "./ask_together.ts";

/** IDs from here on cannot have been reached by counting. */
const ABSURD_ID = 2n ** 62n;

/** Characters that encodings lack, fewest first: MySQL's utf8mb3, Latin-1 and similar ones, ASCII. */
const LACKING = [/[\u{10000}-\u{10ffff}]/gu, /[^\n\t -~\xa0-\xff]/gu, /[^\n\t -~]/gu];

const TOO_HIGH = "delete the rows with such ids, then ";

/** How often to insert a row again when its ID is taken. */
const ID_TRIES = 20;

/**
 * Adds a run to the ledger. Characters of the label, the host and the user that the database's encoding lacks are
 * replaced.
 *
 * @param more Columns besides the lock, the key and those of the runner.
 * @returns Its id.
 * @throws {LockUnavailableError} When it cannot be added, or the table would lose it.
 */
export async function insertRun(
  ledger: LedgerTable,
  lock: string,
  key: string | undefined,
  runner: Runner,
  more: Readonly<Partial<Record<LedgerColumn, Statement>>>,
): Promise<bigint> {
  let fit = runner;
  for (let tries = 0;; tries++) {
    try {
      return await insert(ledger, lock, key, fit, more);
    } catch (error) {
      const isUnfit = error instanceof LockUnavailableError && ledger.dialect.isUnencodable(error.cause);
      const lacking = LACKING[tries];
      if (!isUnfit || lacking === undefined) throw error;
      fit = replace(lacking, runner);
    }
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
    lock_name: sql`${truncate(lock)}`,
    run_key: key === undefined ? sql`NULL` : sql`${truncate(key)}`,
    label: sql`${truncate(label)}`,
    host: sql`${truncate(host)}`,
    pid: sql`${pid}`,
    session_id: dialect.session,
    user_name: sql`${truncate(user)}`,
    ...more,
  };
  const names = COLUMN_NAMES.filter((name) => values[name] !== undefined);
  const columns = join(names.map((name) => COLUMNS[name]));
  const row = join(names.map((name) => values[name]!));
  const { before, after } = dialect.requireUpdate ?? { before: sql``, after: sql`` };
  const named = { lock, key };
  for (let tries = 1;; tries++) {
    try {
      const statement = sql`${before}INSERT INTO ${table} (${columns}) VALUES (${row})${after}`;
      const id = await tryInsert(ledger, named, statement);
      if (id !== undefined) return id;
      if (dialect.lastId === undefined) {
        throw ledger.failure({
          what: "the database did not store the run",
          cure: "see the table's triggers, rules and policies",
        });
      }
    } catch (error) {
      const trouble = error instanceof LockUnavailableError ? dialect.idTrouble(error.cause) : undefined;
      if (trouble === undefined) throw error;
      if (trouble === "taken" && tries < ID_TRIES) continue;
      if (trouble === "taken") {
        throw ledger.failure({ what: "the run numbers that it assigns are already taken", cure: dialect.idCure });
      }
    }
    // Not if sera itself was given such an ID: its row may have been deleted since, and IDs must never decrease.
    const next = sql`SELECT ${dialect.nextId}, ${row} FROM ${table} WHERE id < ${ABSURD_ID} AND NOT EXISTS
      (SELECT 1 FROM ${table} WHERE id >= ${ABSURD_ID} AND outcome = 'unstarted') HAVING COUNT(*) > 0`;
    const id = await tryInsert(ledger, named, sql`INSERT INTO ${table} (id, ${columns}) ${next}`);
    if (id !== undefined) return id;
    throw ledger.failure({ what: "it has no run numbers left", cure: `${TOO_HIGH}${dialect.idCure}` });
  }
}

/** Inserts a row and returns its id; undefined if there is no such row afterwards. */
async function tryInsert(
  ledger: LedgerTable,
  { lock, key }: { readonly lock: string; readonly key: string | undefined },
  insert: Statement,
): Promise<bigint | undefined> {
  const { dialect } = ledger;
  const { table, lastId, readNumber, readText, decodeText, storage, idCure } = dialect;
  const keeps = storage === undefined ? sql`` : sql`, ${storage} AS storage`;
  // A server that is not in strict mode silently truncates or replaces what does not fit a column.
  const kept = sql`${readNumber(sql`id`)} AS id, ${readText(COLUMNS.lock_name)} AS lock_name,
    ${readText(COLUMNS.run_key)} AS run_key${keeps}`;
  const inserts = lastId === undefined
    ? [sql`${insert} RETURNING ${kept}`]
    // A LEFT JOIN, to get `storage` even if the table has not kept the row.
    : [insert, sql`SELECT ${kept} FROM (SELECT 1) one LEFT JOIN ${table} ON id = ${lastId}`];
  let row: Row | undefined;
  for (const asked of askTogether(ledger, inserts)) [row] = await asked.rows();
  const volatile = await whyVolatile(ledger, row?.storage);
  const id = exactFrom(row?.id);
  if (row === undefined || id === undefined) {
    if (volatile === undefined) return undefined;
    throw ledger.failure(volatile);
  }
  const objection = volatile ?? whyChanged("lock's name", decodeText(row.lock_name), lock) ??
    (key === undefined ? undefined : whyChanged("key", decodeText(row.run_key), key)) ??
    (id > 0n && id < ABSURD_ID
      ? undefined
      : { what: `it assigned the number ${id}, which leaves none for later runs`, cure: `${TOO_HIGH}${idCure}` });
  if (objection === undefined) return id;
  await ledger.ask(sql`UPDATE ${table} SET outcome = 'unstarted' WHERE id = ${id}`);
  throw ledger.failure(objection);
}

/**
 * Why the table may lose its rows, and what to do; undefined if it does not.
 *
 * @param storage The value of {@linkcode Dialect.storage}.
 */
export async function whyVolatile(ledger: LedgerTable, storage: unknown): Promise<Trouble | undefined> {
  const { dialect } = ledger;
  const below = dialect.storageBelow?.(storage);
  return dialect.whyVolatile(below ? (await ledger.askExisting(below))[0]?.storage : storage);
}

function whyChanged(what: string, kept: string | undefined, given: string): Trouble | undefined {
  if (kept === truncate(given)) return undefined;
  return /^[ -~]*$/.test(given)
    ? {
      what: `its table does not store the ${what} unchanged`,
      cure: "make the column as long as in sera history --schema, without triggers",
    }
    : { what: `its table cannot hold the ${what}`, cure: UNFIT_KEY };
}

/** Replaces each character that an encoding lacks by a question mark. */
function replace(lacking: RegExp, { label, host, pid, user }: Runner): Runner {
  const of = (text: string) => text.replace(lacking, "?");
  return { label: of(label), host: of(host), pid, user: of(user) };
}

/** Cuts a text to what fits into a column. */
export function truncate(text: string): string {
  return text.length <= MAX_TEXT_LENGTH ? text : [...text].slice(0, MAX_TEXT_LENGTH).join("");
}
