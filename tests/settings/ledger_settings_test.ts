import assert from "node:assert/strict";
import { environmentName } from "../../lib/settings/table.ts";
import type { Settings } from "../../lib/settings/settings.ts";
import { ConfigError, UsageError } from "../../lib/errors.ts";
import { type Flags, MYSQL, MYSQL_WITH_DATABASE, POSTGRES, refusal, resolve, test, withFlags } from "./given.ts";

const DAY = 24 * 3600 * 1000;

test("without a setting for it there is no ledger", async () => {
  const { ledger, minHold, label } = await resolve({ env: { SERA_KEEP_HISTORY: "1d", SERA_LEDGER: "false" } });
  assert.deepEqual(ledger, {
    on: false,
    table: { name: "sera_runs" },
    keepHistory: DAY,
    once: undefined,
    every: undefined,
    countFailures: false,
    recordSkips: false,
  });
  assert.deepEqual([minHold, label], [undefined, undefined]);
  // Others than those who want a ledger need no database.
  assert.equal((await withFlags({}, MYSQL)).ledger.on, false);
});

test("each of the settings that need the ledger turns it on", async () => {
  const reasons: Flags[] = [{ ledger: "true" }, { once: "k" }, { every: "1h" }, { "record-skips": "true" }];
  for (const flags of reasons) {
    assert.equal((await withFlags(flags)).ledger.on, true, JSON.stringify(flags));
  }
  const others: Flags[] = [
    { "count-failures": "true" },
    { "min-hold": "1s" },
    { label: "x" },
    { "record-skips": "false" },
  ];
  for (const flags of others) {
    assert.equal((await withFlags(flags)).ledger.on, false, JSON.stringify(flags));
  }
  assert.equal((await withFlags({ "record-skips": "true", ledger: "false" })).ledger.on, false);
});

/** Values by setting: as they are written and as they are read. */
const RIGHT: [setting: string, written: string, read: unknown, of: (settings: Settings) => unknown][] = [
  ["once", "release 7", "release 7", ({ ledger }) => ledger.once],
  ["once", "k".repeat(190), "k".repeat(190), ({ ledger }) => ledger.once],
  ["once", "🔑".repeat(190), "🔑".repeat(190), ({ ledger }) => ledger.once],
  ["every", "3600", 3600_000, ({ ledger }) => ledger.every],
  ["every", "1h30m", 5400_000, ({ ledger }) => ledger.every],
  ["every", "90d", 90 * DAY, ({ ledger }) => ledger.every],
  ["every", "36500d", 36_500 * DAY, ({ ledger }) => ledger.every],
  ["count-failures", "true", true, ({ ledger }) => ledger.countFailures],
  ["keep-history", "0", 0, ({ ledger }) => ledger.keepHistory],
  ["keep-history", "1d12h", 1.5 * DAY, ({ ledger }) => ledger.keepHistory],
  ["record-skips", "true", true, ({ ledger }) => ledger.recordSkips],
  ["ledger", "true", true, ({ ledger }) => ledger.on],
  ["min-hold", "0", 0, ({ minHold }) => minHold],
  ["min-hold", "1m30s", 90_000, ({ minHold }) => minHold],
  ["label", "rotate logs", "rotate logs", ({ label }) => label],
];

for (const [setting, written, read, of] of RIGHT) {
  test(`${setting} takes ${written.length > 20 ? `${[...written].length} characters` : written}, as flag and in the variable`, async () => {
    assert.equal(of(await resolve({ flags: { [setting]: written } })), read);
    assert.equal(of(await resolve({ env: { [environmentName(setting)]: written } })), read);
  });
}

const EXPECTED: Record<string, RegExp> = {
  once: /; it takes (some text|up to 190 characters, without spaces around them)$/,
  every: /; it takes whole seconds, or a duration such as 1m30s, from 1ms to 876000h$/,
  "keep-history": /; it takes whole seconds, or a duration such as 1m30s, from 0s to 876000h$/,
  "min-hold": /; it takes whole seconds, or a duration such as 1m30s$/,
  label: /; it takes some text$/,
  "ledger-table": /; it takes (some text|a table or schema\.table, in up to 63 letters, digits and underscores each)$/,
};

const EMPTY = /: it is empty; check the variable it comes from, or leave it out$/;

const WRONG: [setting: string, values: string[]][] = [
  ["once", ["", " ", " k", "k ", "k\t", "k\n", "\u00a0k", "k".repeat(191)]],
  ["every", ["", "0", "0s", "-1h", "forever", "soon", "36501d", "1.5", "1d-1h"]],
  ["keep-history", ["", "-1", "forever", "36501d", "90days"]],
  ["min-hold", ["", "-1s", "forever", "soon"]],
  ["label", [""]],
  ["ledger-table", ["", ".", "a.", ".a", "a.b.c", "a b", "a`b", 'a"b', "1a", "a;b", "ä", "t".repeat(64), "a.1b"]],
];

/** How a value begins in a message; what has blanks around it is in quotes. */
function shown(value: string): string {
  const [line = ""] = value.split("\n");
  return value === value.trim() ? line : `"${line}`;
}

for (const [setting, values] of WRONG) {
  test(`${setting} refuses other values, as flag and as variable`, async () => {
    for (const value of values) {
      const flag = await refusal({ flags: { server: POSTGRES, [setting]: value } });
      assert.equal(flag.kind, UsageError, value);
      const expected = value === "" ? EMPTY : EXPECTED[setting]!;
      assert.match(flag.message, expected);
      assert.ok(
        flag.message.startsWith(`Cannot use --${setting}: ${shown(value)}`),
        flag.message,
      );
      const variable = await refusal({ flags: { server: POSTGRES }, env: { [environmentName(setting)]: value } });
      assert.equal(variable.kind, ConfigError, value);
      assert.match(variable.message, expected);
    }
  });
}

