import assert from "node:assert/strict";
import { SignalWitness } from "../../lib/child/signal_witness.ts";
import type { Testimony } from "../../lib/child/testimony.ts";
import { FakeClock } from "../lock/fake_clock.ts";

const NOTHING: Testimony = { ignored: 0, blocked: 0, fenced: false, got: [] };

/** A witness that is asked for these, one after the other; then it knows nothing any more. */
function witnessOf(...testimonies: readonly Partial<Testimony>[]): { witness: SignalWitness; asked: () => number } {
  let asked = 0;
  const witness = new SignalWitness(() => {
    const testimony = testimonies[asked++];
    return Promise.resolve(testimony && { ...NOTHING, ...testimony });
  });
  return { witness, asked: () => asked };
}

Deno.test("what was ignored at the start is asked once, and known when nobody can be asked any more", async () => {
  const { witness, asked } = witnessOf({ ignored: 0b101 });
  assert.deepEqual([...await witness.ignored()], ["SIGHUP", "SIGQUIT"]);
  assert.deepEqual([...await witness.ignored()], ["SIGHUP", "SIGQUIT"]);
  assert.equal(asked(), 1);
});

Deno.test("where nobody knows, nothing was ignored", async () => {
  const { witness, asked } = witnessOf();
  assert.deepEqual([...await witness.ignored()], []);
  await witness.ignored();
  assert.equal(asked(), 1);
});

Deno.test("what is blocked is told, and what was ignored is learned with it", async () => {
  const { witness, asked } = witnessOf({ ignored: 0b1, blocked: 0b10 });
  assert.deepEqual(await witness.blocked(), ["SIGINT"]);
  assert.deepEqual([...await witness.ignored()], ["SIGHUP"]);
  assert.equal(asked(), 1);
  assert.deepEqual(await witness.blocked(), []);
});

Deno.test("a signal that the group got reached the group, another one did not", async () => {
  const { witness } = witnessOf({ got: [15] }, {});
  assert.equal(await witness.reachedGroup("SIGTERM"), true);
  assert.equal(await witness.reachedGroup("SIGINT"), false);
});

Deno.test("what the shell told when it was asked for something else is not forgotten", async () => {
  const { witness } = witnessOf({ got: [15] }, {});
  await witness.blocked();
  assert.equal(await witness.reachedGroup("SIGTERM"), true);
});

Deno.test("one more of the kind counts as a part of it for half a second", async () => {
  using clock = new FakeClock();
  const { witness } = witnessOf({ got: [15] }, {}, {});
  assert.equal(await witness.reachedGroup("SIGTERM"), true);
  await clock.to(499);
  assert.equal(await witness.reachedGroup("SIGTERM"), true);
  await clock.to(500);
  assert.equal(await witness.reachedGroup("SIGTERM"), false);
});

Deno.test("where nobody knows, the signals of the terminal's keys are taken for the group's", async () => {
  const { witness } = witnessOf();
  assert.equal(await witness.reachedGroup("SIGINT"), true);
  assert.equal(await witness.reachedGroup("SIGQUIT"), true);
  assert.equal(await witness.reachedGroup("SIGTERM"), false);
});
