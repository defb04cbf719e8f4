/** The message for a ledger's file that another process keeps locked. */

import assert from "node:assert/strict";
import { InterruptedError } from "../../../lib/errors.ts";
import { BUSY, whileBusy } from "../../../lib/backends/file/busy.ts";
import { Patience } from "../../../lib/ledger/patience.ts";
import { FakeClock } from "../../lock/fake_clock.ts";
import { later } from "../open.ts";

const busy = () => {
  // SQLite's message, after the failed action.
  throw new Error(`cannot commit: ${BUSY}`);
};

Deno.test("a file that stays locked ends the attempt, and the message says what to look for", async () => {
  using clock = new FakeClock();
  const written = later(whileBusy(new Patience(), busy));
  await clock.to(10_030);
  await assert.rejects(written, { message: `cannot commit: ${BUSY} for 10s; see which process keeps it open` });
});

Deno.test("a signal ends the wait for a file; other errors are reported at once", async () => {
  using clock = new FakeClock();
  const interrupt = new AbortController();
  const written = later(whileBusy(new Patience(interrupt.signal), busy));
  await clock.to(500);
  interrupt.abort(new InterruptedError(15));
  await assert.rejects(written, { message: `cannot commit: ${BUSY}, and a signal ended the wait` });
  const odd = () => {
    throw new Error("disk is full");
  };
  await assert.rejects(whileBusy(new Patience(), odd), { message: "disk is full" });
});
