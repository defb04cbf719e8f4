import { formatDuration } from "../duration.ts";
import { LockLostError, LockUnavailableError } from "../errors.ts";
import type { Backend, HeldLock } from "../lock/lock.ts";
import { type Finding, splitMessage } from "./report.ts";

const CURE = "connect to a database server itself, not to a proxy";

/** What is wrong with a probe, other than that it could not be asked for. */
class ProbeError extends Error {}

/**
 * Takes a lock, sees that it excludes somebody else, gives it back, and sees that it is free again.
 *
 * @param open Makes a backend for the probe; each is another participant.
 * @param allowed Whether a lock that does not exclude everybody will do.
 * @throws {LockUnavailableError} When it cannot be asked for, or is not as it should be.
 */
export async function probeLock(open: () => Promise<Backend>, allowed: boolean): Promise<Finding> {
  await using one = await open();
  await using other = await open();
  try {
    return await probe(one, other);
  } catch (error) {
    if (!(error instanceof ProbeError || error instanceof LockLostError)) throw error;
    if (allowed) return { found: `${error.message} (allow-unsafe-server)`, cure: CURE };
    throw new LockUnavailableError(`${error.message}; ${CURE}`);
  }
}

async function probe(one: Backend, other: Backend): Promise<Finding> {
  const began = performance.now();
  const lock = await acquire(one);
  if (!lock) throw new ProbeError("a lock of a random name is taken by somebody else");
  const took = formatDuration(performance.now() - began);
  let second: HeldLock | undefined;
  try {
    second = await acquire(other);
  } catch (error) {
    if (!(error instanceof LockUnavailableError)) throw error;
    await lock.release();
    // A run could have its lock, but nobody could wait for it.
    const { found, cure } = splitMessage(error.message);
    return { found: `a probe was acquired (in ${took}), but a second connection failed meanwhile: ${found}`, cure };
  }
  if (second) {
    await second.release();
    await lock.release();
    throw new ProbeError("two connections got the same lock at once");
  }
  await lock.confirm();
  await lock.release();
  const third = await acquire(other);
  if (!third) throw new ProbeError("a lock is not free after its release");
  await third.release();
  return { found: `a probe was acquired (in ${took}), kept a second one out, and was released` };
}

function acquire(backend: Backend): Promise<HeldLock | undefined> {
  return backend.acquire(0, new AbortController().signal);
}
