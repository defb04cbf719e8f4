import type { Backend } from "../../backends/backend.ts";
import type { LockSession } from "../../lock/lock.ts";
import { mayBeServer } from "../../text/harmless.ts";
import { HELD_LOCKS, withLock } from "./held_locks.ts";

/** The longest key to put into the environment, in characters: the kernel limits the size of a variable, and of all. */
const LONGEST_KEY = 4096;

/** What a command is told about its lock. */
export interface LockFacts {
  readonly name: string;
  /** The text that the name is computed from. */
  readonly key: string;
  readonly host: string;
  readonly server: Pick<Backend, "identity">;
  /** The session that holds it, if it is always the same one. */
  readonly session?: LockSession | undefined;
  /** The value of SERA_HELD_LOCKS that sera was started with. */
  readonly above: string | undefined;
  /** The run's number in the ledger, if it keeps one. */
  readonly runId?: bigint | undefined;
  /** The slot that is held, if slots were asked for. */
  readonly slot?: number | undefined;
  /** The lock's own fencing token, if it has one; else the run's number is the token. */
  readonly token?: bigint | undefined;
}

/**
 * The variables that tell a command about its lock. Those that do not apply are undefined and get removed, so that a sera
 * inside a command does not pass on another lock's: without a ledger a run has no number.
 */
export function lockVariables(
  { name, key, host, server, session, above, runId, slot, token = runId }: LockFacts,
): Record<string, string | undefined> {
  return {
    SERA_LOCK_NAME: name,
    SERA_LOCK_KEY: key.length > LONGEST_KEY ? undefined : key,
    SERA_HOST: host,
    SERA_SLOT: slot?.toString(),
    SERA_RUN_ID: runId?.toString(),
    SERA_TOKEN: token?.toString(),
    [HELD_LOCKS]: withLock(above, name, server, session),
  };
}

/** The key for lines of JSON; undefined when it is too long for the variable too, or may hold a server's password. */
export function keyForLog(key: string): string | undefined {
  // A URL without a user has no password.
  const isSecret = mayBeServer(key) && /@|%40|pass\w*\s*=/i.test(key);
  return key.length > LONGEST_KEY || isSecret ? undefined : key;
}
