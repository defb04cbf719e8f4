/** The results of requesting the lock: messages, actions and exit codes. */

import assert from "node:assert/strict";
import type { Job } from "../../../lib/commands/run/job.ts";
import { attemptRun, exitCodeOf } from "../../../lib/commands/run/attempt_run.ts";
import { InterruptedError, LockUnavailableError, MaxRunError, QueueFullError } from "../../../lib/errors.ts";
import { identitiesOf } from "../../../lib/lock/lock_identity.ts";
import { ReplacedError } from "../../../lib/lock/replacers.ts";
import { Recorder } from "../../../lib/ledger/recorder.ts";
import type { Mode } from "../../../lib/modes/mode.ts";
import { MemoryLedger } from "../../ledger/memory_ledger.ts";
import { FakePlace, settingsOf } from "../fake_place.ts";

const busy: Mode = () => Promise.resolve({ outcome: "busy" });

/** The lock is ours at once. */
function held(place: FakePlace): Mode {
  return () => Promise.resolve({ outcome: "held", lock: place.held(), note: "First past the post." });
}

function skipped(place: FakePlace): Mode {
  return () => Promise.resolve({ outcome: "skipped", lock: place.held(), reason: "They have finished" });
}

async function jobIn(place: FakePlace, mode: Mode, parts: Partial<Job> = {}): Promise<Job> {
  return place.job({ mode, settings: await settingsOf(), ...parts });
}

Deno.test("a lock that is held for the whole wait is 204, reported when verbose", async () => {
  using place = new FakePlace(true);
  const job = await jobIn(place, busy, { request: { wait: 5000, words: ["job"] } });
  assert.equal(await attemptRun(1000, job), 204);
  assert.deepEqual(place.events, [
    "Lock not acquired within 5s: somebody else holds it - the command was not executed.",
  ]);
});

Deno.test("the holder is not looked up if nobody is told", async () => {
  using place = new FakePlace();
  const job = await jobIn(place, busy);
  const lock = { ...job.lock, sightings: () => assert.fail("somebody has looked") };
  assert.equal(await attemptRun(0, { ...job, lock }), 204);
  assert.deepEqual(place.events, []);
});

Deno.test("the holder is reported, and before that during the wait", async () => {
  using place = new FakePlace(true);
  const mode: Mode = async (_lock, { waiting }) => {
    await waiting?.();
    return { outcome: "busy" };
  };
  const job = await jobIn(place, mode);
  const holder = { lock: job.identity.names, state: "held" as const, host: "node7", pid: 12, label: "backup" };
  const lock = {
    ...job.lock,
    sightings: () => Promise.resolve({ sightings: [holder], otherSessions: [] }),
  } as unknown as Job["lock"];
  assert.equal(await attemptRun(0, { ...job, lock }), 204);
  assert.match(place.events[0]!, /^Waiting for .*node7/);
  assert.match(place.events[1]!, /^Lock not acquired: somebody else holds it \(.*node7.*\) - the command/);
});

for (const detailed of [false, true]) {
  Deno.test(`a run that has nothing to do releases the lock, and is ${detailed ? 205 : 0}`, async () => {
    using place = new FakePlace(true);
    const settings = await settingsOf({ "detailed-exit-codes": `${detailed}` });
    assert.equal(await attemptRun(0, await jobIn(place, skipped(place), { settings })), detailed ? 205 : 0);
    assert.deepEqual(place.events, [
      "They have finished - skipped the command.",
      "lock: released",
      "Lock released, held for 0s.",
    ]);
    assert.equal(place.system.processes.length, 0);
  });
}

Deno.test("once the lock is held the command runs, and sera exits with its code", async () => {
  using place = new FakePlace(true);
  const code = attemptRun(0, await jobIn(place, held(place)));
  await place.later();
  place.command.end(7);
  await place.later();
  assert.equal(await code, 7);
  assert.deepEqual(place.events.slice(0, 2), ["First past the post.", "Lock acquired after 0s."]);
  assert.equal(place.events.at(-1), "Lock released, held for 0s.");
});

