/** When a backend tries again, and when it gives up, on a clock that the test moves. */

import assert from "node:assert/strict";
import type { Deadline } from "../../../lib/deadline.ts";
import { LockUnavailableError, UnfitServerError } from "../../../lib/errors.ts";
import type { HeldLock } from "../../../lib/lock/lock.ts";
import type { Session } from "../../../lib/backends/sql/session.ts";
import { SessionLock } from "../../../lib/backends/sql/session_lock.ts";
import { FakeClock } from "../../lock/fake_clock.ts";
import { fixedRandom } from "../../fixed_random.ts";
import { later, never } from "../open.ts";

const PASSING = LockUnavailableError.on("Server", { what: "full" }, { transient: true });

/** What an attempt comes to: an error, or the lock. */
type Outcome = Error | "held";

/** A backend without a server: when it tries, and what comes of it. */
class Trying extends SessionLock<Session> {
  readonly tried: number[] = [];
  told = 0;
  /** What opening a session comes to, and how long it takes, in milliseconds. */
  opening: { readonly error?: Error; readonly took?: number } = {};
  readonly #outcomes: Outcome[];

  /** @param outcomes In turn; the last one again and again. */
  constructor(readonly clock: FakeClock, ...outcomes: Outcome[]) {
    super(() => this.told++);
    this.#outcomes = outcomes;
  }

  protected override readonly where = "Server";

  protected override async open(): Promise<Session> {
    const { took = 0, error } = this.opening;
    if (took > 0) await new Promise<void>((resolve) => void setTimeout(resolve, took));
    if (error) {
      this.tried.push(this.clock.now);
      throw error;
    }
    return { closed: never, close: () => Promise.resolve() } as unknown as Session;
  }

  protected override attempt(_session: Session, _deadline: Deadline): Promise<HeldLock | undefined> {
    this.tried.push(this.clock.now);
    const outcome = this.#outcomes.length > 1 ? this.#outcomes.shift()! : this.#outcomes[0]!;
    return outcome === "held" ? Promise.resolve({} as HeldLock) : Promise.reject(outcome);
  }

  /** The pauses between the tries. */
  get pauses(): number[] {
    return this.tried.slice(1).map((at, index) => at - this.tried[index]!);
  }
}

Deno.test("the pauses between two tries double, up to 2 s, and the last one ends with the wait", async () => {
  using clock = new FakeClock();
  using _random = fixedRandom();
  const backend = new Trying(clock, PASSING);
  const granted = later(backend.acquire(10_000, never));
  await clock.to(9999);
  assert.deepEqual(backend.pauses, [100, 200, 400, 800, 1600, 2000, 2000, 2000]);
  await clock.to(10_000);
  await assert.rejects(granted, PASSING);
  assert.deepEqual(backend.pauses.slice(8), [900]);
  assert.equal(backend.told, 9);
  await clock.to(100_000);
  assert.equal(backend.tried.length, 10);
});

Deno.test("pauses vary by half, so that waiters do not all retry at the same time", async () => {
  for (const [part, first] of [[0, 50], [0.999, 149.9]] as const) {
    using clock = new FakeClock();
    using _random = fixedRandom(part);
    const backend = new Trying(clock, PASSING, "held");
    const granted = backend.acquire(1000, never);
    await clock.to(1000);
    assert.ok(await granted);
    assert.deepEqual(backend.pauses.map((pause) => Math.round(pause * 10) / 10), [first]);
  }
});

Deno.test("with a wait of 0 there is one attempt, unless patience is given", async () => {
  using clock = new FakeClock();
  using _random = fixedRandom();
  await assert.rejects(new Trying(clock, PASSING).acquire(0, never), PASSING);
  const patient = new Trying(clock, PASSING);
  const granted = later(patient.acquire(0, never, 300));
  await clock.to(299);
  assert.deepEqual(patient.tried, [0, 100]);
  await clock.to(300);
  await assert.rejects(granted, PASSING);
  assert.deepEqual(patient.tried, [0, 100, 300]);
});

Deno.test("the wait begins when the server is first reached; before that it limits the attempts", async () => {
  for (const error of [undefined, PASSING]) {
    using clock = new FakeClock();
    using _random = fixedRandom();
    const backend = new Trying(clock, PASSING);
    backend.opening = { took: 5000, ...error ? { error } : {} };
    const granted = later(backend.acquire(100, never));
    await clock.to(5099);
    assert.deepEqual(backend.tried, [5000]);
    await clock.to(60_000);
    await assert.rejects(granted, PASSING);
    assert.equal(backend.tried.length, error ? 1 : 2);
  }
});

/** One whose server accepts connections, and says nothing. */
class Deaf extends Trying {
  limit = 0;

  protected override open(signal?: AbortSignal, limit = 0): Promise<Session> {
    this.tried.push(this.clock.now);
    this.limit = limit;
    return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  }
}

Deno.test("a silent server ends the attempt when the wait is over, unless that is shorter than 2 s or endless", async () => {
  for (const wait of [4000, 2000]) {
    using clock = new FakeClock();
    const backend = new Deaf(clock, "held");
    const granted = later(backend.acquire(wait, never));
    await clock.to(wait - 1);
    assert.deepEqual([backend.tried, backend.limit], [[0], wait]);
    await clock.to(wait);
    await assert.rejects(granted, { message: /^Cannot lock on Server: not connected within \ds; check the server/ });
  }
  for (const wait of [0, 1, 1999, Infinity]) {
    using clock = new FakeClock();
    const backend = new Deaf(clock, "held");
    const abort = new AbortController();
    const granted = later(backend.acquire(wait, abort.signal));
    await clock.to(1_000_000);
    assert.deepEqual([backend.tried, backend.limit], [[0], Infinity]);
    abort.abort(new Error("enough"));
    await assert.rejects(granted, { message: "enough" });
  }
});

Deno.test("a signal ends a pause at once, and nothing more is tried", async () => {
  using clock = new FakeClock();
  using _random = fixedRandom();
  const backend = new Trying(clock, PASSING);
  const abort = new AbortController();
  const granted = later(backend.acquire(Infinity, abort.signal));
  await clock.to(500);
  const tries = backend.tried.length;
  abort.abort(new Error("enough"));
  await assert.rejects(granted, { message: "enough" });
  await clock.to(100_000);
  assert.equal(backend.tried.length, tries);
});

Deno.test("a permanent error is not retried; an unsuitable server is, if a suitable one was seen before", async () => {
  using clock = new FakeClock();
  using _random = fixedRandom();
  const permanent = LockUnavailableError.on("Server", { what: "denied" });
  const refused = new Trying(clock, permanent);
  await assert.rejects(refused.acquire(Infinity, never), permanent);
  assert.equal(refused.tried.length, 1);
  const unfit = new UnfitServerError("Cannot lock on Server: a replica");
  const replica = new Trying(clock, "held");
  replica.opening = { error: unfit };
  const opened = later(replica.acquire(Infinity, never));
  await clock.to(10);
  await assert.rejects(opened, unfit);
  assert.equal(replica.tried.length, 1);
  const demoted = new Trying(clock, unfit, "held");
  const granted = demoted.acquire(Infinity, never);
  await clock.to(1000);
  assert.ok(await granted);
  assert.deepEqual(demoted.pauses, [100]);
});
