import assert from "node:assert/strict";
import { notices } from "../../scripts/notices.ts";
import { TOOLS } from "../../scripts/packaged_tools.ts";
import { ROOT } from "../../scripts/root.ts";
import { run } from "../../scripts/run.ts";
import { makeSbom, toText } from "../../scripts/sbom.ts";

const VALIDATE = `
  import { Validation } from "@cyclonedx/cyclonedx-library";
  const text = await new Response(Deno.stdin.readable).text();
  console.log(JSON.stringify(await new Validation.JsonStrictValidator("1.6").validate(text)));
`;

Deno.test("the bill of materials is valid, and lists what is in the binary, from the lock file", async () => {
  const bom = await makeSbom();
  // In a process of its own, since the validator is one of the packages that only releases need.
  const mistakes = await run(Deno.execPath(), ["eval", VALIDATE], { cwd: TOOLS, stdin: toText(bom) });
  assert.equal(mistakes, "null\n");

  const names = bom.components.map(({ group, name }) => group === undefined ? name : `${group}/${name}`);
  // What builds and tests sera is not in it.
  assert.deepEqual(names, [
    "@noble/hashes",
    "ansi-regex",
    "get-east-asian-width",
    "mysql2",
    "pg-protocol",
    "pg",
    "string-width",
    "strip-ansi",
    "deno",
  ]);
  const lock = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.lock`));
  for (const { group, name, version } of bom.components.filter(({ type }) => type === "library")) {
    const package_ = `${group === undefined ? "" : `${group}/`}${name}@${version}`;
    // A package that depends on its user's types has their version in its key as well.
    assert.ok(Object.keys(lock.npm).some((key) => key === package_ || key.startsWith(`${package_}_`)), package_);
  }
  for (const component of bom.components) assert.equal(component.licenses.length, 1, component.name);

  const text = await notices(bom);
  for (const { name, version } of bom.components) assert.ok(text.includes(`${name} ${version}`), name);
  for (const holder of ["the sera authors", "Andrey Sidorov", "Brian Carlson", "Paul Miller"]) {
    assert.ok(text.includes(holder), holder);
  }
});