Deno.test("the command is told of its lock and its run", async () => {
  using place = new FakePlace();
  const mode: Mode = () => Promise.resolve({ outcome: "held", lock: place.held(), run: place.run() });
  const seen: (string | undefined)[] = [];
  place.system.onStart = () => {
    for (const name of ["SERA_LOCK_NAME", "SERA_LOCK_KEY", "SERA_RUN_ID"]) seen.push(Deno.env.get(name));
  };
  const job = await jobIn(place, mode);
  const code = attemptRun(0, job);
  await place.later();
  place.command.end(0);
  await code;
  assert.deepEqual(seen, [job.identity.names, "job argument", "7"]);
});

Deno.test("a command that runs past --max-run is stopped, and is 207", async () => {
  using place = new FakePlace();
  const settings = await settingsOf({ "max-run": "1h", grace: "10s" });
  const code = attemptRun(0, await jobIn(place, held(place), { settings }));
  await place.later(3_600_000 - 1);
  assert.deepEqual(place.command.got, []);
  await place.later(1);
  assert.deepEqual(place.command.got, ["SIGTERM", "SIGCONT"]);
  assert.ok(place.events.includes("sera: The command ran longer than 1h (--max-run); stopping job"));
  await place.later(10_000);
  assert.equal(place.command.presence, "nobody");
  await place.later(1000);
  assert.equal(await code, 207);
});

Deno.test("--min-hold, --grace and --on-lost are passed on", async () => {
  using place = new FakePlace();
  const settings = await settingsOf({ "min-hold": "1m", "on-lost": "warn" });
  const code = attemptRun(0, await jobIn(place, held(place), { settings }));
  await place.later();
  place.lose();
  await place.later(1000);
  assert.deepEqual(place.command.got, []);
  assert.match(place.events.join(), /on-lost=warn/);
  place.command.end(0);
  await place.later(60_000);
  assert.equal(await code, 0);
});

Deno.test("a signal during the wait is the cause, whatever error the abort ends in", async () => {
  using place = new FakePlace();
  const job = await jobIn(place, async (_lock, { signal }) => {
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    throw new LockUnavailableError("the connection was abandoned");
  });
  const turn = attemptRun(Infinity, job);
  turn.catch(() => undefined);
  place.system.send("SIGINT");
  await place.later();
  await assert.rejects(turn, InterruptedError);
});

Deno.test("without a signal an error is passed on unchanged", async () => {
  using place = new FakePlace();
  const job = await jobIn(place, () => Promise.reject(new LockUnavailableError("no server")));
  await assert.rejects(attemptRun(0, job), /no server/);
});

Deno.test("old runs are deleted last, unless the lock is lost", async () => {
  for (const isLost of [false, true]) {
    using place = new FakePlace();
    const ledger = new MemoryLedger();
    const rule = { countFailures: false, keepHistory: 1000, recordSkips: false };
    const runner = { label: "l", host: "h", pid: 1, user: "u" };
    const recorder = new Recorder(() => Promise.resolve(ledger), "the lock", runner, rule, place.logger);
    const mode: Mode = async () => {
      const lock = place.held();
      const run = await recorder.begin(lock);
      assert.ok(typeof run !== "string");
      return { outcome: "held", lock, run };
    };
    const settings = await settingsOf({ "on-lost": "warn" });
    const code = attemptRun(0, await jobIn(place, mode, { recorder, settings }));
    await place.later();
    if (isLost) place.lose();
    place.command.end(0);
    await place.later();
    assert.equal(await code, 0);
    assert.equal(ledger.steps.at(-1) === "prune", !isLost);
  }
});

Deno.test("when sera has stopped the command, it exits with the code of the reason, if there is one", () => {
  assert.equal(exitCodeOf({ exitCode: 143 }), 143);
  assert.equal(exitCodeOf({ exitCode: 143, stoppedBy: new MaxRunError("too long") }), 207);
  assert.equal(exitCodeOf({ exitCode: 143, stoppedBy: new Error("heimdall's own") }), 143);
});

