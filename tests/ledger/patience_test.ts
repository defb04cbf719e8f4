/** How long a ledger is waited for that somebody else keeps locked, by a clock that stands still until it is moved. */

import assert from "node:assert/strict";
import { BUSY, Patience } from "../../lib/ledger/patience.ts";
import { FakeClock } from "../lock/fake_clock.ts";

for (const [longestWait, span, least] of [[undefined, "10s", 10_000], [300, "300ms", 300]] as const) {
  Deno.test(`a locked ledger is waited for ${span}, and what comes after that is tried once`, async () => {
    using clock = new FakeClock();
    const patience = new Patience(undefined, longestWait);
    const tries: number[] = [];
    const failures: string[] = [];
    const tryAll = () =>
      patience.whileBusy(() => {
        tries.push(clock.now);
        throw new Error(BUSY);
      }).catch(({ message }) => failures.push(message));
    tryAll();
    await clock.to(2 * least);
    assert.deepEqual(failures, [`database is locked for ${span}; see which process keeps it open`]);
    // The last one after the time is over, and not later than by a pause.
    const [last = NaN, before = NaN] = tries.toReversed();
    assert.ok(before < least && last >= least && last <= least + 30, `${before} ms, ${last} ms`);
    const soFar = tries.length;
    tryAll();
    await clock.to(4 * least);
    assert.deepEqual([failures.length, tries.length], [2, soFar + 1]);
  });
}
