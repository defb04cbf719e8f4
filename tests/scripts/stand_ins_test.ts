/** The stand-ins, as the bundler puts them in, beside the originals in node_modules. */

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { build, stop } from "esbuild";
import { bundle } from "../../scripts/bundle.ts";
import { ROOT } from "../../scripts/root.ts";
import { type Driver, STAND_INS } from "../../scripts/stand_ins.ts";
import { nameOf, standIns } from "../../scripts/stand_ins/plugin.ts";
import { strict, unused } from "../../scripts/stand_ins/strict.ts";
import { usesOfStandIns } from "../../scripts/stand_ins/uses.ts";
import { temporaryFolder } from "./releases.ts";

/** The bundler's process ends shortly after it was stopped, perhaps during another test. */
const LATE_END = { sanitizeOps: false, sanitizeResources: false };

/** A module's exports: an object, or one function that may have members. */
type Exports = Readonly<Record<string, unknown>>;

/** A module that a driver imports: its stand-in, and its original. */
interface Pair {
  readonly name: string;
  readonly standIn: Exports;
  readonly original: Exports;
  readonly idle: readonly string[];
}

const FOLDERS: Readonly<Record<Driver, string>> = { mysql2: await folderOf("mysql2"), pg: await folderOf("pg") };
const PAIRS: readonly Pair[] = [...await pairsOf("mysql2"), ...await pairsOf("pg")];

function folderOf(driver: Driver): Promise<string> {
  return Deno.realPath(`${ROOT}/node_modules/${driver}`);
}

/** Loads a driver's stand-ins in the way in which the driver does. */
async function pairsOf(driver: Driver): Promise<Pair[]> {
  const folder = FOLDERS[driver];
  const require = createRequire(`${folder}/index.js`);
  const own = STAND_INS.filter((standIn) => standIn.driver === driver).flatMap(({ modules, exports, idle = [] }) =>
    modules.map((module) => ({
      module,
      specifier: /^(lib\/|promise$)/.test(module) ? `./${module}` : module,
      isUnused: exports === undefined && idle.length === 0,
      idle,
    }))
  );
  const code = own.map(({ specifier }) => `require(${JSON.stringify(specifier)})`);
  const text = await bundled(`${folder}/index.js`, `module.exports = [${code}];`);
  const loaded = (await import(`data:text/javascript,${encodeURIComponent(text)}`)).default as Exports[];
  return own.map(({ module, specifier, isUnused, idle }, index) => ({
    name: nameOf(driver, module),
    standIn: loaded[index]!,
    // An unused module may miss its own imports, but must be resolvable.
    original: isUnused ? { path: require.resolve(specifier) } : require(specifier),
    idle,
  }));
}

/** Joins code with the stand-ins that it gets as a file of that path. */
async function bundled(path: string, contents: string): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    tsconfigRaw: {},
    stdin: { contents, sourcefile: path, resolveDir: ROOT },
    write: false,
    bundle: true,
    format: "esm",
    platform: "node",
    plugins: [standIns],
    logLevel: "silent",
  });
  return outputFiles[0]!.text;
}

function pair(name: string): Pair {
  return PAIRS.find((pair) => pair.name === name) ?? assert.fail(`no stand-in for ${name}`);
}

function refused(name: string, what: string) {
  return { message: `The stand-in for ${name} ${what}; see scripts/stand_ins.ts` };
}

Deno.test("every use of a stand-in is reviewed, and every stand-in is used", LATE_END, async () => {
  await using folder = await temporaryFolder();
  const uses = usesOfStandIns((await bundle(folder.path)).metafile);
  const accepted = await Deno.readTextFile(`${import.meta.dirname}/stand_ins.txt`);
  assert.equal(`${uses.join("\n")}\n`, accepted, "accept new uses as scripts/stand_ins/uses.ts says");
  const used = new Set(uses.map((line) => line.split(", gets ")[1]));
  assert.deepEqual(PAIRS.map(({ name }) => name).filter((name) => !used.has(name)), []);
});

Deno.test("a stand-in replaces a module for one driver only", LATE_END, async () => {
  const code = 'module.exports = require("node:util/types").isDate(new Date());';
  const answers = async (path: string) =>
    (await import(`data:text/javascript,${encodeURIComponent(await bundled(path, code))}`)).default;
  await assert.rejects(
    answers(`${FOLDERS.pg}/lib/utils.js`),
    refused("node:util/types in pg: isDate", "is never used, and cannot be called"),
  );
  // Neither another package nor sera's own code gets it; what is left as it is has no `require` in the bundle.
  for (const path of [`${FOLDERS.mysql2}/lib/utils.js`, `${ROOT}/lib/utils.js`]) {
    await assert.rejects(answers(path), /Dynamic require of "node:util\/types" is not supported/);
  }
  await stop();
});

Deno.test("a stand-in has only members of its original, and the same constants", () => {
  const compared = PAIRS.flatMap(({ name, standIn, original, idle }) => {
    return [...Object.keys(standIn), ...idle].map((key) => {
      assert.ok(key in original, `${name}: the original has no ${key}`);
      const [ours, theirs] = [standIn[key], original[key]];
      if (ours === undefined) return key;
      if (typeof ours === "function" || typeof ours === "object") {
        // An object of constants may be in the place of another; what is idle is a function, whatever it was.
        if (!idle.includes(key)) assert.equal(typeof ours, typeof theirs, `${name}: ${key}`);
      } else assert.equal(ours, theirs, `${name}: ${key}`);
      return key;
    });
  });
  for (const key of ["createLRU", "BINARY", "format", "usesLocalDate", "deprecate", "escapeId"]) {
    assert.ok(compared.includes(key), key);
  }
});

