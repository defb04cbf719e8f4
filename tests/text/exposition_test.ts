import assert from "node:assert/strict";
import { exposition } from "../../lib/text/exposition.ts";
import { readExposition } from "./read_exposition.ts";

Deno.test("families have their help, their type and their samples, and those without samples are left out", () => {
  assert.equal(
    exposition([
      { name: "one", help: "What it is.", samples: [{ value: 1.5 }] },
      { name: "none", help: "Nothing.", samples: [] },
      { name: "two", help: "A \\ and\na line", samples: [{ labels: { a: "x", b: "y" }, value: 2 }] },
    ]),
    "# HELP one What it is.\n# TYPE one gauge\none 1.5\n" +
      '# HELP two A \\\\ and\\na line\n# TYPE two gauge\ntwo{a="x",b="y"} 2\n',
  );
});

Deno.test("any text can be a label's value, and any number a sample's", () => {
  const texts = ["", '"', "\\", "\\n", "\n", '\\"', "a,b}", "報告", "\r"];
  const samples = texts.map((text, index) => ({ labels: { text, index: String(index) }, value: index }));
  const odd = [1e21, 1e-7, Infinity, -Infinity, 0].map((value, index) => ({ labels: { odd: String(index) }, value }));
  const found = readExposition(exposition([{ name: "all", help: "All.", samples: [...samples, ...odd] }])).get("all")!;
  assert.deepEqual([...found.keys()].map((key) => JSON.parse(key)), [...samples, ...odd].map(({ labels }) => labels));
  assert.deepEqual([...found.values()], [...samples, ...odd].map(({ value }) => value));
});
