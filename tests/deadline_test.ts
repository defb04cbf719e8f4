import assert from "node:assert/strict";
import { Deadline } from "../lib/deadline.ts";
import { FakeClock } from "./lock/fake_clock.ts";

Deno.test("a deadline counts down and stays at zero", async () => {
  using clock = new FakeClock();
  const deadline = new Deadline(50);
  assert.equal(deadline.remaining, 50);
  await clock.to(49);
  assert.equal(deadline.remaining, 1);
  assert.equal(deadline.passed, false);
  await clock.to(50);
  assert.equal(deadline.passed, true);
  await clock.to(80);
  assert.equal(deadline.remaining, 0);
});

Deno.test("a deadline of 0 ms has passed, and an endless one never does", () => {
  assert.equal(new Deadline(0).passed, true);
  assert.equal(new Deadline(Infinity).passed, false);
  assert.equal(new Deadline(Infinity).remaining, Infinity);
});

Deno.test("a deadline does not follow the wall clock", () => {
  const now = Date.now;
  try {
    const deadline = new Deadline(60_000);
    Date.now = () => now() + 3600_000;
    assert.equal(deadline.passed, false);
  } finally {
    Date.now = now;
  }
});
