/** Many who want the same lock. */

import assert from "node:assert/strict";
import type { Querier } from "../../../../lib/backends/sql/querier.ts";
import type { LeaseTable } from "../../../../lib/backends/sql/lease/table.ts";
import { LockUnavailableError } from "../../../../lib/errors.ts";
import { claimOf } from "./desk.ts";

/**
 * Has them acquire and release the lock in turns, until it has been held so many times. Asserts that only one at a time
 * holds it, that all numbers are given once, and in their order.
 */
export async function race(
  rivals: readonly { readonly querier: Querier; readonly leases: LeaseTable }[],
  lock: string,
  times: number,
): Promise<void> {
  const fences: bigint[] = [];
  let inside = 0;
  let failed = false;
  const turn = async (querier: Querier, leases: LeaseTable) => {
    const owner = crypto.randomUUID().replaceAll("-", "");
    const claim = { ...claimOf(lock, "a"), owner };
    const fence = await ifDone(async () => await leases.claim(querier, claim) ?? await leases.insert(querier, claim));
    if (fence === undefined) return;
    assert.equal(++inside, 1, "two hold the lock");
    fences.push(fence);
    // The others get a chance to break in.
    for (let look = 0; look < 2; look++) {
      assert.equal((await leases.read(querier, lock))?.owner, owner);
      assert.equal(inside, 1, "two hold the lock");
    }
    inside--;
    let released;
    do {
      released = await ifDone(() => leases.release(querier, lock, { owner, fence }));
    } while (released === undefined);
    assert.equal(released, true);
  };
  await Promise.all(rivals.map(async ({ querier, leases }) => {
    try {
      while (fences.length < times && !failed) await turn(querier, leases);
    } catch (error) {
      failed = true;
      throw error;
    }
  }));
  assert.deepEqual(fences, fences.map((_, index) => BigInt(index + 1)));
}

/** A statement's answer; undefined if it failed and may be repeated, such as after a deadlock. */
async function ifDone<T>(act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof LockUnavailableError && error.transient) return undefined;
    throw error;
  }
}
