/** Holding a lock in a session whose server answers slowly, on a clock that the test moves. */

import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { LockUnavailableError, troubleOf } from "../../lib/errors.ts";
import { canRenewInTime, type LeaseTerms, minTtl, Moment } from "../../lib/lock/lease.ts";
import { Session } from "../../lib/backends/sql/session.ts";
import { holdInSession } from "../../lib/backends/sql/hold_in_session.ts";
import type { LeasedLock } from "../../lib/lock/leased_lock.ts";
import { later } from "../backends/open.ts";
import { FakeClock } from "./fake_clock.ts";

/** A grace period of a third of it, as with the default. */
const LEASE: LeaseTerms = { ttl: 3000, grace: 10_000 };

/** Nothing is released in a batch here. */
function releaseWhere(): never {
  throw new Error("not in a batch");
}

/** Takes a lock from a server that answers each statement after so many milliseconds. */
async function take(
  clock: FakeClock,
  roundTrip: number,
  { lease = LEASE, idle = Infinity, took = roundTrip }: { lease?: LeaseTerms; idle?: number; took?: number } = {},
): Promise<{ lock: LeasedLock; looks: number[]; session: Session }> {
  const looks: number[] = [];
  const answered = () => new Promise<boolean>((resolve) => setTimeout(() => resolve(true), roundTrip));
  const session = new Session(
    "Server at place",
    {
      query: () => undefined,
      end: (done) => done(),
      destroy: () => undefined,
      socket: () => undefined as unknown as Socket,
    },
    { describe: troubleOf, isTransient: () => false },
    10_000,
  );
  const confirmed = new Moment();
  await clock.to(clock.now + roundTrip);
  const isHeld = () => {
    looks.push(clock.now);
    return answered();
  };
  const inSession = { isHeld, asked: new AbortController().signal, release: answered, releaseWhere };
  const lock = await holdInSession(session, inSession, {
    lease,
    idle,
    confirmed,
    took,
  });
  return { lock, looks, session };
}

Deno.test("a server that answers each check after half a second can keep a lease of 3 s", async () => {
  using clock = new FakeClock();
  const { lock, looks } = await take(clock, 500);
  await clock.to(10_900);
  assert.equal(lock.lost.aborted, false);
  assert.deepEqual(looks, Array.from({ length: 10 }, (_, index) => 1000 * (index + 1)));
  const released = lock.release();
  await clock.to(12_000);
  await released;
});

Deno.test("exactly the round trips that can keep the lease are accepted", async () => {
  for (const grace of [0, 500, 10_000]) {
    for (let roundTrip = 0; roundTrip < 1500; roundTrip += 100) {
      using clock = new FakeClock();
      const lease = { ttl: 3000, grace };
      if (canRenewInTime(lease, roundTrip)) {
        const { lock } = await take(clock, roundTrip, { lease });
        await clock.to(12_000);
        assert.equal(lock.lost.aborted, false, `${roundTrip} ms with a grace of ${grace} ms`);
        const released = lock.release();
        await clock.to(20_000);
        await released;
      } else {
        await assert.rejects(take(clock, roundTrip, { lease }), LockUnavailableError, `${roundTrip} ms, ${grace}`);
      }
    }
  }
});

Deno.test("a ttl that is too short for the round trips is refused with the minimum", async () => {
  using clock = new FakeClock();
  await assert.rejects(take(clock, 800), {
    message: "Cannot lock on Server at place: an answer takes 800ms, too long for a ttl of 3s with a grace period of " +
      "1s; use --ttl 4s or more, or a shorter --grace",
    exitCode: 202,
    transient: false,
  });
  await assert.rejects(take(clock, 1600), /an answer takes 1\.6s, too long [^\n]+; use --ttl 7s or more$/);
  await assert.rejects(
    take(clock, 800, { lease: { ttl: 30_000, grace: 10_000 }, idle: 3000 }),
    /too long for a ttl of 3s [^\n]+; let the server keep idle sessions for 4s or more$/,
  );
});

Deno.test("the minimum ttl works, and one second less does not", () => {
  for (const grace of [0, 500, 10_000, Infinity]) {
    for (const roundTrip of [700, 1000, 2500, 9000]) {
      const ttl = minTtl({ ttl: 3000, grace }, roundTrip);
      assert.equal(ttl % 1000, 0);
      assert.ok(canRenewInTime({ ttl, grace }, roundTrip) && !canRenewInTime({ ttl: ttl - 1000, grace }, roundTrip));
    }
  }
});

Deno.test("one answer that is late by accident, or expected to be, is no reason to refuse", async () => {
  using clock = new FakeClock();
  for (const [roundTrip, took] of [[10, 60_000], [1200, 10]] as const) {
    const { lock } = await take(clock, roundTrip, { took });
    assert.equal(lock.lost.aborted, false);
    const released = lock.release();
    await clock.to(clock.now + 5000);
    await released;
  }
});

