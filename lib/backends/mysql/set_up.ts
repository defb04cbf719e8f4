import { LockUnavailableError } from "../../errors.ts";
import { isPlain } from "../../text/redaction.ts";
import { rowsOf } from "../sql/batch.ts";
import { LOCK_WAIT } from "../sql/ledger_statements.ts";
import type { Session } from "../sql/session.ts";
import { administratorsSql, join, sql, type Statement, variable, word } from "../sql/statement.ts";
import type { MySqlOptions } from "./options.ts";
import type { MySqlDsn } from "./server.ts";
import { errorNumber } from "./table_errors.ts";
import { askVariables, readVariables, type ServerVariables } from "./topology.ts";

/**
 * What every session sets, whatever the DSN or the server says: each statement commits by itself, since a transaction that
 * stays open would keep others from changing a table for as long as a session waits for its lock; and none waits long for
 * a row or a table that others have locked. Servers without InnoDB, or older than 5.5, lack the last ones.
 */
const SETTINGS: readonly Statement[] = [
  sql`autocommit=1`,
  sql`lock_wait_timeout=${LOCK_WAIT / 1000}`,
  sql`innodb_lock_wait_timeout=${LOCK_WAIT / 1000}`,
];

/** The number of the error about a variable that the server does not have. */
const UNKNOWN_VARIABLE = 1193;

/**
 * Sets a session up as the DSN and the lease require, in one message if the server accepts that, and reads the variables
 * that tell what the server is.
 *
 * @throws {LockUnavailableError} When the server refuses, or its answer is invalid.
 */
export async function setUp(
  session: Session,
  dsn: MySqlDsn,
  { lease }: Pick<MySqlOptions, "lease">,
  signal: AbortSignal,
): Promise<ServerVariables> {
  const assignments = Object.entries(dsn.sessionVariables).map(([name, value]) =>
    sql`${variable(name)}=${administratorsSql(value)}`
  );
  assignments.push(
    // Last, so that the DSN cannot override them: this frees the lock of a node that has vanished. Whole seconds.
    sql`wait_timeout=${Math.ceil(lease.ttl / 1000)}`,
    // Servers end a lock's name at a NUL byte, so that in UTF-16 nobody else would know the lock. No client writes in that.
    dsn.collation === undefined
      ? sql`character_set_connection=@@character_set_client`
      : sql`collation_connection=${word(dsn.collation)}`,
  );
  let refused = false;
  if (session.takesSeveral) {
    // The administrator's SQL comes last, so that it cannot run into another statement.
    const outcomes = await session.batch([
      askVariables(),
      ...namesOf(dsn).slice(0, 1),
      set([...assignments, ...SETTINGS]),
    ], { signal });
    const [first] = outcomes;
    if (outcomes.every((outcome) => "rows" in outcome)) return readVariables(session, rowsOf(first!));
    refused = "error" in first! && !first.error.transient;
  }
  // One by one, to leave out what the server lacks, or to learn what it refuses.
  await setNames(session, dsn, signal);
  try {
    await setAsKnown(session, assignments, signal);
  } catch (error) {
    // Keep a signal's reason.
    if (!(error instanceof LockUnavailableError) || signal.aborted) throw error;
    // Servers repeat values, which may be secrets.
    throw reworded(error, withoutValues);
  }
  const rows = await session.queryAll(askVariables(), { signal });
  // The same question has been answered when sent alone.
  session.oneAtATime ||= refused;
  return readVariables(session, rows);
}

function set(assignments: readonly Statement[]): Statement {
  return sql`SET ${join(assignments)}`;
}

/** Sets the settings, without the last ones if the server lacks a variable. */
async function setAsKnown(session: Session, assignments: readonly Statement[], signal: AbortSignal): Promise<void> {
  for (let known = SETTINGS.length;; known--) {
    try {
      await session.query(set([...assignments, ...SETTINGS.slice(0, known)]), { signal });
      return;
    } catch (error) {
      // It may also be a variable of the DSN.
      const isUnknown = error instanceof LockUnavailableError && errorNumber(error.cause) === UNKNOWN_VARIABLE;
      if (!isUnknown || known === 0) throw error;
    }
  }
}

/**
 * The errors of a Galera node that is not ready, or that cannot wait for the others: it is outside the primary
 * component.
 */
const CUT_OFF = [1047, 1205];

/**
 * Makes statements on a Galera node wait until the node has what the whole cluster committed before them, so that none
 * works on old rows.
 *
 * @throws {LockUnavailableError} When the node is cut off from its cluster.
 */
export async function decideWithCluster(session: Session, signal: AbortSignal): Promise<void> {
  const [sync, probe] = await session.batch([
    // Before reads (1), updates and deletes (2), and inserts (4).
    sql`SET wsrep_sync_wait=7`,
    // To see whether the node can wait for the cluster: SET and SHOW work without it.
    sql`SELECT 1`,
  ], { signal });
  rowsOf(sync!);
  try {
    rowsOf(probe!);
  } catch (error) {
    if (!(error instanceof LockUnavailableError) || !CUT_OFF.includes(errorNumber(error.cause) ?? 0)) throw error;
    throw LockUnavailableError.on(
      session.where,
      {
        what: "the node is cut off from its Galera cluster, or not ready",
        cure: "see wsrep_cluster_status there",
      },
      { transient: true, cause: error.cause },
    );
  }
}

function withoutValues(message: string): string {
  return message.replace(
    /\b(near|value of) '(.*)'/s,
    (all, words: string, value: string) => isPlain(value) ? all : `${words} '...'`,
  );
}

/** How to set the character set, in the order to try them: as in the Go driver, the first that the server knows is set. */
function namesOf({ charsets, collation }: MySqlDsn): readonly Statement[] {
  const collate = collation === undefined ? sql`` : sql` COLLATE ${word(collation)}`;
  const candidates = charsets.length > 0 || collation === undefined ? charsets : [collation.split("_")[0]!];
  return candidates.map((charset) => sql`SET NAMES ${word(charset)}${collate}`);
}

async function setNames(session: Session, dsn: MySqlDsn, signal: AbortSignal): Promise<void> {
  let failure: LockUnavailableError | undefined;
  for (const statement of namesOf(dsn)) {
    try {
      await session.query(statement, { signal });
      return;
    } catch (error) {
      if (!(error instanceof LockUnavailableError) || session.closed.aborted) throw error;
      failure ??= error;
    }
  }
  if (failure) throw dsn.charsets.length > 0 ? failure : blamingCollation(failure);
}

/** Names the collation in the cure: the DSN has no character set, it was taken from the collation. */
function blamingCollation(failure: LockUnavailableError): LockUnavailableError {
  return reworded(failure, (text) => text.replace("correct charset in", "correct collation in"));
}

function reworded(error: LockUnavailableError, change: (text: string) => string): LockUnavailableError {
  const { what, cure, why, transient, where, cause } = error;
  return new LockUnavailableError(change(what), cure && change(cure), { why: change(why), transient, where, cause });
}
