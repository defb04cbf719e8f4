import assert from "node:assert/strict";
import { OtherSlotsError } from "../../../../lib/errors.ts";
import { newOwner } from "../../../../lib/backends/sql/lease/owner.ts";
import type { Lease } from "../../../../lib/backends/sql/lease/row.ts";
import type { LeaseServer } from "../../../../lib/backends/sql/lease/server.ts";
import type { SessionLocks } from "../../../../lib/backends/sql/lease/session_locks.ts";
import { Agreement, SETTLED } from "../../../../lib/backends/sql/lease/slot_agreement.ts";
import type { Session } from "../../../../lib/backends/sql/session.ts";
import { FakeClock } from "../../../lock/fake_clock.ts";

/** Somebody's claim of a slot of three, as it was read right after it was made. */
const CLAIM: Lease = { lock: "lock", owner: newOwner(3), fence: 1n, beat: 1n, ttl: 30_000, left: 30_000 };

/** An agreement on two slots. */
function agreement(): Agreement<Session> {
  return new Agreement({} as LeaseServer<Session>, {} as SessionLocks<Session>, 2);
}

const isRefused = (error: unknown) => error instanceof OtherSlotsError && error.slots === 3 && error.asked === 2;

Deno.test("a claim with another number of slots is a reason to refuse once it can no longer be a tie", () => {
  using clock = new FakeClock();
  const seen = agreement();
  seen.refuse(CLAIM);
  clock.now = SETTLED - 1;
  seen.refuse(CLAIM);
  clock.now = SETTLED;
  assert.throws(() => seen.refuse(CLAIM), isRefused);
  assert.throws(() => agreement().refuse({ ...CLAIM, left: CLAIM.ttl - SETTLED }), isRefused);
  assert.throws(() => agreement().refuse({ ...CLAIM, beat: 2n }), isRefused);
});

Deno.test("who gives way and claims again, as often as it may be, is no reason to refuse", () => {
  using clock = new FakeClock();
  const seen = agreement();
  for (let fence = 1n; fence < 20n; fence++) {
    seen.refuse({ ...CLAIM, fence });
    clock.now += SETTLED - 1;
    seen.refuse({ ...CLAIM, fence });
  }
  clock.now += 1;
  assert.throws(() => seen.refuse({ ...CLAIM, fence: 19n }), isRefused);
});
