/** How a run ends, on a lock, a ledger and a clock that the test moves. */

import assert from "node:assert/strict";
import { keepForMinHold, recordEnd, release } from "../../../lib/commands/run/finish_run.ts";
import { LockUnavailableError } from "../../../lib/errors.ts";
import { FakePlace } from "../fake_place.ts";

const HOUR = 3_600_000;

Deno.test("without a ledger nothing is recorded", async () => {
  using place = new FakePlace();
  assert.equal(await recordEnd(place.execution(), "succeeded", 0, true), true);
  assert.deepEqual(place.events, []);
});

Deno.test("a run's end is recorded with sera's exit code", async () => {
  using place = new FakePlace();
  assert.equal(await recordEnd(place.execution({ run: place.run() }), "failed", 3, true), true);
  assert.deepEqual(place.events, ["run: failed 3"]);
});

Deno.test("without the lock nothing is recorded, and the consequence is reported", async () => {
  using place = new FakePlace();
  place.lose();
  assert.equal(await recordEnd(place.execution({ run: place.run() }), "failed", 3, true), false);
  assert.deepEqual(place.events, [
    "sera: Cannot record in the ledger how the command ended, since the lock is lost: it may run again; check it",
  ]);
});

Deno.test("a ledger that cannot be written is reported, and does not fail the run", async () => {
  using place = new FakePlace();
  const run = place.run({ finish: () => Promise.reject(new LockUnavailableError("disk full", "make room")) });
  assert.equal(await recordEnd(place.execution({ run }), "succeeded", 0, true), false);
  assert.deepEqual(place.events, ["sera: disk full; make room"]);
});

Deno.test("an unexpected error of the ledger is not hidden", async () => {
  using place = new FakePlace();
  const run = place.run({ finish: () => Promise.reject(new TypeError("odd")) });
  await assert.rejects(recordEnd(place.execution({ run }), "succeeded", 0, true), TypeError);
});

/** Keeps a lock for an hour whose command took ten minutes; gives when it was over, in milliseconds after that. */
async function kept(
  place: FakePlace,
  minHold: number | undefined,
  act: () => Promise<void>,
  lock = place.held(),
): Promise<number> {
  let over: number | undefined;
  const keeping = keepForMinHold(place.execution({ minHold, lock }), HOUR / 6).then(() => over = place.clock.now);
  await place.later();
  await act();
  await place.clock.to(10 * HOUR);
  await keeping;
  return over!;
}

const nothing = () => Promise.resolve();

Deno.test("a lock is kept for the rest of --min-hold, without a helper shell", async () => {
  using place = new FakePlace(true);
  assert.equal(await kept(place, HOUR, nothing), HOUR - HOUR / 6);
  assert.deepEqual(place.events, ["helper shell: ended", "Keeping the lock for another 50m (--min-hold)."]);
});

for (const minHold of [undefined, 0, HOUR / 6]) {
  Deno.test(`a lock is not kept for a command that took long enough: ${minHold}`, async () => {
    using place = new FakePlace(true);
    assert.equal(await kept(place, minHold, nothing), 0);
    assert.deepEqual(place.events, []);
  });
}

Deno.test("a lock is not kept after a signal that ends sera, nor when it is lost", async () => {
  {
    using place = new FakePlace(true);
    place.signals.passOnTo({ ownSession: true, signal: () => undefined });
    place.system.send("SIGTERM");
    await place.later();
    assert.equal(await kept(place, HOUR, nothing), 0);
  }
  using place = new FakePlace(true);
  place.lose();
  assert.equal(await kept(place, HOUR, nothing), 0);
  assert.deepEqual(place.events, []);
});

Deno.test("a signal ends the time that a lock is kept, and so does its loss", async () => {
  {
    using place = new FakePlace();
    assert.equal(
      await kept(place, HOUR, async () => {
        await place.later(1000);
        place.system.send("SIGTERM");
        await place.later();
      }),
      1000,
    );
  }
  using place = new FakePlace();
  assert.equal(
    await kept(place, HOUR, async () => {
      await place.later(2000);
      place.lose();
      await place.later();
    }),
    2000,
  );
});

Deno.test("a signal that sera was started with ignored does not end it", async () => {
  using place = new FakePlace();
  place.helperShell.answer = { ignored: 1, blocked: 0, fenced: false, got: [] };
  const over = await kept(place, HOUR, async () => {
    await place.later(1000);
    place.system.send("SIGHUP");
    await place.later();
  });
  assert.equal(over, HOUR - HOUR / 6);
});

Deno.test("a lock that turns out to be lost is not reported as kept", async () => {
  using place = new FakePlace(true);
  const execution = place.execution({ minHold: HOUR });
  const lock = {
    ...execution.lock,
    confirm: () => Promise.resolve(place.lose()).then(() => Promise.reject(place.lost.signal.reason)),
  };
  await keepForMinHold({ ...execution, lock }, 0);
  assert.deepEqual(place.events, ["helper shell: ended"]);
});

Deno.test("a lock whose release is requested is not kept any longer", async () => {
  using place = new FakePlace();
  const asked = new AbortController();
  const over = await kept(place, HOUR, async () => {
    await place.later(1000);
    asked.abort();
  }, place.held({ asked: asked.signal }));
  assert.equal(over, 1000);
});

Deno.test("a lock is released, and the log says how long it was held", async () => {
  using place = new FakePlace(true);
  const since = performance.now();
  await place.later(90_000);
  await release(place.held(), place.logger, since, () => assert.fail("it is not gone"));
  assert.deepEqual(place.events, ["lock: released", "Lock released, held for 1m30s."]);
});

Deno.test("the consequence of a lost lock is reported", async () => {
  using place = new FakePlace();
  const lock = place.held();
  place.lose();
  await release(lock, place.logger, 0, () => "so what");
  assert.deepEqual(place.events, ["sera: Lock lost: fake; so what"]);
});

Deno.test("an unexpected error of the lock is not hidden", async () => {
  using place = new FakePlace();
  const lock = place.held({ release: () => Promise.reject(new TypeError("odd")) });
  await assert.rejects(release(lock, place.logger, 0, () => ""), TypeError);
});