test("the config file accepts only settings for more than one run", async () => {
  const settings = await resolve({
    file: { ledger: true, "keep-history": 0, "Record-Skips": true, "min-hold": 0.5, "ledger-table": null },
  });
  assert.deepEqual(
    [settings.ledger.on, settings.ledger.keepHistory, settings.ledger.recordSkips, settings.minHold],
    [true, 0, true, 500],
  );
  const { ledger: { table } } = await resolve({ file: { server: POSTGRES, "ledger-table": "ops.runs" } });
  assert.deepEqual(table, { schema: "ops", name: "runs" });
  const file = { once: "k", every: "1h", "once-per": "1h", "count-failures": true, label: "x" };
  const { notes, ledger } = await resolve({ file });
  assert.deepEqual(
    // The tests' own variables are reported, too.
    notes.filter(({ what }) => what.startsWith("Key ")).map(({ what }) => what.replace(/^Key not allowed in .*: /, "")),
    Object.keys(file),
  );
  assert.equal(ledger.on, false);
  for (const [key, value] of [["ledger", "true"], ["keep-history", "forever"], ["min-hold", -1], ["record-skips", 1]]) {
    assert.equal((await refusal({ file: { [key as string]: value } })).kind, ConfigError);
  }
});

test("a flag wins over the variable, and the variable over the file", async () => {
  const file = { "keep-history": "1d", "min-hold": 1, ledger: true };
  const env = { SERA_KEEP_HISTORY: "2d", SERA_MIN_HOLD: "2", SERA_LEDGER: "false" };
  const flags = { "keep-history": "3d", "min-hold": "3", ledger: "true" };
  const shown = ({ ledger, minHold }: Settings) => [ledger.keepHistory / DAY, minHold! / 1000, ledger.on];
  assert.deepEqual(shown(await resolve({ file })), [1, 1, true]);
  assert.deepEqual(shown(await resolve({ file, env })), [2, 2, false]);
  assert.deepEqual(shown(await resolve({ file, env, flags })), [3, 3, true]);
});

test("settings that need the ledger are refused if it is off", async () => {
  const off = { ledger: "false" };
  for (const [setting, value] of [["once", "k"], ["every", "1h"]] as const) {
    assert.deepEqual(await refusal({ flags: { ...off, [setting]: value } }), {
      kind: UsageError,
      message:
        `Cannot use --${setting}: the ledger is turned off by --ledger=false; turn the ledger on there, or leave --${setting} out`,
    });
    assert.deepEqual(await refusal({ env: { SERA_LEDGER: "0" }, flags: { [setting]: value } }), {
      kind: ConfigError,
      message:
        `Cannot use --${setting}: the ledger is turned off by SERA_LEDGER; turn the ledger on there, or leave --${setting} out`,
    });
  }
  const { kind, message } = await refusal({ file: { ledger: false }, flags: { every: "1h", "once-per": "1h" } });
  assert.equal(kind, ConfigError);
  assert.match(
    message,
    /^Cannot use --once-per: the ledger is turned off by ledger in \S+\.json; turn the ledger on there, or leave --once-per out$/,
  );
});

test("the ledger's table, with a schema or without one", async () => {
  const tableOf = async (text: string) => (await withFlags({ "ledger-table": text }, POSTGRES)).ledger.table;
  assert.deepEqual(await tableOf("runs"), { schema: undefined, name: "runs" });
  assert.deepEqual(await tableOf("ops.sera_runs"), { schema: "ops", name: "sera_runs" });
  assert.deepEqual(await tableOf("_Ops1.R"), { schema: "_Ops1", name: "R" });
  assert.deepEqual(await tableOf("t".repeat(63)), { schema: undefined, name: "t".repeat(63) });
});

test("the ledger of file: has no table name", async () => {
  assert.deepEqual(await refusal({ flags: { "ledger-table": "runs" } }), {
    kind: UsageError,
    message: "Cannot use --ledger-table: a file: server has no tables; leave it out",
  });
  const { kind, message } = await refusal({ file: { "ledger-table": "runs" } });
  assert.equal(kind, ConfigError);
  assert.match(message, /^Cannot use ledger-table in .*\.json: a file: server has no tables; leave it out$/);
});

test("on MySQL the ledger needs a database, by the server setting or by the table's name", async () => {
  const reasons: Flags[] = [{ ledger: "true" }, { once: "k" }, { "record-skips": "true" }, {
    every: "1h",
    "ledger-table": "runs",
  }];
  for (const flags of reasons) {
    const { kind, message } = await refusal({ flags: { server: MYSQL, ...flags } });
    assert.equal(kind, ConfigError);
    assert.match(
      message,
      /^Cannot keep a ledger: .*names no database.*user:password@tcp\(host\)\/DATABASE, or set --ledger-table DATABASE\.sera_runs$/,
    );
  }
  assert.equal((await withFlags({ once: "k" }, MYSQL_WITH_DATABASE)).ledger.on, true);
  assert.equal((await withFlags({ once: "k", "ledger-table": "jobs.runs" }, MYSQL)).ledger.on, true);
  assert.equal((await withFlags({ once: "k" }, POSTGRES)).ledger.on, true);
});
