/** The end of a lease: its release, and the end of a run that is recorded with it; on a clock that the test moves. */

import assert from "node:assert/strict";
import { LockLostError } from "../../../../lib/errors.ts";
import { isHeld, UnreleasedError } from "../../../../lib/lock/lock.ts";
import type { EndRun, LastEnding } from "../../../../lib/backends/sql/ending.ts";
import { sql } from "../../../../lib/backends/sql/statement.ts";
import { later } from "../../open.ts";
import { PLACES } from "./fake_leases.ts";
import { held } from "./held.ts";
import { refusal } from "./fake_rows.ts";

/** An end of a run, in a place that reads no SQL. */
const ENDING: LastEnding = {
  table: sql`sera_runs`,
  assignments: {},
  condition: {},
  record: sql`record`,
  isRecorded: sql`recorded`,
  readBack: sql`read back`,
  afterwards: [],
};

for (const [where, hasSessionLocks] of PLACES) {
  const test = (name: string, fn: () => Promise<void>) => Deno.test(`${name}, ${where}`, fn);

  test("a release whose answer was lost is verified over another connection", async () => {
    await using all = await held(hasSessionLocks);
    const { clock, leases, lock } = all;
    leases.fate = (what, session) => what === "release" && session === 1 ? "unanswered" : "answered";
    await clock.during(lock.release());
    assert.equal(leases.row.owner, null);
    assert.equal(leases.words.filter((what) => what === "release").length, 2);
  });

  test("a release is retried until others could take the lease over, and no longer", async () => {
    await using all = await held(hasSessionLocks);
    const { clock, leases, lock } = all;
    leases.refuses = refusal();
    leases.sessions[0]!.ended(new Error("the connection was reset"));
    const released = later(lock.release());
    const began = clock.now;
    await assert.rejects(clock.during(released), UnreleasedError);
    assert.ok(clock.now - began >= 6000 && clock.now - began < 6500, `${clock.now - began}`);
  });

  test("releasing a lease that another holds reports that, and frees nothing", async () => {
    await using all = await held(hasSessionLocks);
    const { leases, lock } = all;
    leases.give({ owner: "e".repeat(32), fence: 9n });
    await assert.rejects(lock.release(), LockLostError);
    await assert.rejects(lock.release(), /The lock was gone before its release: Server at place 1 had freed it$/);
    assert.equal(leases.row.owner, "e".repeat(32));
  });

  test("a heartbeat that comes after the release is no loss", async () => {
    await using all = await held(hasSessionLocks);
    const { clock, leases, lock } = all;
    leases.latency = 300;
    // The renewal is on its way when the release is sent.
    await clock.to(1001);
    const released = later(lock.release());
    await clock.during(released);
    await clock.to(10_000);
    assert.equal(lock.lost.aborted, false);
    assert.equal(leases.row.owner, null);
    assert.equal(leases.sessions.length, 1);
  });

  test("a renewal after a release whose answer was lost does not count as a loss", async () => {
    await using all = await held(hasSessionLocks);
    const { clock, leases, lock } = all;
    lock.commandEnded();
    const { endRun } = lock.session as unknown as { endRun: EndRun };
    leases.fate = (what, session) => what === "release with end" && session === 1 ? "unanswered" : "answered";
    await assert.rejects(clock.during(later(endRun(ENDING))));
    assert.equal(leases.ended.length, 1);
    // Others may have it by now.
    leases.give({ owner: "e".repeat(32), fence: 9n });
    assert.equal(await clock.during(isHeld(lock)), true);
    await clock.to(5000);
    assert.equal(lock.lost.aborted, false);
    assert.ok(await clock.during(endRun(ENDING)));
    assert.equal(leases.ended.length, 1);
    await clock.during(lock.release());
    assert.equal(leases.row.owner, "e".repeat(32));
  });

  test("the end of a run that did not reach the server is repeated together with the release", async () => {
    await using all = await held(hasSessionLocks);
    const { clock, leases, lock } = all;
    const { endRun } = lock.session as unknown as { endRun: EndRun };
    leases.fate = (what, session) => what === "release with end" && session === 1 ? "cut" : "answered";
    await assert.rejects(clock.during(later(endRun(ENDING))));
    assert.deepEqual([leases.ended.length, leases.row.owner === null], [0, false]);
    assert.ok(await clock.during(endRun(ENDING)));
    assert.deepEqual([leases.ended.length, leases.row.owner], [1, null]);
    await lock.release();
  });
}
