import assert from "node:assert/strict";
import { Recorder } from "../../lib/ledger/recorder.ts";
import { Logger } from "../../lib/log/logger.ts";
import { everyoneExecutes, waitAndSkip } from "../../lib/modes/mode.ts";
import { modeOf } from "../../lib/modes/mode_of.ts";
import { never } from "../backends/open.ts";
import { heldLock, MemoryLedger } from "../ledger/memory_ledger.ts";

Deno.test("without a ledger the mode is the plain one", async () => {
  assert.equal(await modeOf({ waitAndSkip: false }, undefined), everyoneExecutes);
  assert.equal(await modeOf({ waitAndSkip: true }, undefined), waitAndSkip);
});

Deno.test("with a ledger a run is recorded when the lock is held", async () => {
  const io = { env: () => undefined, out: () => undefined, err: () => undefined };
  const logger = new Logger(io, { format: "text" }, "words");
  const rule = { countFailures: false, keepHistory: 1000, recordSkips: false };
  const runner = { label: "l", host: "h", pid: 1, user: "u" };
  const recorder = new Recorder(() => Promise.resolve(new MemoryLedger()), "the lock", runner, rule, logger);
  const lock = {
    acquire: () => Promise.resolve(heldLock().lock),
    session: () => Promise.resolve(undefined),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const mode = await modeOf({ waitAndSkip: false }, recorder);
  const turn = await mode(lock, { wait: 0, signal: never, logger, retrying: () => undefined });
  assert.ok(turn.outcome === "held");
  assert.equal(turn.run?.id, 1n);
});