Deno.test("a lease that expired while sera was suspended is lost for that reason, whatever the server answers", async () => {
  for (const say of ["nothing", "closed"]) {
    using clock = new FakeClock();
    const { lock, session } = await take(clock, 0);
    // No code runs in this time, as with SIGSTOP.
    clock.now += 45_000;
    if (say === "closed") session.ended(new Error("terminating connection due to idle-session timeout"));
    await clock.to(clock.now + 1);
    assert.equal(
      lock.lost.reason.message,
      "Lock lost: sera was suspended for 44s (SIGSTOP, or a machine that slept); Server at place may have freed it",
    );
  }
});

Deno.test("the machine's sleep counts in a lease", async () => {
  using clock = new FakeClock();
  const { lock, session } = await take(clock, 0);
  await clock.to(900);
  clock.slept = 45_000;
  session.ended(new Error("the server closed the connection"));
  assert.match(lock.lost.reason.message, /^Lock lost: sera was suspended for 4\ds /);
});

Deno.test("a lease that passed while the machine slept is lost within a second, long before the next renewal", async () => {
  using clock = new FakeClock();
  const { lock, looks } = await take(clock, 0, { lease: { ttl: 30_000, grace: 0 } });
  await clock.to(100);
  clock.slept = 45_000;
  await clock.to(1100);
  assert.match(lock.lost.reason.message, /^Lock lost: sera was suspended for 3\ds /);
  assert.equal(lock.lost.reason.within, 0);
  assert.deepEqual(looks, []);
});

Deno.test("a silent server is not reported as a suspension", async () => {
  using clock = new FakeClock();
  const { lock, session } = await take(clock, 0, { lease: { ttl: 30_000, grace: 0 } });
  await clock.to(9000);
  session.ended(new Error("the server closed the connection"));
  await clock.to(9001);
  assert.match(lock.lost.reason.message, /^Lock lost: Server at place: the server closed the connection$/);
});

/** Holds a lock whose looks are answered as the test says; without an answer from it, by nothing. */
async function watched(
  clock: FakeClock,
  lease: LeaseTerms,
  answer: (look: number) => Promise<boolean> | undefined,
): Promise<{ lock: LeasedLock; lostAt: () => number | undefined; looks: number[] }> {
  const looks: number[] = [];
  const { session } = await take(clock, 0, { lease });
  const inSession = {
    isHeld: () => {
      looks.push(clock.now);
      return answer(looks.length) ?? new Promise<boolean>(() => undefined);
    },
    asked: new AbortController().signal,
    release: () => Promise.resolve(true),
    releaseWhere,
  };
  const lock = await holdInSession(session, inSession, { lease, idle: Infinity, confirmed: new Moment(), took: 0 });
  let lostAt: number | undefined;
  lock.lost.addEventListener("abort", () => lostAt = clock.now);
  return { lock, lostAt: () => lostAt, looks };
}

/** When a lock is lost whose look has no answer: the lease, and how long after the last sign of it. */
const FENCES: [lease: LeaseTerms, stops: number, within: number][] = [
  [{ ttl: 3000, grace: 10_000 }, 1700, 1000],
  [{ ttl: 3000, grace: 500 }, 2200, 500],
  [{ ttl: 3000, grace: 0 }, 2700, 0],
  [{ ttl: 30_000, grace: 10_000 }, 19_000, 10_000],
];

for (const [lease, stops, within] of FENCES) {
  Deno.test(`a ttl of ${lease.ttl} ms and a grace of ${lease.grace} ms: lost ${stops} ms after the last proof`, async () => {
    using clock = new FakeClock();
    // Three looks are answered, each a while after it was sent, which is what counts.
    const late = () => new Promise<boolean>((resolve) => void setTimeout(() => resolve(true), 300));
    const { lock, lostAt, looks } = await watched(clock, lease, (look) => look <= 3 ? late() : undefined);
    const beat = lease.ttl / 3;
    await clock.to(3 * beat + stops - 1);
    assert.deepEqual(looks, [beat, 2 * beat, 3 * beat, 4 * beat]);
    assert.equal(lostAt(), undefined);
    assert.equal(lock.left, within + 1);
    await clock.to(3 * beat + stops);
    assert.equal(lostAt(), 3 * beat + stops);
    assert.equal(lock.lost.reason.within, within);
    assert.match(lock.lost.reason.message, /^Lock lost: Server at place: no answer for [\d.]+m?s$/);
    await clock.to(clock.now + 10 * lease.ttl);
    assert.equal(looks.length, 4);
  });
}

Deno.test("after the command's end a check may be answered until the lease is over", async () => {
  using clock = new FakeClock();
  const { lock, lostAt } = await watched(clock, LEASE, () => undefined);
  await clock.to(1500);
  lock.commandEnded();
  await clock.to(2699);
  assert.equal(lostAt(), undefined);
  await clock.to(2700);
  assert.equal(lostAt(), 2700);
});

