/** Reads the text format of Prometheus as strictly as its own parser, by the format's description. */

import assert from "node:assert/strict";

/** The values of each metric, by their labels in JSON. */
export type Exposed = ReadonlyMap<string, ReadonlyMap<string, number>>;

const VALUE = /^(?:[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?|NaN|[+-]Inf)$/;

/** @throws {assert.AssertionError} When Prometheus, node_exporter or promtool would object. */
export function readExposition(text: string): Exposed {
  assert.ok(text === "" || text.endsWith("\n"), "the last line must end");
  const found = new Map<string, Map<string, number>>();
  let current: string | undefined;
  let helped: string | undefined;
  for (const line of text.split("\n").slice(0, -1)) {
    const [, helpOf] = /^# HELP ([a-z_]+) \S.*$/.exec(line) ?? [];
    const [, typeOf] = /^# TYPE ([a-z_]+) gauge$/.exec(line) ?? [];
    if (helpOf !== undefined) helped = helpOf;
    else if (typeOf !== undefined) {
      assert.equal(typeOf, helped, "each has its help before its type");
      assert.ok(!found.has(typeOf), `${typeOf} stands twice`);
      found.set(current = typeOf, new Map());
    } else {
      const { name, labels, value } = readSample(line);
      assert.equal(name, current, `a sample stands with its family: ${line}`);
      const key = JSON.stringify(labels);
      assert.ok(!found.get(name)!.has(key), `the same series twice: ${line}`);
      found.get(name)!.set(key, value);
    }
  }
  for (const [name, values] of found) assert.ok(values.size > 0, `${name} has no sample`);
  return found;
}

function readSample(line: string): { name: string; labels: Record<string, string>; value: number } {
  const [, name, inside = "", value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/s.exec(line) ?? [];
  assert.ok(name !== undefined && VALUE.test(value!), `no sample: ${line}`);
  const labels: Record<string, string> = {};
  let rest = inside;
  while (rest !== "") {
    const [whole, label, text] = /^([a-zA-Z_]\w*)="((?:[^"\\]|\\[\\n"])*)"(?:,(?=.)|$)/.exec(rest) ?? [];
    assert.ok(whole !== undefined, `no labels: ${rest}`);
    labels[label!] = text!.replaceAll(/\\(.)/g, (_, character) => character === "n" ? "\n" : character);
    rest = rest.slice(whole.length);
  }
  return { name, labels, value: Number(value!.replace("Inf", "Infinity")) };
}
