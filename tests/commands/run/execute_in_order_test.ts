/** The order of calls to the lock, the helper shell and the ledger while a command runs and after its end. */

import assert from "node:assert/strict";
import { executeHolding } from "../../../lib/commands/run/execute.ts";
import type { Execution } from "../../../lib/commands/run/execution.ts";
import { InterruptedError, LockLostError, LockUnavailableError } from "../../../lib/errors.ts";
import type { HeldLock } from "../../../lib/lock/lock.ts";
import { FakePlace } from "../fake_place.ts";

/** Starts a command; the rest is the test's. */
async function started(place: FakePlace, parts: Partial<Execution> = {}): Promise<{ code: Promise<number> }> {
  const code = executeHolding(place.execution(parts));
  await place.later();
  return { code };
}

/** What happened, but for the helper shell, which has its own pace. */
function withoutWill({ events }: FakePlace): readonly string[] {
  return events.filter((event) => !event.startsWith("helper shell: "));
}

Deno.test("a command runs under its lock, which is released last", async () => {
  using place = new FakePlace(true);
  const { code } = await started(place, { run: place.run() });
  await place.later(61_000);
  place.command.end(3);
  await place.later();
  assert.equal(await code, 3);
  assert.deepEqual(place.events, [
    "helper shell: kill -1 Infinity",
    "lock: command ended",
    "helper shell: ended",
    "Command finished with exit code 3.",
    "run: failed 3",
    "lock: released",
    "Lock released, held for 1m1s.",
  ]);
});

Deno.test("a run with exit code 0 has succeeded", async () => {
  using place = new FakePlace();
  const { code } = await started(place, { run: place.run() });
  place.command.end(0);
  assert.equal(await code, 0);
  assert.ok(place.events.includes("run: succeeded 0"));
});

Deno.test("each proof that the lock is held extends the helper shell's time limit, too", async () => {
  using place = new FakePlace();
  const lock: HeldLock = place.held({ left: 20_000 });
  const { code } = await started(place, { lock });
  lock.onRenewed?.();
  place.command.end(0);
  await code;
  assert.deepEqual(place.events.slice(0, 2), ["helper shell: kill -1 20000", "helper shell: renew 20000"]);
});

Deno.test("with on-lost=warn the helper shell has no time limit", async () => {
  using place = new FakePlace();
  const lock: HeldLock = place.held({ left: 20_000 });
  const { code } = await started(place, { lock, onLost: "warn" });
  lock.onRenewed?.();
  place.command.end(0);
  await code;
  assert.deepEqual(place.events.slice(0, 2), ["helper shell: kill -1 Infinity", "lock: command ended"]);
});

Deno.test("signals go to the command while it runs, and to sera after its end", async () => {
  using place = new FakePlace();
  const { code } = await started(place);
  place.system.send("SIGTERM");
  await place.later();
  assert.deepEqual(place.command.got, ["SIGTERM"]);
  place.command.end(143);
  await place.later();
  assert.equal(await code, 143);
  place.system.send("SIGTERM");
  await place.later();
  assert.ok(place.signals.interrupted.reason instanceof InterruptedError);
});

Deno.test("a command that the helper shell killed because sera was stuck has lost its lock", async () => {
  using place = new FakePlace();
  const { code } = await started(place, { run: place.run() });
  place.helperShell.answer = { ignored: 0, blocked: 0, fenced: true, got: [] };
  place.command.end(137, "SIGKILL");
  assert.equal(await code, 206);
  const lost = "sera: Lock lost: sera was stopped or stuck for too long, and the command was killed";
  assert.deepEqual(withoutWill(place), ["lock: command ended", lost, "run: failed 206"]);
});

Deno.test("a command that somebody else killed has not lost its lock", async () => {
  using place = new FakePlace();
  const { code } = await started(place);
  place.command.end(137, "SIGKILL");
  assert.equal(await code, 137);
  assert.ok(place.events.includes("lock: released"));
});

