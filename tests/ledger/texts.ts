/** Text comes back as it was, and keys are compared to the letter. */

import assert from "node:assert/strict";
import type { RunBench, RunPlace } from "./run_bench.ts";
import { DAY } from "./run_holder.ts";

/** Keys that some databases and encodings confuse. */
export const KEYS: readonly string[] = [
  "release",
  "Release",
  "relèase",
  "rele\u0300ase",
  "rel\u00e8ase\u200b",
  "release.",
  "release\u0001",
  "release\\",
  "release\\\\",
  "release'",
  "release''",
  'release"',
  "release`",
  "release%",
  "release_",
  "release?",
  "release;--",
  "release /* */",
  "re\nlease",
  "re\tlease",
  "$$release$$",
  "ß",
  "ss",
  "ﬁ",
  "fi",
  "İ",
  "i",
  "👩",
  "👩‍🚀",
  "👩🏽",
  "\u{10ffff}",
  "日本",
  "0",
  "00",
  "NULL",
  "é".repeat(190),
  "😀".repeat(190),
  "😀".repeat(189) + "😁",
  "x".repeat(190),
  "x".repeat(189),
];

/** A label, a host and a user that try to break out. */
const HOSTILE = {
  label: `it's "quoted" \\' \\\\ \`x\` /* */ -- \n\r\t\u001b[31m 🚀 ${"é".repeat(20)}`,
  host: "web'1\\",
  pid: 4_194_304,
  user: "o'brien\\\"🙂",
};

export function textTests({ test, bench: makeBench }: RunPlace): void {
  test("keys are exact", async () => {
    await using bench = await makeBench();
    await keysAreExact(bench, KEYS);
  });

  test("text comes back as it was", async () => {
    await using bench = await makeBench();
    await assertTextIsKept(bench);
  });

  test("empty text stays empty", async () => {
    await using bench = await makeBench();
    await assertTextIsKept(bench, { label: "", host: "", pid: 1, user: "" });
  });

  test("text that is too long is cut between characters", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    const long = { label: "😀".repeat(300), host: "h".repeat(300), pid: 1, user: "ü".repeat(300) };
    const { label, host, user } = await holder.recorded(await holder.started({}, long));
    assert.deepEqual([label, host, user], ["😀".repeat(190), "h".repeat(190), "ü".repeat(190)]);
  });
}

/** Asserts that every key counts for itself and for no other. */
export async function keysAreExact(bench: Pick<RunBench, "holder">, keys: readonly string[]): Promise<void> {
  await using holder = await bench.holder();
  const ids = new Map<string, bigint>();
  for (const key of keys) ids.set(key, await holder.ran("succeeded", { once: key }));
  for (const key of keys) {
    const { id, key: recorded } = await holder.refused({ once: key });
    assert.equal(recorded, key);
    assert.equal(id, ids.get(key), JSON.stringify(key));
  }
}

/** Asserts that hostile text comes back as it was, and times as they are. */
export async function assertTextIsKept(bench: Pick<RunBench, "holder">, runner = HOSTILE): Promise<void> {
  await using holder = await bench.holder();
  const id = await holder.ran("succeeded", { once: "k'\\\"😀", every: DAY }, runner);
  const { label, host, pid, user, key, lock, exitCode, started, finished } = await holder.recorded(id);
  assert.deepEqual({ label, host, pid, user }, runner);
  assert.deepEqual({ key, lock, exitCode }, { key: "k'\\\"😀", lock: holder.lock, exitCode: 0 });
  for (const time of [started, finished]) assert.ok(Math.abs(time! - Date.now()) < 3_600_000, `${time}`);
  assert.equal((await holder.refused({ every: 10_000 })).id, id);
}
