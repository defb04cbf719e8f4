/** The waiting line at a terminal, on a fake clock: its lookups, their times, and failures. */

import assert from "node:assert/strict";
import type { BackendLock, Observer } from "../../../lib/backends/backend.ts";
import type { Job } from "../../../lib/commands/run/job.ts";
import { attemptRun } from "../../../lib/commands/run/attempt_run.ts";
import { LockUnavailableError } from "../../../lib/errors.ts";
import type { LockResult, Mode } from "../../../lib/modes/mode.ts";
import { Logger } from "../../../lib/log/logger.ts";
import type { Sighting } from "../../../lib/who/sighting.ts";
import { FakePlace, settingsOf } from "../fake_place.ts";

// Loaded before the clock stands still.
await import("../../../lib/commands/run/waiting_line.ts");

type Seen = readonly Sighting[];

/** A run at a terminal that waits until the test says otherwise. */
class Waiting implements Disposable {
  readonly place = new FakePlace();
  width: number | undefined = 80;
  /** The times of lookups, in milliseconds. */
  readonly looks: number[] = [];
  /** The observers that are open. */
  open = 0;
  /** The result of the next lookup. */
  look: () => Seen | Promise<Seen> = () => [];
  readonly #turn = Promise.withResolvers<LockResult>();
  readonly #written: string[] = [];

  constructor() {
    this.place.env.TERM = "xterm";
    Object.assign(this.place.io, {
      errWidth: () => this.width,
      err: (text: string) => {
        this.place.io.beforeWriting?.();
        this.#written.push(text);
      },
    });
  }

  /** The output since the last call, without cursor movements. */
  written(): string[] {
    return this.#written.splice(0).map((text) => text.replaceAll("\x1b[K", "").replaceAll("\r", "").trim());
  }

  holder(parts: Partial<Sighting> = {}): Sighting {
    const since = Date.now();
    return { lock: "x", state: "held", host: "node7", pid: 12, label: "backup", since, sinceIs: "acquired", ...parts };
  }

  async start(
    wait: number,
    flags: Readonly<Record<string, string>> = {},
    sightings?: BackendLock["sightings"],
  ): Promise<{ readonly code: Promise<number> }> {
    const settings = await settingsOf(flags);
    const observe = (): Promise<Observer> => {
      this.looks.push(this.place.clock.now);
      this.open++;
      return Promise.resolve({
        elsewhere: undefined,
        sightings: async () => ({ sightings: await this.look(), otherSessions: [] }),
        ledger: () => assert.fail("nobody asks for it"),
        handleOf: () => assert.fail("nobody asks for it"),
        [Symbol.asyncDispose]: () => Promise.resolve(void this.open--),
      });
    };
    const mode: Mode = () => this.#turn.promise;
    const job: Job = this.place.job({
      mode,
      settings: { ...settings, server: Object.assign(Object.create(settings.server), { observe }) },
      logger: new Logger(this.place.io, settings.logging, "job"),
    });
    const lock = sightings ? { ...job.lock, sightings } : job.lock;
    return { code: attemptRun(wait, { ...job, lock } as Job) };
  }

  /** The wait is over: the lock was held for all of it. */
  giveUp(): void {
    this.#turn.resolve({ outcome: "busy" });
  }

  /** The wait ends with an error. */
  end(error: Error): void {
    this.#turn.reject(error);
  }

  [Symbol.dispose](): void {
    this.place[Symbol.dispose]();
  }
}

Deno.test("for the first half second there is no line, and no lookup", async () => {
  using waiting = new Waiting();
  const { code } = await waiting.start(60_000);
  await waiting.place.later(499);
  waiting.giveUp();
  assert.equal(await code, 204);
  await waiting.place.later(5000);
  assert.deepEqual(waiting.looks, []);
  assert.equal(waiting.written().length, 1);
  assert.equal(waiting.place.clock.pending, 0);
});

Deno.test("the line is updated every second, the holder is looked up every ten, and a new one is shown", async () => {
  using waiting = new Waiting();
  waiting.look = () => [waiting.holder()];
  const { code } = await waiting.start(60_000);
  await waiting.place.later(500);
  assert.deepEqual(waiting.written().at(-1), "sera: waiting for node7:12 backup, held for 0 s; 1 min left");
  for (let second = 1; second < 10; second++) {
    await waiting.place.later(second === 1 ? 500 : 1000);
    const expected = `sera: waiting for node7:12 backup, held for ${second - 1} s; ${60 - second} s left`;
    assert.deepEqual(waiting.written().at(-1), expected);
  }
  assert.deepEqual(waiting.looks, [500]);
  waiting.look = () => [waiting.holder({ host: "node8" })];
  await waiting.place.later(2000);
  assert.match(waiting.written().at(-1)!, /^sera: waiting for node8:12 backup, held for \d s; 49 s left$/);
  assert.deepEqual(waiting.looks, [500, 11_000]);
  assert.equal(waiting.open, 0);
  waiting.giveUp();
  assert.equal(await code, 204);
  const [erased, busy, ...more] = waiting.written();
  assert.deepEqual([erased, more], ["", []]);
  assert.match(busy!, /^sera: Lock not acquired: /);
  await waiting.place.later(60_000);
  assert.deepEqual(waiting.written(), []);
  assert.equal(waiting.place.clock.pending, 0);
});

