import assert from "node:assert/strict";
import { endHolder, type EndHolderOptions } from "../../lib/who/end_holder.ts";
import type { ForcedRelease, HolderHandle } from "../../lib/who/holder_handle.ts";
import { FakeClock } from "../lock/fake_clock.ts";

/** A holder that ends when a test wants it to. */
class FakeHandle implements HolderHandle {
  unaskable: string | undefined;
  readonly noticedWithin = 1000;
  readonly done: string[] = [];
  /** When it ends by itself, and how long after it was first asked. */
  endsAt = Infinity;
  endsAfterAsk = Infinity;
  /** What force does; undefined if the holder has gone. */
  forced: ForcedRelease | undefined = { mayRun: 7 };
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
  force(): Promise<ForcedRelease | undefined> {
    this.done.push("force");
    this.#isForced = true;
    return Promise.resolve(this.forced);
  }
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

async function ended(
  set: (handle: FakeHandle) => void,
  { wait = 3000, force = () => false, signal = new AbortController().signal }: Partial<EndHolderOptions> = {},
) {
  using clock = new FakeClock();
  const handle = new FakeHandle(clock);
  set(handle);
  const result = endHolder(handle, { wait, asked: () => void handle.done.push("told"), force, signal });
  result.catch(() => undefined);
  await clock.to(60_000);
  return { ...await result, done: [...new Set(handle.done)] };
}

Deno.test("a holder that ends when asked is not forced", async () => {
  const { outcome, done } = await ended((handle) => handle.endsAfterAsk = 2900, { force: () => true });
  assert.deepEqual([outcome, done], ["released", ["ask", "told"]]);
});

Deno.test("a holder that does not end in time is forced only if requested", async () => {
  assert.deepEqual(await ended((handle) => handle.endsAfterAsk = 3100), {
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

Deno.test("a holder that cannot receive requests gets none", async () => {
  const unaskable = (handle: FakeHandle) => void (handle.unaskable = "it is no sera");
  assert.deepEqual(await ended(unaskable), { outcome: "held", why: "unaskable", done: [] });
  assert.deepEqual((await ended(unaskable, { force: () => true })).done, ["force"]);
});

Deno.test("with a wait of 0 no request is sent", async () => {
  assert.deepEqual((await ended(() => undefined, { wait: 0, force: () => true })).done, ["force"]);
});

Deno.test("a holder that has gone is not touched", async () => {
  const gone = (handle: FakeHandle) => void (handle.endsAt = 0);
  assert.deepEqual(await ended(gone, { force: () => true, wait: 0 }), { outcome: "released", why: "before", done: [] });
  const goes = (handle: FakeHandle) => void (handle.forced = undefined);
  assert.equal((await ended(goes, { force: () => true })).outcome, "released");
});

Deno.test("a holder that is gone before the request gets none, which is reported", async () => {
  const gone = (handle: FakeHandle) => void (handle.endsAt = 0);
  assert.deepEqual(await ended(gone), { outcome: "released", why: "before", done: [] });
  const goes = (handle: FakeHandle) => void (handle.endsAfterAsk = 10);
  assert.deepEqual(await ended(goes), { outcome: "released", why: "asked", done: ["ask", "told"] });
});

Deno.test("a lock that is still held after force is reported", async () => {
  const keeps = (handle: FakeHandle) => void (handle.keeps = true);
  const { outcome, ...rest } = await ended(keeps, { force: () => true, wait: 0 });
  assert.deepEqual([outcome, rest], ["held", { why: "kept", done: ["force"] }]);
});

Deno.test("the wait for a holder's end can be aborted", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(ended(() => undefined, { signal }), { message: "enough" });
});
