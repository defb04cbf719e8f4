import assert from "node:assert/strict";
import { isOlder, needsOf } from "../../scripts/glibc.ts";
import { ROOT } from "../../scripts/root.ts";
import { linux, testWith, tool } from "../cli/needs.ts";

/** Where sera runs from its source, Deno's own program needs what the runtime in a compiled one needs. */
const BINARY = Deno.env.get("SERA_TEST_BINARY") ?? Deno.execPath();

testWith(
  [linux, tool("readelf", "--version")],
  "the binary runs with the glibc that the README and docs/runtime.md name",
  async () => {
    const { glibc } = await needsOf(BINARY);
    for (const page of ["README.md", "docs/runtime.md"]) {
      const [, documented] = /glibc\s(\d+\.\d+)\sor\snewer/.exec(await Deno.readTextFile(`${ROOT}/${page}`))!;
      assert.equal(glibc, documented, page);
    }
  },
);

Deno.test("versions are compared by their numbers", () => {
  assert.deepEqual(["2.9", "2.17", "2.2.5", "2.27"].sort((a, b) => isOlder(a, b) ? -1 : 1), [
    "2.2.5",
    "2.9",
    "2.17",
    "2.27",
  ]);
  assert.equal(isOlder("2.3", "2.3.4"), true);
  assert.equal(isOlder("2.27", "2.27"), false);
});
