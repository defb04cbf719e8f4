import assert from "node:assert/strict";
import { bundle } from "../../scripts/bundle.ts";
import { notices } from "../../scripts/notices.ts";
import { TOOLS } from "../../scripts/packaged_tools.ts";
import { ROOT } from "../../scripts/root.ts";
import { run } from "../../scripts/run.ts";
import { makeSbom, toText } from "../../scripts/sbom.ts";
import { temporaryFolder } from "./releases.ts";

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
    "damerau-levenshtein",
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

Deno.test({
  name: "the bill of materials covers everything that the backends need, including etcd and leases",
  // The bundler's process ends shortly after it was stopped.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using folder = await temporaryFolder();
    const { metafile } = await bundle(folder.path);
    const used = new Set(Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs)));
    const parts = ["etcd/lock", "etcd/ledger", "mysql/lease", "postgres/lease", "sql/lease/lock"];
    for (const part of ["file/lock", "mysql/lock", "postgres/lock", ...parts]) {
      assert.ok(used.has(`lib/backends/${part}.ts`), part);
    }
    const packages = new Set([...used].flatMap((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []));
    const { components } = await makeSbom();
    const listed = components.filter(({ type }) => type === "library")
      .map(({ group, name }) => group === undefined ? name : `${group}/${name}`);
    assert.deepEqual([...packages].toSorted(), listed.toSorted());
  },
});
