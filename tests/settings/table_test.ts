/** A setting is one entry in the table, and what people read of it one in the words: all else follows. */

import assert from "node:assert/strict";
import { COMMANDS } from "../../lib/commands/table.ts";
import { helpText } from "../../lib/args/usage.ts";
import { SettingValues } from "../../lib/settings/setting_values.ts";
import { SETTING_FLAGS } from "../../lib/settings/setting_help.ts";
import { environmentName, SETTING_KEYS, SETTINGS, TABLE, type Values } from "../../lib/settings/table.ts";
import { formatDuration, parseWait } from "../../lib/text/duration.ts";
import { COMPLETIONS } from "../../scripts/completions.ts";
import { manual } from "../../scripts/manual.ts";
import { page, tableUnder } from "../docs/markdown.ts";

const HELP = helpText(COMMANDS);
const MANUAL = manual(new Date(0)).replaceAll("\\-", "-");
const PAGE = new Map(
  tableUnder("## All of them", page("docs/settings.md")).map((
    [names, , meaning],
  ) => [/`([^`]+)`/.exec(names!)![1]!, meaning!]),
);

/** `true` where two types are the same, which fails to compile otherwise. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** The types of the values follow from the table. */
const TYPES: readonly true[] = [
  true satisfies Same<Values["onLost"], "terminate" | "warn">,
  true satisfies Same<Values["verbose"], boolean | "stdout" | "stderr">,
  true satisfies Same<Values["syslog"], boolean | string>,
  true satisfies Same<Values["ttl"], number>,
  true satisfies Same<Values["maxRun"], number | undefined>,
  true satisfies Same<Values["waitAndSkip"], boolean>,
  true satisfies Same<Values["ledger"], boolean | undefined>,
  true satisfies Same<Values["config"], string>,
  true satisfies Same<Values["name"], string | undefined>,
];

Deno.test("without any input each setting has its default", () => {
  const values = new SettingValues(() => undefined).all();
  assert.deepEqual(Object.keys(values), SETTING_KEYS);
  for (const key of SETTING_KEYS) assert.equal(values[key], TABLE[key].default, key);
  assert.equal(values.ttl, 30_000);
  assert.equal(values.onLost, "terminate");
  assert.ok(TYPES.every((same) => same));
});

/** A value as written in JSON. */
function written(value: unknown): unknown {
  if (typeof value === "number") return value / 1000;
  const table = [TABLE.ledgerTable, TABLE.leaseTable].find((table) => value === table.default);
  return table ? table.default.name : value;
}

for (const key of SETTING_KEYS) {
  const setting = TABLE[key];
  const { name, alias, inConfig = false } = setting;
  const help = SETTING_FLAGS.find((flag) => flag.name === name)!.help;

  Deno.test(`${name} has unique names, and a valid default`, () => {
    assert.equal(key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), name);
    const names = SETTINGS.flatMap(({ name, alias }) => [name, alias]);
    for (const one of alias === undefined ? [name] : [name, alias]) {
      assert.equal(names.filter((other) => other === one).length, 1, one);
    }
    if (setting.default === undefined) return;
    assert.equal(JSON.stringify(setting.read(written(setting.default), true)), JSON.stringify(setting.default));
  });

  Deno.test(`${name} is in the help, the manual, the completions and docs/settings.md`, () => {
    assert.match(HELP, new RegExp(`^ {2}--${name}\\b`, "m"));
    assert.ok(HELP.includes(help.join("\n".padEnd(27))));
    const keys = /which may contain these keys:\n((?: {2}.*\n)+)/.exec(HELP)![1]!;
    assert.equal(keys.split(/[,\s]+/).includes(name), inConfig);
    assert.match(MANUAL, new RegExp(`^\\.TP\n\\\\fB--${name}\\\\fR`, "m"));
    assert.ok(MANUAL.includes(`Variable \\fB${environmentName(name)}\\fR`));
    for (const [shell, completion] of Object.entries(COMPLETIONS)) {
      for (const word of [name, ...setting.choices ?? []]) {
        assert.match(completion(), new RegExp(`(?<![\\w-])(?:--)?${word}(?![\\w-])`), `${shell} ${word}`);
      }
    }
    assert.ok(PAGE.has(name));
  });

  Deno.test(`the help and docs/settings.md give the default and the limits of ${name} correctly`, () => {
    const texts = [help.join(" "), PAGE.get(name)!.replaceAll("`", "")];
    for (const text of texts) {
      const [, min, max] = /\bfrom (\d\w*) to (\d\w*)/.exec(text) ?? [];
      const limit = (text: string) => setting.kind === "number" ? text : span(parseWait(text));
      const told = min === undefined ? "" : `from ${limit(min)} to ${limit(max!)}`;
      assert.ok(setting.takes("?", false).endsWith(told), text);
    }
    if (setting.default === undefined || setting.default === false) return;
    const told = texts.map((text) => /\(default ([\w/.]+)|(\w+) \(default\)/.exec(text)?.slice(1).find(Boolean));
    assert.notEqual(told[0], undefined);
    for (const value of told) {
      // The page need not repeat what the help says.
      if (value !== undefined) assert.deepEqual(setting.kind === "duration" ? span(parseWait(value)) : value, shown());
    }
  });

  const shown = () => typeof setting.default === "number" ? span(setting.default) : written(setting.default);
}

function span(ms: number | undefined): string {
  return ms === undefined ? "?" : formatDuration(ms);
}
