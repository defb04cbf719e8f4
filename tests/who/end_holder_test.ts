import assert from "node:assert/strict";
import { endHolder, type EndingHolder } from "../../lib/who/end_holder.ts";
import type { Forced, Grip } from "../../lib/who/grip.ts";
import { FakeClock } from "../lock/fake_clock.ts";

/** A holder that ends when a test wants it to. */
class FakeGrip implements Grip {
  unaskable: string | undefined;
  readonly noticedWithin = 1000;
  readonly done: string[] = [];
  /** When it ends by itself, and how long after it was first asked. */
  endsAt = Infinity;
  endsAfterAsk = Infinity;
  /** What force does; undefined if the holder has gone. */
  forced: Forced | undefined = { mayRun: 7 };
  keeps = false;
  #isForced = false;

  constructor(readonly clock: FakeClock) {}

  holds(): Promise<boolean> {
    return Promise.resolve(this.clock.now < this.endsAt && !(this.#isForced && !this.keeps));
  }
  ask(): Promise<void> {
    this.done.push("ask");
    this.endsAt = Math.min(this.endsAt, this.clock.now + this.endsAfterAsk);
    return Promise.resolve();
  }
  force(): Promise<Forced | undefined> {
    this.done.push("force");
    this.#isForced = true;
    return Promise.resolve(this.forced);
  }
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

async function ended(
  set: (grip: FakeGrip) => void,
  { wait = 3000, force = () => false, signal = new AbortController().signal }: Partial<EndingHolder> = {},
) {
  using clock = new FakeClock();
  const grip = new FakeGrip(clock);
  set(grip);
  const result = endHolder(grip, { wait, asked: () => void grip.done.push("told"), force, signal });
  result.catch(() => undefined);
  await clock.to(60_000);
  return { ...await result, done: [...new Set(grip.done)] };
}

Deno.test("a holder that ends when asked is not forced", async () => {
  const { outcome, done } = await ended((grip) => grip.endsAfterAsk = 2900, { force: () => true });
  assert.deepEqual([outcome, done], ["released", ["ask", "told"]]);
});

Deno.test("a holder that does not end in time is forced only where that is wanted", async () => {
  assert.deepEqual(await ended((grip) => grip.endsAfterAsk = 3100), {
    outcome: "held",
    why: "unanswered",
    done: ["ask", "told"],
  });
  const whys: string[] = [];
  const force = (why: string) => whys.push(why) > 0;
  assert.deepEqual(await ended(() => undefined, { force }), {
    outcome: "forced",
    mayRun: 7,
    done: ["ask", "told", "force"],
  });
  assert.deepEqual(whys, ["unanswered"]);
});

Deno.test("a holder that cannot be asked is not asked", async () => {
  const unaskable = (grip: FakeGrip) => void (grip.unaskable = "it is no sera");
  assert.deepEqual(await ended(unaskable), { outcome: "held", why: "unaskable", done: [] });
  assert.deepEqual((await ended(unaskable, { force: () => true })).done, ["force"]);
});

Deno.test("a wait of 0 does not ask", async () => {
  assert.deepEqual((await ended(() => undefined, { wait: 0, force: () => true })).done, ["force"]);
});

Deno.test("a holder that has gone is left alone", async () => {
  const gone = (grip: FakeGrip) => void (grip.endsAt = 0);
  assert.deepEqual(await ended(gone, { force: () => true, wait: 0 }), { outcome: "released", why: "before", done: [] });
  const goes = (grip: FakeGrip) => void (grip.forced = undefined);
  assert.equal((await ended(goes, { force: () => true })).outcome, "released");
});

Deno.test("a holder that has gone before it is asked is not asked, and that is said", async () => {
  const gone = (grip: FakeGrip) => void (grip.endsAt = 0);
  assert.deepEqual(await ended(gone), { outcome: "released", why: "before", done: [] });
  const goes = (grip: FakeGrip) => void (grip.endsAfterAsk = 10);
  assert.deepEqual(await ended(goes), { outcome: "released", why: "asked", done: ["ask", "told"] });
});

Deno.test("a lock that stays held after force is said to be", async () => {
  const keeps = (grip: FakeGrip) => void (grip.keeps = true);
  const { outcome, ...rest } = await ended(keeps, { force: () => true, wait: 0 });
  assert.deepEqual([outcome, rest], ["held", { why: "kept", done: ["force"] }]);
});

Deno.test("it can be given up", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(ended(() => undefined, { signal }), { message: "enough" });
});
