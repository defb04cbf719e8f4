import assert from "node:assert/strict";
import type { Metafile } from "esbuild";
import { bundle } from "../../scripts/bundle.ts";
import { compileAtOnce } from "../../scripts/compile_at_once.ts";
import { STAND_INS } from "../../scripts/stand_ins.ts";
import { run } from "../../scripts/run.ts";
import { temporaryFolder } from "./releases.ts";

/** The bundler's own process ends a moment after it has been told to, in whichever test that is. */
const LATE_END = { sanitizeOps: false, sanitizeResources: false };

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
});

Deno.test("a driver asks for every stand-in", LATE_END, () => {
  const asked = new Set(Object.keys(inputs).map((path) => /^stand-in:(\d+):/.exec(path)?.[1]));
  assert.deepEqual(STAND_INS.filter((_, index) => !asked.has(`${index}`)).map(({ module }) => module.source), []);
});

/** As the bundler writes CommonJS modules, one of which has the other, and something else that is called with a function. */
const BUNDLED = `var wrap=(body,module)=>()=>(module||body((module={exports:{}}).exports,module),module.exports);
var one=wrap((exports,module)=>{module.exports={name:"(a, b) => {"}}),two=wrap(exports=>{exports.both=one().name+"}"});
var none=wrap(()=>{});var value=[1,2].map(n=>n*2);console.log(two().both,value.join(),typeof none());export{two as t};
`;

Deno.test("bodies of modules are put into parentheses, and the program stays what it is", LATE_END, async () => {
  const code = compileAtOnce(BUNDLED);
  assert.ok(code.includes("wrap((function(exports,module){"), code);
  assert.ok(code.includes("wrap((function(exports){"), code);
  assert.ok(code.includes(".map(n=>n*2)"), code);
  await using folder = await temporaryFolder();
  const said = await Promise.all([BUNDLED, code].map(async (text, index) => {
    await Deno.writeTextFile(`${folder.path}/${index}.js`, text);
    return await run(Deno.execPath(), ["run", "--quiet", "--no-config", `${folder.path}/${index}.js`]);
  }));
  assert.deepEqual(said, Array(2).fill("(a, b) => {} 2,4 object\n"));
});
