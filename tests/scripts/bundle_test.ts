import assert from "node:assert/strict";
import type { Metafile } from "esbuild";
import { bundle } from "../../scripts/bundle.ts";
import { compileAtOnce } from "../../scripts/compile_at_once.ts";
import { STAND_INS } from "../../scripts/stand_ins.ts";
import { run } from "../../scripts/run.ts";
import { temporaryFolder } from "./releases.ts";

/** The bundler's own process ends a moment after it has been told to, in whichever test that is. */
const LATE_END = { sanitizeOps: false, sanitizeResources: false };

/** What every run may load: each KiB costs a start a tenth of a percent. What only some need is a part of its own. */
const MOST_BYTES = 78_000;

const { inputs, outputs } = await made();

async function made(): Promise<Metafile> {
  await using folder = await temporaryFolder();
  return (await bundle(folder.path)).metafile;
}

Deno.test("what every run loads is two files, with no driver and no module of Node in them", LATE_END, () => {
  const loaded = new Set<string>();
  const load = (path: string) => {
    if (loaded.has(path)) return;
    loaded.add(path);
    for (const { path: imported, kind } of outputs[path]?.imports ?? []) {
      if (kind === "import-statement") load(imported);
    }
  };
  load(Object.keys(outputs).find((path) => outputs[path]!.entryPoint === "main.ts")!);
  assert.deepEqual([...loaded].filter((path) => outputs[path] === undefined), []);
  assert.equal(loaded.size, 2);
  const sources = [...loaded].flatMap((path) => Object.keys(outputs[path]!.inputs));
  assert.ok(sources.includes("lib/commands/run.ts"));
  assert.deepEqual(
    sources.filter((path) => /stand-in|node_modules.(?!.*@noble)|usage|lib.args.subcommands/.test(path)),
    [],
  );
  // What only a help text, a failure or a setting needs that most runs have not.
  const seldom =
    /(setting_words|run_help|meant_\w+|why_not_started|json_fault|json_keys|syslog|oddities|no_server)\.ts$/;
  assert.deepEqual(sources.filter((path) => seldom.test(path)), []);
  const bytes = [...loaded].reduce((sum, path) => sum + outputs[path]!.bytes, 0);
  assert.ok(bytes <= MOST_BYTES, `every run loads ${bytes} bytes, more than ${MOST_BYTES}`);
});

Deno.test("a driver asks for every stand-in", LATE_END, () => {
  const asked = new Set(Object.keys(inputs).map((path) => /^stand-in:(\d+):/.exec(path)?.[1]));
  assert.deepEqual(STAND_INS.filter((_, index) => !asked.has(`${index}`)).map(({ module }) => module.source), []);
});

/** As the bundler writes CommonJS modules, one of which has the other, and something else that is called with a function. */
const BUNDLED = `var wrap=(body,module)=>()=>(module||body((module={exports:{}}).exports,module),module.exports);
var one=wrap((exports,module)=>{module.exports={name:"(a, b) => {"}}),two=wrap(exports=>{exports.both=one().name+"}"});
var none=wrap(()=>{});var value=[1,2].map(n=>n*2);console.log(two().both,value.join(),typeof none(),early(2));
async function later(n){return n}function early(n){return typeof later(n).then+early.name}function*each(){yield 1}
export{two as t,each as e};
`;

Deno.test(
  "bodies of modules and functions are put into parentheses, and the program stays what it is",
  LATE_END,
  async () => {
    const code = compileAtOnce(BUNDLED, true);
    assert.ok(code.includes("wrap((function(exports,module){"), code);
    assert.ok(code.includes("wrap((function(exports){"), code);
    assert.ok(code.includes(".map(n=>n*2)"), code);
    assert.ok(compileAtOnce(BUNDLED, false).includes("function early(n){"));
    assert.ok(code.includes("var early=(function(n){") && code.includes("var later=(async function(n){"), code);
    await using folder = await temporaryFolder();
    const said = await Promise.all([BUNDLED, code].map(async (text, index) => {
      await Deno.writeTextFile(`${folder.path}/${index}.js`, text);
      return await run(Deno.execPath(), ["run", "--quiet", "--no-config", `${folder.path}/${index}.js`]);
    }));
    assert.deepEqual(said, Array(2).fill("(a, b) => {} 2,4 object functionearly\n"));
  },
);
