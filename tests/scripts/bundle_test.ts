import assert from "node:assert/strict";
import { parse } from "acorn";
import { loadedFiles } from "../../scripts/bench/sizes.ts";
import { bundle, PART } from "../../scripts/bundle.ts";
import { compileAtOnce } from "../../scripts/compile_at_once.ts";
import { run } from "../../scripts/run.ts";
import { temporaryFolder } from "./releases.ts";

/** The bundler's process ends shortly after it was stopped, perhaps during another test. */
const LATE_END = { sanitizeOps: false, sanitizeResources: false };

/** What every run may load: each KiB costs a start a tenth of a percent. What only some need is a part of its own. */
const MAX_BYTES = 78_000;

const { inputs, outputs, texts } = await made();

async function made() {
  await using folder = await temporaryFolder();
  const { metafile: { inputs, outputs } } = await bundle(folder.path);
  const paths = Object.keys(outputs);
  const texts = await Promise.all(paths.map((path) => Deno.readTextFile(`${folder.path}/${path.split("/").at(-1)}`)));
  return { inputs, outputs, texts: new Map(paths.map((path, index) => [path, texts[index]!])) };
}

Deno.test("every run loads two files, without a driver or a Node module", LATE_END, () => {
  const loaded = loadedFiles({ outputs }, ["main.ts"]);
  const imported = loaded.flatMap((path) => outputs[path]!.imports);
  assert.deepEqual(imported.filter(({ kind, external }) => kind === "import-statement" && external), []);
  assert.equal(loaded.length, 2);
  const sources = loaded.flatMap((path) => Object.keys(outputs[path]!.inputs));
  assert.ok(sources.includes("lib/commands/run/run.ts"));
  assert.deepEqual(
    sources.filter((path) =>
      /stand-in|node_modules.(?!.*@noble)|usage|lib.args.subcommand|_help|commands.table/.test(path)
    ),
    [],
  );
  // What only a help text, a failure or a setting needs that most runs have not.
  const seldom =
    /(setting_help|\w+_help|unknown_flag|operand_errors|why_not_started|json_error_line|json_keys|syslog|setting_warnings|no_server|waiting_line|live_line|transient_line|foreground|splay)\.ts$/;
  assert.deepEqual(sources.filter((path) => seldom.test(path)), []);
  const bytes = loaded.reduce((sum, path) => sum + outputs[path]!.bytes, 0);
  assert.ok(bytes <= MAX_BYTES, `every run loads ${bytes} bytes, more than ${MAX_BYTES}`);
});

Deno.test(
  "a run with file: loads one more file, through a small one",
  LATE_END,
  () => {
    const every = loadedFiles({ outputs }, ["main.ts"]);
    const all = loadedFiles({ outputs }, ["main.ts", `${PART}:lib/backends/file/backend.ts`]);
    const more = all.filter((path) => !every.includes(path));
    assert.deepEqual(more.map((path) => "lib/backends/file/lock.ts" in outputs[path]!.inputs).toSorted(), [
      false,
      true,
    ]);
  },
);

Deno.test("a run with etcd loads two more files: for the address and for the lock", LATE_END, () => {
  const parts = ["backend", "lock", "client"].map((part) => `${PART}:lib/backends/etcd/${part}.ts`);
  const every = loadedFiles({ outputs }, ["main.ts"]);
  const more = loadedFiles({ outputs }, ["main.ts", ...parts]).filter((path) => !every.includes(path));
  const own = more.filter((path) => Object.keys(outputs[path]!.inputs).some((path) => /^lib.backends.etcd/.test(path)));
  assert.equal(own.length, 2);
});

Deno.test("the code for text width is loaded only for tables", LATE_END, () => {
  const isLoaded = (part: string) => {
    const files = loadedFiles({ outputs }, ["main.ts", `${PART}:${part}`]);
    return files.some((path) => /node_modules.string-width/.test(Object.keys(outputs[path]!.inputs).join()));
  };
  for (const part of ["lib/commands/status/status.ts", "lib/commands/history/history.ts"]) {
    assert.equal(isLoaded(part), false, part);
  }
  for (const part of ["lib/who/tables.ts", "lib/ledger/history_table.ts", "lib/commands/run/waiting_line.ts"]) {
    assert.equal(isLoaded(part), true, part);
  }
});

Deno.test("all bundled files can be parsed", LATE_END, () => {
  for (const [path, text] of texts) {
    assert.doesNotThrow(() => parse(text, { ecmaVersion: "latest", sourceType: "module" }), path);
  }
  assert.ok(texts.size > 50);
});

Deno.test("the drivers' modules, and the functions of what every run loads, are compiled at once", LATE_END, () => {
  let drivers = 0;
  for (const [path, { inputs: sources }] of Object.entries(outputs)) {
    const text = texts.get(path)!;
    const modules = Object.keys(sources).filter((source) => inputs[source]?.format === "cjs").length;
    if (modules > 20) drivers++;
    // A module is the argument of a function with a short name; with the sign, its body begins as here.
    const compiled = text.match(/=[\w$]+\(\(function\(/g)?.length ?? 0;
    assert.ok(compiled >= modules, `${path}: ${compiled} of ${modules} modules`);
    if (!("lib/cli.ts" in sources)) continue;
    const { body } = parse(text, { ecmaVersion: "latest", sourceType: "module" });
    assert.deepEqual(body.filter(({ type }) => type === "FunctionDeclaration"), []);
    assert.ok(text.match(/=\((async )?function/g)!.length > 100);
  }
  assert.equal(drivers, 2);
});

/**
 * As the bundler writes CommonJS modules, one of which has the other, something else that is called with a function, and an
 * import below other statements.
 */
const BUNDLED = `var wrap=(body,module)=>()=>(module||body((module={exports:{}}).exports,module),module.exports);
var one=wrap((exports,module)=>{module.exports={name:"(a, b) => {"}}),two=wrap(exports=>{exports.both=one().name+"}"});
import{sep as s}from"node:path";var none=wrap(()=>{});var value=[1,2].map(n=>n*2);console.log(two().both,value.join(),typeof none(),early(2),s);
async function later(n){return n}function early(n){return typeof later(n).then+early.name}function*each(){yield 1}
export{two as t,each as e};
`;

Deno.test(
  "bodies of modules and functions are put into parentheses, without changing the program",
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
    assert.deepEqual(said, Array(2).fill("(a, b) => {} 2,4 object functionearly /\n"));
  },
);