Deno.test("every stand-in throws with its name when a missing member is used", () => {
  for (const { name, standIn, idle } of PAIRS) {
    const isIn = (error: Error) =>
      error.message.startsWith(`The stand-in for ${name} `) && / has no other;/.test(error.message);
    assert.throws(() => standIn.other, isIn, name);
    for (const key of idle) {
      const member = standIn[key] as { new (): object; (): void };
      const where = `${name}: ${key}`;
      assert.throws(() => member(), refused(where, "is never used, and cannot be called"));
      assert.throws(() => new member(), refused(where, "is never used, and makes no objects"));
    }
  }
});

Deno.test("an unused member can be passed on and subclassed, but not used", () => {
  const never = unused("x in y") as { new (): object; (): void };
  class Derived extends never {}
  assert.throws(() => new Derived(), refused("x in y", "is never used, and makes no objects"));
  assert.throws(() => Reflect.get(never, "create"), refused("x in y", "is never used, and has no create"));
  assert.equal({} instanceof never, false);
  const known = strict("x in y", { one: 1, none: undefined }, ["later"]);
  assert.deepEqual([known.one, known.none, "two" in known, `${Object.keys(known)}`], [1, undefined, false, "one,none"]);
  assert.equal(typeof Reflect.get(known, "later"), "function");
});

Deno.test("a stand-in refuses values that it cannot handle", () => {
  const call = (name: string, key: string, ...args: readonly unknown[]) =>
    (pair(name).standIn[key] as (...args: readonly unknown[]) => unknown)(...args);
  assert.equal(call("sql-escaper in mysql2", "format", "SELECT 1", [], false, "local"), "SELECT 1");
  assert.equal(call("lib/helpers in mysql2", "fieldEscape", "name", false), "name");
  assert.equal(call("lib/helpers in mysql2", "typeMatch", 7, undefined, {}), false);
  for (
    const [name, key, args] of [
      ["sql-escaper in mysql2", "format", ["SELECT ?", [1]]],
      ["sql-escaper in mysql2", "format", ["SELECT ?", { a: 1 }]],
      ["lib/helpers in mysql2", "fieldEscape", ["name"]],
      ["lib/helpers in mysql2", "typeMatch", [7, ["DATE"], {}]],
      ["node:crypto in mysql2", "createHash", ["md5"]],
      ["node:crypto in mysql2", "createHash", ["sha256", { outputLength: 1 }]],
      ["node:crypto in pg", "createHash", ["sha256"]],
    ] as const
  ) {
    const isIn = (error: Error) => error.message.startsWith(`The stand-in for ${name} `);
    assert.throws(() => call(name, key, ...args), isIn, `${name}: ${key}`);
  }
});

Deno.test("hashes, large numbers, caches and settings behave as in the originals", () => {
  type Hash = { update(data: unknown, encoding?: string): Hash; digest(form?: string): Uint8Array | string };
  for (
    const [name, algorithms] of [["node:crypto in mysql2", ["sha1", "sha256"]], ["node:crypto in pg", ["md5"]]] as const
  ) {
    for (const algorithm of algorithms) {
      const [ours, theirs] = ["standIn", "original"].map((side) => {
        const createHash = pair(name)[side as "standIn" | "original"].createHash as (algorithm: string) => Hash;
        const twice = createHash(algorithm).update("pässwörd", "utf-8").update(new Uint8Array([1, 2]));
        return [twice.digest("hex"), [...createHash(algorithm).update("x").digest()]];
      });
      assert.deepEqual(ours, theirs);
    }
  }

  type Long = { new (low: number, high: number, unsigned: boolean): { toNumber(): number; toString(): string } };
  const { standIn: OurLong, original: TheirLong } = pair("long in mysql2") as unknown as Record<string, Long>;
  for (const [low, high] of [[0, 2 ** 21], [-1, 2 ** 21 + 1], [5, -1], [0, -(2 ** 31)], [-1, -1]] as const) {
    for (const unsigned of [true, false]) {
      const [ours, theirs] = [new OurLong!(low, high, unsigned), new TheirLong!(low, high, unsigned)];
      assert.deepEqual([ours.toNumber(), ours.toString()], [theirs.toNumber(), theirs.toString()]);
      assert.throws(() => Reflect.get(ours, "low"), refused("long in mysql2", "has no low"));
    }
  }

  type Cache = Map<string, number>;
  const [ours, theirs] = (["standIn", "original"] as const).map((side) => {
    const cache = (pair("lru.min in mysql2")[side].createLRU as (options: object) => Cache)({ max: 5 });
    cache.set("a", 1);
    cache.set("b", 2);
    cache.delete("a");
    return [cache.get("a"), cache.get("b")];
  });
  assert.deepEqual(ours, theirs);

  type Parameters = { new (config: object): Exports };
  const config = { user: "u", database: "d", port: 1, host: "h", password: "p", application_name: "a" };
  const { standIn: Ours, original: Theirs } = pair("lib/connection-parameters in pg") as unknown as Record<
    string,
    Parameters
  >;
  const [settings, all] = [new Ours!(config), new Theirs!(config)];
  assert.deepEqual(Object.keys(settings).filter((key) => !(key in all)), []);
  assert.throws(() => settings.keepalives, refused("lib/connection-parameters in pg", "has no keepalives"));
});