for (const lingering of ["run", "minHold"] as const) {
  Deno.test(`the ignored signals are read before the helper shell ends if sera keeps running: ${lingering}`, async () => {
    using place = new FakePlace();
    const { status } = place.helperShell;
    place.helperShell.status = () => {
      place.events.push("helper shell: asked");
      return status.call(place.helperShell);
    };
    const { code } = await started(place, lingering === "run" ? { run: place.run() } : { minHold: 1 });
    place.command.end(0);
    await place.later(10);
    assert.equal(await code, 0);
    const [asked, ended] = ["helper shell: asked", "helper shell: ended"].map((event) => place.events.indexOf(event));
    assert.ok(asked! >= 0 && asked! < ended!, place.events.join("\n"));
  });
}

Deno.test("a stopped helper shell delays neither the record of the run nor the next holder", async () => {
  using place = new FakePlace();
  const answer = Promise.withResolvers<undefined>();
  place.helperShell.status = () => answer.promise;
  const { code } = await started(place, { run: place.run() });
  place.command.end(0);
  assert.equal(await code, 0);
  assert.deepEqual(withoutWill(place), ["lock: command ended", "run: succeeded 0", "lock: released"]);
  assert.ok(!place.events.includes("helper shell: ended"));
  answer.resolve(undefined);
  await place.later();
  assert.equal(place.events.at(-1), "helper shell: ended");
});

Deno.test("a lost lock stops the command, is 206, and is not released", async () => {
  using place = new FakePlace();
  const { code } = await started(place, { run: place.run() });
  place.lose(500);
  await place.later();
  assert.deepEqual(place.command.got, ["SIGTERM", "SIGCONT"]);
  place.command.end(143);
  await place.later(1000);
  assert.equal(await code, 206);
  assert.deepEqual(place.events.filter((event) => !/^helper shell|^lock: command/.test(event)), [
    "sera: Lock lost: fake; stopping job, since another node may start it now",
    "sera: Cannot record in the ledger how the command ended, since the lock is lost: it may run again; check it",
  ]);
});

/** The messages for a lock that turns out to be gone at its release. */
async function messagesOfLostLock(
  parts: (place: FakePlace) => Partial<Execution>,
  lock: Partial<HeldLock> = {},
): Promise<string> {
  using place = new FakePlace();
  const release = () => Promise.reject(new LockLostError("It is gone"));
  const { code } = await started(place, { ...parts(place), lock: place.held({ release, ...lock }) });
  place.command.end(0);
  await place.later(7_200_000);
  assert.equal(await code, 0);
  return place.events.at(-1)!;
}

Deno.test("when the lock is gone at its release, the consequence is reported, as far as known", async () => {
  const atOnce = "sera: It is gone; another node may have run the command at the same time";
  const since = "sera: It is gone; another node may have run the command since it ended here";
  assert.equal(await messagesOfLostLock(() => ({})), atOnce);
  assert.equal(await messagesOfLostLock(() => ({}), { heldToEnd: true }), since);
  assert.equal(
    await messagesOfLostLock(() => ({ minHold: 3_600_000 }), { heldToEnd: true }),
    "sera: It is gone; the command had already ended, but another node may have run it before --min-hold was over",
  );
  // A ledger in files is not written in the session that holds the lock.
  assert.equal(await messagesOfLostLock((place) => ({ run: place.run() })), atOnce);
});

Deno.test("a lock lost while the end is recorded is reported once", async () => {
  using place = new FakePlace();
  const finish = () => {
    place.lose();
    return Promise.reject(new LockUnavailableError("Not recorded, since the lock is lost"));
  };
  const { code } = await started(place, { run: place.run({ finish }) });
  place.command.end(0);
  assert.equal(await code, 0);
  assert.equal(withoutWill(place).at(-1), "sera: Not recorded, since the lock is lost");
});
