import type { Backend } from "../../backends/backend.ts";
import type { LockSession } from "../../lock/lock.ts";
import { mayBeServer } from "../../text/redaction.ts";
import { HELD_LOCKS, withLocks } from "./held_locks.ts";

/** The longest key to put into the environment, in characters: the kernel limits the size of a variable, and of all. */
const MAX_KEY_LENGTH = 4096;

/** What a command is told about its lock. */
export interface LockInfo {
  /** The lock's name; those of several with blanks between them. */
  readonly name: string;
  /** The text that the name is computed from; those of several one a line. */
  readonly key: string;
  readonly host: string;
  readonly server: Pick<Backend, "identity">;
  /** The names of all locks that a sera in the command may not wait for; by default those in `name`. */
  readonly held?: readonly string[] | undefined;
  /** The session that holds it, if it is always the same one. */
  readonly session?: LockSession | undefined;
  /** The value of SERA_HELD_LOCKS that sera was started with. */
  readonly inheritedLocks: string | undefined;
  /** The run's number in the ledger, if it keeps one. */
  readonly runId?: bigint | undefined;
  /** The slot that is held, if slots were asked for. */
  readonly slot?: number | undefined;
  /** The locks' own fencing tokens, in the order of their names, if they have any; else the run's number is the token. */
  readonly tokens?: readonly bigint[] | undefined;
}

/**
 * The variables that tell a command about its lock. Those that do not apply are undefined and get removed, so that a sera
 * inside a command does not pass on another lock's: without a ledger a run has no number.
 */
export function lockVariables(
  { name, key, held = name.split(" "), host, server, session, inheritedLocks, runId, slot, tokens }: LockInfo,
): Record<string, string | undefined> {
  return {
    SERA_LOCK_NAME: name,
    SERA_LOCK_KEY: key.length > MAX_KEY_LENGTH ? undefined : key,
    SERA_HOST: host,
    SERA_SLOT: slot?.toString(),
    SERA_RUN_ID: runId?.toString(),
    SERA_TOKEN: tokens?.join(" ") ?? runId?.toString(),
    [HELD_LOCKS]: withLocks(inheritedLocks, held, server, session),
  };
}

/** The key for lines of JSON; undefined when it is too long for the variable too, or may hold a server's password. */
export function keyForLog(key: string): string | undefined {
  // A URL without a user has no password.
  const isSecret = mayBeServer(key) && /@|%40|pass\w*\s*=/i.test(key);
  return key.length > MAX_KEY_LENGTH || isSecret ? undefined : key;
}
