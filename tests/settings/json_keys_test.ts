import assert from "node:assert/strict";
import { keysOf } from "../../lib/settings/json_keys.ts";

for (
  const [text, keys] of [
    ["{}", []],
    [`{"a": 1, "b": "c", "a": {"d": [{"e": 1}]}}`, ["a", "b", "a"]],
    [`{"a\\"b": "}{", "c\\u0041" : ":", "": ["x", "y"]}`, [`a"b`, "cA", ""]],
    [`{\n"a"\n:\n"\\\\",\t"b":null}`, ["a", "b"]],
  ] as const
) {
  Deno.test(`the keys of ${JSON.stringify(text)}`, () => assert.deepEqual(keysOf(text), keys));
}
