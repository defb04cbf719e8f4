import { formatDuration } from "../text/duration.ts";
import { LockLostError, LockUnavailableError, troubleOf } from "../errors.ts";
import { type HeldLock, type Lock, UnreleasedError } from "../lock/lock.ts";
import { NEVER } from "../waiting.ts";
import { type Finding, warning } from "./report.ts";

const CURE = "connect directly to a database server, not through a proxy";

/** The lock could be asked for, but does not behave as a lock should. */
class ProbeError extends Error {}

/** The cure for a lock that is freed only when the connection ends. Only a warning: a run reports it, and goes on. */
const UNRELEASED = "give the user the right to release locks, see privileges";

/**
 * Acquires a test lock, checks that a second session cannot get it, releases it, and checks that it is free again.
 *
 * @param open Makes the test lock, each time in a session of its own.
 * @param allowed Whether locks that are not cluster-wide are accepted (`--allow-unsafe-server`).
 * @throws {LockUnavailableError} When the lock cannot be asked for, or does not behave as it should.
 */
export async function probeLock(open: () => Promise<Lock>, allowed: boolean): Promise<Finding> {
  await using one = await open();
  await using other = await open();
  try {
    return await probe(one, other);
  } catch (error) {
    if (!(error instanceof ProbeError || error instanceof LockLostError)) throw error;
    if (error instanceof UnreleasedError) return { found: error.what, cure: UNRELEASED };
    if (allowed) return { found: `${error.message} (--allow-unsafe-server)`, cure: CURE };
    const { what, cure } = troubleOf(error);
    throw new LockUnavailableError(what, cure === undefined ? CURE : `${cure}; ${CURE}`);
  }
}

async function probe(one: Lock, other: Lock): Promise<Finding> {
  const began = performance.now();
  const lock = await acquire(one);
  if (!lock) throw new ProbeError("somebody else already holds the test lock, which has a random name");
  const took = formatDuration(performance.now() - began);
  let second: HeldLock | undefined;
  try {
    second = await acquire(other);
  } catch (error) {
    if (!(error instanceof LockUnavailableError)) throw error;
    await lock.release();
    // Only a warning: a run could get its lock, though nobody could wait for it.
    const { found, cure } = warning(error);
    return {
      found: `test lock acquired in ${took}, but a second connection failed, so nobody could wait for a lock: ${found}`,
      cure,
    };
  }
  if (second) {
    await second.release();
    await lock.release();
    throw new ProbeError("two connections got the same lock at once");
  }
  await lock.confirm();
  await lock.release();
  const third = await acquire(other);
  if (!third) throw new ProbeError("the test lock was still held after its release");
  await third.release();
  return { found: `test lock acquired in ${took}, second attempt blocked, released` };
}

function acquire(lock: Lock): Promise<HeldLock | undefined> {
  return lock.acquire(0, NEVER);
}
