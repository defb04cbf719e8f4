import { LockUnavailableError } from "../../errors.ts";
import type { LeaseTerms } from "../../lock/lease.ts";
import { isPlain } from "../../text/harmless.ts";
import type { Session } from "../sql/session.ts";
import { administratorsSql, join, sql, variable, word } from "../sql/statement.ts";
import type { MySqlDsn } from "./server.ts";

/**
 * Sets a session up as the DSN and the lease ask.
 *
 * @throws {LockUnavailableError} When the server refuses.
 */
export async function setUp(session: Session, dsn: MySqlDsn, lease: LeaseTerms, signal: AbortSignal): Promise<void> {
  await setNames(session, dsn, signal);
  const assignments = Object.entries(dsn.sessionVariables).map(([name, value]) =>
    sql`${variable(name)}=${administratorsSql(value)}`
  );
  // Last, so that the DSN cannot override it: it frees the lock of a node that has vanished. Whole seconds.
  assignments.push(sql`wait_timeout=${Math.ceil(lease.ttl / 1000)}`);
  await session.query(sql`SET ${join(assignments)}`, { signal }).catch((error: unknown) => {
    // Keep a signal's reason.
    if (!(error instanceof LockUnavailableError) || signal.aborted) throw error;
    // Servers repeat values, which may be secrets.
    throw reworded(error, withoutValues);
  });
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

function reworded({ what, cure, why, transient, where }: LockUnavailableError, change: (text: string) => string) {
  return new LockUnavailableError(change(what), cure && change(cure), { why: change(why), transient, where });
}
