import assert from "node:assert/strict";
import { markOf, readMark } from "../../../lib/backends/sql/mark.ts";
import { MYSQL } from "../../../lib/backends/sql/quoting.ts";
import type { Presence } from "../../../lib/lock/presence.ts";

const PRESENCE: Presence = {
  lock: "5373fa7de6f7dd54052abf86b3a53da4",
  host: "web1",
  pid: 4711,
  label: "rotate-logs",
  since: undefined,
  connected: undefined,
  slots: undefined,
  also: undefined,
  namespace: undefined,
  name: undefined,
};

Deno.test("a mark is read back from the end of a statement, whatever the label holds", () => {
  for (
    const label of [
      "rotate-logs",
      "*/ DROP TABLE x; /* sera {}",
      'it\'s 100% "quoted" \\ ?',
      "\x1b[31mred\n",
      "Größe \u202e👋 \ud800",
      "",
      "'); SELECT pg_sleep(9) --",
    ]
  ) {
    for (const more of [{}, { since: 1_795_341_605_000 }, { lock: `${PRESENCE.lock}.3`, slots: 4, also: ["1,-2"] }]) {
      const presence = { ...PRESENCE, ...more, label };
      const mark = markOf(presence).textFor(MYSQL);
      assert.match(mark, /^ \/\* sera [ -~]+ \*\/$/);
      assert.doesNotMatch(mark.slice(3, -2), /[/'?*;]/);
      assert.deepEqual(readMark(`SELECT 1${mark}`), { ...presence, label: label.toWellFormed() });
    }
  }
});

Deno.test("a mark stays short enough for servers to keep it whole, and names are not cut in half", () => {
  const long = "\u{1f44b}".repeat(100);
  const presence = readMark(
    `SELECT 1${markOf({ ...PRESENCE, label: long, namespace: "jobs", name: long }).textFor(MYSQL)}`,
  );
  assert.deepEqual([presence?.label, presence?.namespace, presence?.name], [long.slice(0, 64), "jobs", undefined]);
});

Deno.test("a statement without a complete mark at its end has no mark", () => {
  const mark = markOf(PRESENCE).textFor(MYSQL);
  for (
    const statement of [
      "",
      "SELECT 1",
      `SELECT 1${mark}; SELECT 2`,
      `SELECT 1${mark.slice(0, -10)}`,
      "SELECT 1 /* sera {} */",
      "SELECT 1 /* sera {not json} */",
      "SELECT 1 /* sera [1] */",
      "<insufficient privilege>",
    ]
  ) {
    assert.equal(readMark(statement), undefined, statement);
  }
});

Deno.test("a statement full of mark beginnings is parsed quickly", () => {
  assert.equal(readMark(`${" /* sera {".repeat(200_000)}`), undefined);
  assert.equal(readMark(`${" /* sera {".repeat(200_000)}} */`), undefined);
});
