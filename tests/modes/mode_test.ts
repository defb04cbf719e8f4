/** How the modes share a wait out, on a clock that the test moves. */

import assert from "node:assert/strict";
import type { HeldLock, Lock } from "../../lib/lock/lock.ts";
import { Logger } from "../../lib/log/logger.ts";
import { everyoneExecutes, type Mode, waitAndSkip } from "../../lib/modes/mode.ts";
import { FakeClock } from "../lock/fake_clock.ts";
import { never } from "../backends/open.ts";

/** How a backend was asked for its lock. */
interface Asked {
  readonly wait: number;
  readonly patience: number | undefined;
}

/** Tries a mode with a wait of 10 s while the lock is held for a time; reporting takes some time. */
async function tried(
  mode: Mode,
  holds: number,
  telling?: number,
  wait = 10_000,
): Promise<{ outcome: string; asked: Asked[]; said: string[] }> {
  using clock = new FakeClock();
  const asked: Asked[] = [];
  const said: string[] = [];
  const backend: Lock = {
    acquire: async (wait, _signal, patience) => {
      asked.push({ wait, patience });
      const left = Math.max(0, holds - clock.now);
      await new Promise<void>((resolve) => void setTimeout(resolve, Math.min(wait, left)));
      return clock.now >= holds ? {} as HeldLock : undefined;
    },
    session: () => Promise.resolve(undefined),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const logger = new Logger(
    { env: () => undefined, out: (text) => void said.push(text), err: () => undefined },
    { format: "text", verbose: "stdout" },
    "words",
  );
  const waiting = telling === undefined
    ? undefined
    : () => new Promise<void>((resolve) => void setTimeout(resolve, telling));
  const turn = mode(backend, { wait, signal: never, logger, waiting, retrying: () => undefined });
  await clock.to(60_000);
  return { outcome: (await turn).outcome, asked, said };
}

const SAYS = "Somebody else holds the lock - waiting for them; this run will be skipped.\n";

Deno.test("the plain mode requests the lock once, for the whole wait", async () => {
  assert.deepEqual(await tried(everyoneExecutes, 9999), {
    outcome: "held",
    asked: [{ wait: 10_000, patience: undefined }],
    said: [],
  });
  assert.equal((await tried(everyoneExecutes, 10_001)).outcome, "busy");
});

Deno.test("a run that reports the wait first tries without one, and reporting counts as waiting", async () => {
  const asked = [{ wait: 0, patience: 10_000 }, { wait: 7000, patience: undefined }];
  assert.deepEqual(await tried(everyoneExecutes, 9999, 3000), { outcome: "held", asked, said: [] });
  assert.deepEqual(await tried(everyoneExecutes, 10_001, 3000), { outcome: "busy", asked, said: [] });
  assert.deepEqual(await tried(everyoneExecutes, 0, 3000), { outcome: "held", asked: asked.slice(0, 1), said: [] });
});

Deno.test("with --wait-and-skip a run waits as long, but runs only if the lock is free at first", async () => {
  const asked = [{ wait: 0, patience: 10_000 }, { wait: 7000, patience: undefined }];
  assert.deepEqual(await tried(waitAndSkip, 9999, 3000), { outcome: "skipped", asked, said: [SAYS] });
  assert.deepEqual(await tried(waitAndSkip, 10_001, 3000), { outcome: "busy", asked, said: [SAYS] });
  assert.deepEqual(await tried(waitAndSkip, 0, 3000), { outcome: "held", asked: asked.slice(0, 1), said: [] });
});

Deno.test("with --wait-and-skip a run that does not wait does not say that it waits", async () => {
  const { outcome, said } = await tried(waitAndSkip, 9999, 3000, 0);
  assert.deepEqual([outcome, said], ["busy", []]);
  // Nor does one that is not told when the wait begins, as with --max-waiters 0.
  assert.deepEqual((await tried(waitAndSkip, 9999)).said, []);
});
