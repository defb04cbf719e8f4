import { LockUnavailableError } from "../../errors.ts";
import { isPlain } from "../../text/harmless.ts";
import type { Session } from "../sql/session.ts";
import { administratorsSql, join, sql, type Statement, variable, word } from "../sql/statement.ts";
import type { MySqlOptions } from "./options.ts";
import type { MySqlDsn } from "./server.ts";
import { errorNumber } from "./table_errors.ts";

/**
 * What a session for a lock that is a row needs: each statement commits by itself, and none waits for long for a row or
 * a table that others have locked.
 */
const LEASED: readonly Statement[] = [sql`autocommit=1`, sql`lock_wait_timeout=1`];
const LEASED_ON_INNODB = sql`innodb_lock_wait_timeout=1`;

/** The number of the error about a variable that the server does not have. */
const UNKNOWN_VARIABLE = 1193;

/**
 * Sets a session up as the DSN and the lease ask.
 *
 * @throws {LockUnavailableError} When the server refuses.
 */
export async function setUp(
  session: Session,
  dsn: MySqlDsn,
  { lease, leased }: Pick<MySqlOptions, "lease" | "leased">,
  signal: AbortSignal,
): Promise<void> {
  await setNames(session, dsn, signal);
  const assignments = Object.entries(dsn.sessionVariables).map(([name, value]) =>
    sql`${variable(name)}=${administratorsSql(value)}`
  );
  // Last, so that the DSN cannot override it: it frees the lock of a node that has vanished. Whole seconds.
  assignments.push(sql`wait_timeout=${Math.ceil(lease.ttl / 1000)}`, ...leased ? LEASED : []);
  const set = (...more: Statement[]) => session.query(sql`SET ${join([...assignments, ...more])}`, { signal });
  try {
    await set(...leased ? [LEASED_ON_INNODB] : []).catch((error) => {
      if (!leased || !isAboutUnknownVariable(error)) throw error;
      return set();
    });
  } catch (error) {
    // Keep a signal's reason.
    if (!(error instanceof LockUnavailableError) || signal.aborted) throw error;
    // Servers repeat values, which may be secrets.
    throw reworded(error, withoutValues);
  }
}

/** It may be InnoDB's, which a server without InnoDB lacks, or one of the DSN. */
function isAboutUnknownVariable(error: unknown): boolean {
  return error instanceof LockUnavailableError && errorNumber(error.cause) === UNKNOWN_VARIABLE;
}

/** What a Galera node says that is not ready, or that cannot wait for the others: it is outside of the primary component. */
const CUT_OFF = [1047, 1205];

/**
 * Makes statements on a Galera node wait until the node has what the whole cluster committed before them, so that none
 * decides by old rows.
 *
 * @throws {LockUnavailableError} When the node is cut off from its cluster.
 */
export async function decideWithCluster(session: Session, signal: AbortSignal): Promise<void> {
  // Before reads (1), updates and deletes (2), and inserts (4).
  await session.query(sql`SET wsrep_sync_wait=7`, { signal });
  try {
    // SET and SHOW work without the cluster, and so does this where nothing has to wait.
    await session.query(sql`SELECT 1`, { signal });
  } catch (error) {
    if (!(error instanceof LockUnavailableError) || !CUT_OFF.includes(errorNumber(error.cause) ?? 0)) throw error;
    throw LockUnavailableError.on(
      session.where,
      { what: "the node is cut off from its Galera cluster, or not ready", cure: "see wsrep_cluster_status there" },
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

/** Sets the first of the character sets that the server knows, as the Go driver does. */
async function setNames(session: Session, { charsets, collation }: MySqlDsn, signal: AbortSignal): Promise<void> {
  const collate = collation === undefined ? sql`` : sql` COLLATE ${word(collation)}`;
  const candidates = charsets.length > 0 || collation === undefined ? charsets : [collation.split("_")[0]!];
  let failure: LockUnavailableError | undefined;
  for (const charset of candidates) {
    try {
      await session.query(sql`SET NAMES ${word(charset)}${collate}`, { signal });
      return;
    } catch (error) {
      if (!(error instanceof LockUnavailableError) || session.closed.aborted) throw error;
      failure ??= error;
    }
  }
  if (failure) throw charsets.length > 0 ? failure : blamingCollation(failure);
}

/** Names the collation in the cure: the DSN has no character set, it was taken from the collation. */
function blamingCollation(failure: LockUnavailableError): LockUnavailableError {
  return reworded(failure, (text) => text.replace("correct charset in", "correct collation in"));
}

function reworded(error: LockUnavailableError, change: (text: string) => string): LockUnavailableError {
  const { what, cure, why, transient, where, cause } = error;
  return new LockUnavailableError(change(what), cure && change(cure), { why: change(why), transient, where, cause });
}