for (
  const [what, look] of [
    ["fails", () => Promise.reject(new LockUnavailableError("no server"))],
    ["throws what it should not", () => Promise.reject(new Error("a bug"))],
    ["sees nobody", () => []],
    ["is never answered", () => new Promise<Seen>(() => undefined)],
  ] as const
) {
  Deno.test(`a lookup that ${what} shortens the line, and delays nothing`, async () => {
    using waiting = new Waiting();
    waiting.look = look;
    const { code } = await waiting.start(Infinity);
    await waiting.place.later(2000);
    assert.equal(waiting.written().at(-1), "sera: waiting for the lock");
    waiting.giveUp();
    await waiting.place.later();
    assert.equal(await code, 204);
    assert.equal(waiting.place.io.beforeWriting, undefined);
  });
}

Deno.test("a terminal that fails or disappears does not end the run", async () => {
  using waiting = new Waiting();
  waiting.look = () => [waiting.holder()];
  const { code } = await waiting.start(60_000);
  await waiting.place.later(1500);
  waiting.width = undefined;
  waiting.written();
  await waiting.place.later(30_000);
  assert.deepEqual(waiting.written(), []);
  assert.deepEqual(waiting.looks, [500]);
  waiting.giveUp();
  assert.equal(await code, 204);
});

for (
  const [why, wait, flags, width] of [
    ["tries once", 0, {}, 80],
    ["was told to be quiet", 60_000, { quiet: "true" }, 80],
    ["tells everything", 60_000, { verbose: "true" }, 80],
    ["tells programs", 60_000, { "log-format": "json" }, 80],
    ["has no terminal", 60_000, {}, undefined],
  ] as const
) {
  Deno.test(`a sera that ${why} shows no line, and does not look`, async () => {
    using waiting = new Waiting();
    waiting.width = width;
    const { code } = await waiting.start(wait, flags);
    await waiting.place.later(5000);
    assert.deepEqual([waiting.written(), waiting.looks], [[], []]);
    waiting.giveUp();
    assert.equal(await code, 204);
  });
}

Deno.test("a dumb terminal gets a line of its own for each holder", async () => {
  for (const term of ["dumb", undefined]) {
    using waiting = new Waiting();
    if (term === undefined) delete waiting.place.env.TERM;
    else waiting.place.env.TERM = term;
    waiting.look = () => [waiting.holder()];
    const { code } = await waiting.start(60_000);
    await waiting.place.later(12_000);
    waiting.look = () => Promise.reject(new LockUnavailableError("no server"));
    await waiting.place.later(10_000);
    waiting.look = () => [waiting.holder({ pid: 13 })];
    await waiting.place.later(10_000);
    const lines = waiting.written();
    assert.equal(lines.length, 2, lines.join());
    assert.match(lines[0]!, /^sera: waiting for node7:12 backup, held for 0 s; 1 min left$/);
    assert.match(lines[1]!, /^sera: waiting for node7:13 backup, held for 0 s; \d+ s left$/);
    waiting.giveUp();
    assert.equal(await code, 204);
  }
});

Deno.test("other output replaces the line, which is shown again below", async () => {
  using waiting = new Waiting();
  waiting.look = () => [waiting.holder()];
  const { code } = await waiting.start(60_000);
  await waiting.place.later(500);
  waiting.written();
  waiting.place.io.err("sera: trying again\n");
  assert.deepEqual(waiting.written(), ["", "sera: trying again"]);
  await waiting.place.later(1000);
  assert.match(waiting.written()[0]!, /^sera: waiting for/);
  waiting.giveUp();
  assert.equal(await code, 204);
});

Deno.test("after a resize the line is redrawn at once, and after a stop (SIGTSTP) a new line is used", async () => {
  using waiting = new Waiting();
  waiting.look = () => [waiting.holder()];
  const { code } = await waiting.start(60_000);
  await waiting.place.later(1500);
  waiting.written();
  waiting.width = 25;
  waiting.place.system.send("SIGWINCH");
  assert.deepEqual(waiting.written(), ["\x1b[J  sera: 59 s left"]);
  waiting.place.system.send("SIGCONT");
  assert.equal(waiting.place.io.beforeWriting, undefined);
  await waiting.place.later();
  assert.deepEqual(waiting.written(), ["sera: 59 s left"]);
  waiting.giveUp();
  assert.equal(await code, 204);
  assert.deepEqual(waiting.place.system.caught.filter((signal) => ["SIGWINCH", "SIGCONT"].includes(signal)), []);
});

Deno.test("a slow lookup of a busy lock's holder delays sera's exit by at most half a second", async () => {
  using waiting = new Waiting();
  const { code } = await waiting.start(0, {}, () => new Promise(() => undefined));
  waiting.giveUp();
  let isOver = false;
  code.then(() => isOver = true);
  await waiting.place.later(499);
  assert.equal(isOver, false);
  await waiting.place.later(1);
  assert.equal(await code, 204);
  assert.deepEqual(waiting.written(), [
    "sera: Lock not acquired: somebody else holds it - the command was not executed.",
  ]);
});

Deno.test("the line is erased as soon as the wait is over, whatever comes then", async () => {
  using waiting = new Waiting();
  waiting.look = () => [waiting.holder()];
  const { code } = await waiting.start(60_000);
  await waiting.place.later(1500);
  waiting.written();
  waiting.end(new LockUnavailableError("no server"));
  await assert.rejects(code, /no server/);
  assert.deepEqual(waiting.written(), [""]);
});