/** A job with slots whose holders are these, seen when they are asked for. */
async function jobWithSlots(place: FakePlace, mode: Mode, pids: readonly number[], flags = {}): Promise<Job> {
  const settings = await settingsOf({ slots: "3", ...flags });
  const job = await jobIn(place, mode, { settings, limits: { slots: 3 } });
  const lock = job.identity.main.name;
  const sightings = pids.map((pid) => ({ lock, state: "held" as const, host: "node7", pid, label: "l", slot: pid }));
  return { ...job, lock: { ...job.lock, sightings: () => Promise.resolve({ sightings, otherSessions: [] }) } };
}

Deno.test("the held slot is logged, and passed to the command", async () => {
  using place = new FakePlace(true);
  const mode: Mode = () => Promise.resolve({ outcome: "held", lock: place.held({ slot: 2 }) });
  let told: string | undefined;
  place.system.onStart = () => void (told = Deno.env.get("SERA_SLOT"));
  const code = attemptRun(0, await jobWithSlots(place, mode, []));
  await place.later();
  place.command.end(0);
  await place.later();
  assert.equal(await code, 0);
  assert.equal(told, "2");
  assert.equal(place.events[0], "Lock acquired after 0s, slot 2 of 3.");
});

Deno.test("if all slots are held, it is 204, and one holder is named", async () => {
  using place = new FakePlace(true);
  assert.equal(await attemptRun(0, await jobWithSlots(place, busy, [0, 1, 2])), 204);
  assert.deepEqual(place.events, [
    "Lock not acquired: all 3 slots are held (node7:0 l, and 2 more) - the command was not executed.",
  ]);
});

for (
  const [error, why] of [
    [new QueueFullError(2), "2 runs already wait for it (--max-waiters 2)"],
    [new QueueFullError(0), "nobody may wait for it (--max-waiters 0)"],
    [new ReplacedError(), "a later run with --replace waits for it in the place of this one"],
  ] as const
) {
  Deno.test(`204, whatever the wait: ${why}`, async () => {
    using place = new FakePlace(true);
    const job = await jobIn(place, () => Promise.reject(error), { request: { wait: 5000, words: ["job"] } });
    assert.equal(await attemptRun(5000, job), 204);
    assert.deepEqual(place.events, [
      `Lock not acquired: somebody else holds it, and ${why} - the command was not executed.`,
    ]);
  });
}

for (const [maxWaiters, isTold] of [[0, false], [1, true]] as const) {
  Deno.test(`with a limit of ${maxWaiters} waiters, that sera waits is ${isTold ? "" : "not "}told`, async () => {
    using place = new FakePlace(true);
    let waiting: unknown;
    const mode: Mode = (_lock, asked) => {
      waiting = asked.waiting;
      return Promise.resolve({ outcome: "busy" });
    };
    assert.equal(await attemptRun(5000, await jobIn(place, mode, { limits: { maxWaiters } })), 204);
    assert.equal(waiting !== undefined, isTold);
  });
}

Deno.test("the command gets the tokens of all its locks, but not that of a rule's lock", async () => {
  using place = new FakePlace();
  const lock = place.held({ token: 5n, alsoTokens: [7n, 9n] });
  const seen: Record<string, string | undefined> = {};
  place.system.onStart = () => {
    for (const name of ["SERA_LOCK_NAME", "SERA_LOCK_KEY", "SERA_TOKEN", "SERA_HELD_LOCKS"]) {
      seen[name] = Deno.env.get(name);
    }
  };
  const identity = identitiesOf([], { name: "one", names: ["one", "two"] });
  const [one, two] = identity.all.map(({ name }) => name);
  const limits = { also: [two!, "the rule's"] };
  const mode: Mode = () => Promise.resolve({ outcome: "held", lock });
  const code = attemptRun(0, await jobIn(place, mode, { identity, limits }));
  await place.later();
  place.command.end(0);
  await code;
  assert.deepEqual([seen.SERA_LOCK_NAME, seen.SERA_LOCK_KEY, seen.SERA_TOKEN], [`${one} ${two}`, "one\ntwo", "5 7"]);
  const entries = seen.SERA_HELD_LOCKS!.split(/ (?=\w)/).map((entry) => entry.split(":")[0]);
  assert.deepEqual([entries[0], entries[1]], [one, two]);
  assert.ok(seen.SERA_HELD_LOCKS!.includes("the rule's:"));
});
