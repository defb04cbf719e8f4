import assert from "node:assert/strict";
import { ROOT } from "../../scripts/root.ts";
import { run } from "../../scripts/run.ts";
import { linux, type Need, testWith } from "../cli/needs.ts";
import { filesBelow, temporaryFolder } from "./releases.ts";

/** The program's sources. */
const SOURCES = ["main.ts", "lib", "deno.json", "deno.lock"];
/** A runtime to join the program to; without it the compiler would download one. */
const runtime: Need = linux ??
  (Deno.env.get("DENORT_BIN") === undefined ? "DENORT_BIN names no runtime to compile with" : undefined);

testWith([linux], "two checkouts in different folders give the same bundle bit for bit", async () => {
  await using folder = await temporaryFolder();
  const bundles = await Promise.all((await checkouts(folder.path)).map(async (checkout, index) => {
    const output = `${folder.path}/bundle${index}`;
    await runThere(checkout, "bundle.ts", [output]);
    return output;
  }));
  const [one, other] = bundles.map((bundle) => filesBelow(bundle));
  assert.deepEqual(one, other);
  assert.ok(one!.includes("main.js"));
  for (const name of one!) {
    const [text, again] = await Promise.all(bundles.map((bundle) => Deno.readTextFile(`${bundle}/${name}`)));
    assert.equal(text, again);
    assert.ok(!text!.includes(folder.path), `${name} tells where it was made`);
  }
});

testWith([runtime], "two checkouts in different folders give the same binary bit for bit", async () => {
  await using folder = await temporaryFolder();
  const [one, other] = await checkouts(folder.path);
  await runThere(one!, "build.ts");
  await runThere(other!, "build.ts");
  await run("cmp", [`${one}/dist/sera`, `${other}/dist/sera`]);
});

/** Makes two copies of the sources, as different checkouts have them. */
async function checkouts(folder: string): Promise<string[]> {
  const folders = [`${folder}/one`, `${folder}/far/away/the other`];
  const files = [...Deno.readDirSync(`${ROOT}/scripts`)].filter(({ isFile }) => isFile).map(({ name }) => name);
  const scripts = [...files, "stand_ins"];
  for (const checkout of folders) {
    await Deno.mkdir(`${checkout}/scripts`, { recursive: true });
    await run("cp", ["-R", ...SOURCES.map((name) => `${ROOT}/${name}`), checkout]);
    await run("cp", ["-R", ...scripts.map((name) => `${ROOT}/scripts/${name}`), `${checkout}/scripts`]);
  }
  return folders;
}

/** Runs a script of a checkout, called from another folder. */
async function runThere(checkout: string, script: string, args: readonly string[] = []): Promise<void> {
  const options = ["--quiet", "-A", "--config", `${checkout}/deno.json`];
  await run(Deno.execPath(), ["run", ...options, `${checkout}/scripts/${script}`, ...args], { cwd: "/" });
}
