import assert from "node:assert/strict";
import { SignalInfo } from "../../lib/child/signal_info.ts";
import type { ShellStatus } from "../../lib/child/shell_status.ts";
import { FakeClock } from "../lock/fake_clock.ts";

const NOTHING: ShellStatus = { ignored: 0, blocked: 0, fenced: false, got: [] };

/** A SignalInfo whose helper shell gives these answers in turn, and then none. */
function infoOf(...answers: readonly Partial<ShellStatus>[]): { signalInfo: SignalInfo; asked: () => number } {
  let asked = 0;
  const signalInfo = new SignalInfo(() => {
    const status = answers[asked++];
    return Promise.resolve(status && { ...NOTHING, ...status });
  });
  return { signalInfo, asked: () => asked };
}

Deno.test("the signals ignored at the start are read once, and remembered", async () => {
  const { signalInfo, asked } = infoOf({ ignored: 0b101 });
  assert.deepEqual([...await signalInfo.ignored()], ["SIGHUP", "SIGQUIT"]);
  assert.deepEqual([...await signalInfo.ignored()], ["SIGHUP", "SIGQUIT"]);
  assert.equal(asked(), 1);
});

Deno.test("without an answer, no signal counts as ignored", async () => {
  const { signalInfo, asked } = infoOf();
  assert.deepEqual([...await signalInfo.ignored()], []);
  await signalInfo.ignored();
  assert.equal(asked(), 1);
});

Deno.test("one answer tells both the blocked and the ignored signals", async () => {
  const { signalInfo, asked } = infoOf({ ignored: 0b1, blocked: 0b10 });
  assert.deepEqual(await signalInfo.blocked(), ["SIGINT"]);
  assert.deepEqual([...await signalInfo.ignored()], ["SIGHUP"]);
  assert.equal(asked(), 1);
  assert.deepEqual(await signalInfo.blocked(), []);
});

Deno.test("only a signal that the group got counts as sent to the group", async () => {
  const { signalInfo } = infoOf({ got: [15] }, {});
  assert.equal(await signalInfo.reachedGroup("SIGTERM"), true);
  assert.equal(await signalInfo.reachedGroup("SIGINT"), false);
});

Deno.test("signals reported in an earlier answer are remembered", async () => {
  const { signalInfo } = infoOf({ got: [15] }, {});
  await signalInfo.blocked();
  assert.equal(await signalInfo.reachedGroup("SIGTERM"), true);
});

Deno.test("a second signal of the same kind counts as the same event for half a second", async () => {
  using clock = new FakeClock();
  const { signalInfo } = infoOf({ got: [15] }, {}, {});
  assert.equal(await signalInfo.reachedGroup("SIGTERM"), true);
  await clock.to(499);
  assert.equal(await signalInfo.reachedGroup("SIGTERM"), true);
  await clock.to(500);
  assert.equal(await signalInfo.reachedGroup("SIGTERM"), false);
});

Deno.test("without an answer, the signals of the terminal's keys count as sent to the group", async () => {
  const { signalInfo } = infoOf();
  assert.equal(await signalInfo.reachedGroup("SIGINT"), true);
  assert.equal(await signalInfo.reachedGroup("SIGQUIT"), true);
  assert.equal(await signalInfo.reachedGroup("SIGTERM"), false);
});