Deno.test("a lock that a check finds gone is lost at once, with time to stop the command", async () => {
  using clock = new FakeClock();
  const { lock, lostAt } = await watched(clock, LEASE, (look) => Promise.resolve(look < 3));
  let renewed = 0;
  lock.onRenewed = () => renewed++;
  await clock.to(2999);
  assert.deepEqual({ lost: lostAt(), renewed }, { lost: undefined, renewed: 2 });
  await clock.to(3000);
  assert.deepEqual({ lost: lostAt(), renewed }, { lost: 3000, renewed: 2 });
  assert.match(lock.lost.reason.message, /^Lock lost: Server at place has freed it$/);
  assert.equal(lock.lost.reason.within, 1000);
});

Deno.test("a proof of the lock is fresh for a second; after that the lock is checked before the start", async () => {
  using clock = new FakeClock();
  const lease = { ttl: 30_000, grace: 0 };
  const { lock, looks } = await watched(clock, lease, (look) => Promise.resolve(look < 2));
  await clock.to(1000);
  await lock.confirm();
  assert.deepEqual(looks, []);
  await clock.to(1001);
  await lock.confirm();
  assert.deepEqual(looks, [1001]);
  await clock.to(2003);
  await assert.rejects(lock.confirm(), /^Error: Lock lost: Server at place has freed it$/);
});

Deno.test("only a check after the command's end, or the lease, proves that the lock was held until then", async () => {
  const cases: readonly [name: string, lose: (taken: Awaited<ReturnType<typeof take>>) => void, held: boolean][] = [
    ["the server ended it unseen", ({ session }) => session.ended(new Error("closed")), false],
    ["no answer came in time", ({ session }) => session.destroy({ what: "no answer" }), true],
  ];
  for (const [name, lose, held] of cases) {
    using clock = new FakeClock();
    const taken = await take(clock, 0, { lease: { ttl: 30_000, grace: 0 } });
    await clock.to(100);
    taken.lock.commandEnded();
    assert.equal(taken.lock.heldToEnd, false);
    lose(taken);
    assert.equal(taken.lock.lost.aborted, true, name);
    assert.equal(taken.lock.heldToEnd, held, name);
    await assert.rejects(taken.lock.release(), taken.lock.lost.reason);
  }
});

Deno.test("the first check after the command's end is never skipped, and proves that the lock was held", async () => {
  using clock = new FakeClock();
  const { lock, looks, session } = await take(clock, 0, { lease: { ttl: 30_000, grace: 0 } });
  await lock.confirm();
  assert.equal(looks.length, 0);
  lock.commandEnded();
  const confirmed = lock.confirm();
  await clock.to(clock.now + 1);
  await confirmed;
  assert.equal(looks.length, 1);
  assert.equal(lock.heldToEnd, true);
  await lock.confirm();
  assert.equal(looks.length, 1);
  session.ended(new Error("closed"));
  assert.equal(lock.heldToEnd, true);
});

Deno.test("a check that was sent before the command's end proves nothing", async () => {
  using clock = new FakeClock();
  const { lock, looks, session } = await take(clock, 500, { lease: { ttl: 30_000, grace: 0 } });
  await clock.to(10_100);
  assert.equal(looks.length, 1);
  lock.commandEnded();
  await clock.to(11_000);
  session.ended(new Error("closed"));
  assert.equal(lock.heldToEnd, false);
});

Deno.test("a holder that wakes after its lease needs a new check to be sure of its lock", async () => {
  const answers: readonly (readonly [answer: () => Promise<boolean> | undefined, says: string])[] = [
    [() => undefined, "lost: sera was suspended for 44s"],
    [() => Promise.resolve(false), "lost: sera was suspended for 44s"],
    [() => new Promise((resolve) => void setTimeout(() => resolve(true), 1)), "lost: sera was suspended for 44s"],
    [() => Promise.resolve(true), "sure"],
  ];
  for (const [answer, says] of answers) {
    using clock = new FakeClock();
    const { lock } = await watched(clock, { ttl: 3000, grace: 500 }, answer);
    // Nothing runs meanwhile, as with SIGSTOP; and what runs first is the question whether a command may start.
    clock.now += 45_000;
    let said: string | undefined;
    const asked = lock.confirm().then(
      () => said = "sure",
      ({ message }) => said = message.replace(/^Lock lost: (.*) \(SIGSTOP.*$/, "lost: $1"),
    );
    await clock.to(clock.now);
    assert.equal(said, says);
    await asked;
    if (says !== "sure") await assert.rejects(lock.confirm(), lock.lost.reason);
    const released = later(lock.release());
    await clock.to(clock.now + 10);
    if (says === "sure") await released;
    else await assert.rejects(released, /it was lost before$/);
  }
});
