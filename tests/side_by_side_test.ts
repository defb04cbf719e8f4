import assert from "node:assert/strict";
import { Batches, sideBySide, Together } from "./side_by_side.ts";

Deno.test("cases that wait for each other end", async () => {
  const [one, other] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await sideBySide({
    async one() {
      one.resolve();
      await other.promise;
    },
    async other() {
      other.resolve();
      await one.promise;
    },
  });
});

Deno.test("a failed case is named, and the others finish", async () => {
  const ended: string[] = [];
  const bad = (name: string) => () => Promise.reject(new Error(`the reason of ${name}`));
  const good = (name: string) => async () => {
    await Promise.resolve();
    ended.push(name);
  };
  await assert.rejects(sideBySide({ a: bad("a"), b: good("b") }), { message: "a: the reason of a" });
  await assert.rejects(sideBySide({ a: bad("a"), b: good("c"), c: bad("c") }), {
    message: "a: the reason of a\nc: the reason of c",
  });
  assert.deepEqual(ended, ["b", "c"]);
});

Deno.test("no more cases than the limit run at a time", async () => {
  let [now, max, tried] = [0, 0, 0];
  const one = async () => {
    max = Math.max(max, ++now);
    await Promise.resolve();
    now--;
    tried++;
  };
  await sideBySide(Object.fromEntries(Array.from({ length: 7 }, (_, index) => [`${index}`, one])), 2);
  assert.deepEqual({ max, tried }, { max: 2, tried: 7 });
});

const tried: string[] = [];
const together = new Together();
for (const label of ["first", "second"]) {
  together.test(label, "a test is tried with each of its cases", () => Promise.resolve(tried.push(label)));
}

Deno.test("tests of the same name are joined; a repeated case is rejected", () => {
  assert.deepEqual(tried, ["first", "second"]);
  assert.throws(() => together.test("first", "a test is tried with each of its cases", () => Promise.resolve()), /two/);
});

const parts: string[][] = [];
let part: string[] = [];
const batches = new Batches();
for (const label of ["first", "second"]) {
  for (const name of ["a", "b", "alone", "c", "d", "e"]) {
    batches.test(label, name, async () => {
      if (part.length === 0) parts.push(part);
      part.push(`${label} ${name}`);
      // The part is over when all that was tried at the same time has been noted.
      await new Promise((resolve) => setTimeout(resolve));
      part = [];
    }, { alone: name === "alone" });
  }
}

Deno.test("of a contract's tests some are one test, on all servers, and those that others disturb are not among them", () => {
  assert.deepEqual(parts, [
    ["first a", "first b", "first c", "first d", "second a", "second b", "second c", "second d"],
    ["first alone", "second alone"],
    ["first e", "second e"],
  ]);
});
