import assert from "node:assert/strict";
import { Deadline } from "../../../../lib/deadline.ts";
import type { OpenSlot } from "../../../../lib/backends/sql/lease/open_slots.ts";
import type { LeaseServer } from "../../../../lib/backends/sql/lease/server.ts";
import type { SessionLocks } from "../../../../lib/backends/sql/lease/session_locks.ts";
import { SlotSessionLocks } from "../../../../lib/backends/sql/lease/slot_session_locks.ts";
import type { Session } from "../../../../lib/backends/sql/session.ts";
import { FakeClock } from "../../../lock/fake_clock.ts";
import { never } from "../../open.ts";

const OPEN: OpenSlot[] = Array.from({ length: 8 }, (_, slot) => ({ lock: `lock.${slot}`, slot, from: "nobody" }));

/** How long each request waits for a session lock that is always held by somebody else. */
async function waitsFor(wait: number | undefined): Promise<readonly number[]> {
  using clock = new FakeClock();
  const waits: number[] = [];
  const sessionLocks: Pick<SessionLocks<Session>, "enter"> = {
    enter(_session, _name, deadline) {
      if (!deadline.passed) waits.push(deadline.remaining);
      clock.now += deadline.remaining;
      return Promise.resolve(false);
    },
  };
  const server: Pick<LeaseServer<Session>, "hasSessionLocks"> = { hasSessionLocks: () => true };
  const locks = new SlotSessionLocks(server as LeaseServer<Session>, sessionLocks as SessionLocks<Session>, "lock");
  const waitsUntil = wait === undefined ? undefined : new Deadline(wait);
  const entered = await locks.enterOne({} as Session, OPEN, { reads: 9, waitsUntil }, never);
  assert.equal(entered, undefined);
  return waits;
}

Deno.test("waiting for slots that are about to be released ends with the caller's wait", async () => {
  assert.deepEqual(await waitsFor(undefined), []);
  assert.deepEqual(await waitsFor(0), []);
  assert.deepEqual(await waitsFor(2500), [1000, 1000, 500]);
  assert.deepEqual(await waitsFor(Infinity), OPEN.map(() => 1000));
});
