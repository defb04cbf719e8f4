/** A lease that is held on a server in memory. */

import { FakeClock } from "../../../lock/fake_clock.ts";
import { never } from "../../open.ts";
import { FakeLeases } from "./fake_leases.ts";

/** Acquires a free lease on a fake clock; disposing of it ends both. */
export async function held(hasSessionLocks: boolean) {
  const clock = new FakeClock();
  const leases = new FakeLeases(hasSessionLocks);
  leases.give().owner = null;
  const backend = leases.lock();
  const lock = (await backend.acquire(0, never))!;
  return {
    ...{ clock, leases, backend, lock },
    async [Symbol.asyncDispose]() {
      await clock.during(backend[Symbol.asyncDispose]());
      clock[Symbol.dispose]();
    },
  };
}
