/** The plan of the house, as docs/development.md has it under "Layers": what may import what, and how long a file may be. */

import assert from "node:assert/strict";
import { relative } from "node:path";
import { page, tableUnder } from "./docs/markdown.ts";

const ROOT = Deno.realPathSync(`${import.meta.dirname}/..`);

/** From the bottom up: files and folders that only import from their own layer, and from lower ones. */
const LAYERS: readonly (readonly string[])[] = [
  ["lib/exit_codes.ts", "lib/errors.ts", "lib/version.ts"],
  ["lib/text/"],
  ["lib/waiting.ts", "lib/deadline.ts"],
  ["lib/system/"],
  ["lib/io.ts"],
  ["lib/lock/"],
  ["lib/log/"],
  ["lib/child/"],
  ["lib/ledger/", "lib/who/", "lib/doctor/"],
  ["lib/backends/backend.ts"],
  ["lib/backends/network/"],
  ["lib/backends/sql/"],
  ["lib/backends/etcd/", "lib/backends/file/", "lib/backends/mysql/", "lib/backends/postgres/"],
  ["lib/backends/"],
  ["lib/settings/"],
  ["lib/args/"],
  ["lib/completions/"],
  ["lib/modes/"],
  ["lib/commands/"],
  ["lib/cli.ts"],
  ["main.ts"],
];

/** Longer than this, in lines, a file holds more than one idea. */
const MAX_LINES = 200;

interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly { readonly code?: Target; readonly type?: Target }[];
}

interface Target {
  readonly specifier?: string;
}

/** What each file of the program imports, types included, by paths from the root of the checkout. */
const IMPORTS = await importsOf("main.ts");

async function importsOf(entry: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const args = ["info", "--json", "--quiet", `${ROOT}/${entry}`];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  const { modules }: { readonly modules: readonly Module[] } = JSON.parse(new TextDecoder().decode(stdout));
  return new Map(
    modules.filter(({ specifier }) => isOurs(specifier)).map(({ specifier, dependencies = [] }) => {
      const targets = dependencies.flatMap(({ code, type }) => code?.specifier ?? type?.specifier ?? []);
      return [pathOf(specifier), targets.filter(isOurs).map(pathOf)];
    }),
  );
}

function isOurs(specifier: string): boolean {
  return specifier.startsWith("file:") && specifier.endsWith(".ts") && !specifier.includes("/node_modules/");
}

function pathOf(specifier: string): string {
  return relative(ROOT, new URL(specifier).pathname);
}

/** The number of a file's layer; the most exact name decides. */
function layerOf(path: string): number {
  const names = LAYERS.flat().filter((name) => path === name || name.endsWith("/") && path.startsWith(name));
  const name = names.toSorted((a, b) => b.length - a.length)[0];
  assert.ok(name !== undefined, `${path} is in no layer`);
  return LAYERS.findIndex((layer) => layer.includes(name));
}

Deno.test("the table of layers is complete and in order", () => {
  const documented = tableUnder("## Layers", page("docs/development.md")).map(([names]) =>
    [...names!.matchAll(/`([^`]+)`/g)].map(([, name]) => name === "main.ts" ? name : `lib/${name}`)
  );
  assert.deepEqual(documented, LAYERS);
});

Deno.test("files import only from the same or a lower layer", () => {
  const upward = [...IMPORTS].flatMap(([path, targets]) =>
    targets.filter((target) => layerOf(target) > layerOf(path)).map((target) => `${path} -> ${target}`)
  );
  assert.deepEqual(upward, []);
});

Deno.test("there are no circular imports", () => {
  assert.deepEqual([...IMPORTS.keys()].filter((path) => reachableFrom(path).has(path)), []);
});

Deno.test("every file is part of the program", () => {
  const there = [...filesIn("lib")].toSorted();
  assert.deepEqual([...IMPORTS.keys()].filter((path) => path.startsWith("lib/")).toSorted(), there);
  assert.ok(there.length > 100);
});

Deno.test("outside of the backends only the contract and the registry are imported", () => {
  const KNOWN = ["lib/backends/backend.ts", "lib/backends/registry.ts"];
  const found = [...IMPORTS].filter(([path]) => !path.startsWith("lib/backends/")).flatMap(([path, targets]) =>
    targets.filter((target) => target.startsWith("lib/backends/") && !KNOWN.includes(target))
      .map((target) => `${path} -> ${target}`)
  );
  assert.deepEqual(found, []);
});

Deno.test("outside of the backends nothing depends on which one it is", () => {
  const question =
    /\b(?:server|backend|place)\??\.kind(?: [=!]==|\) \{)|\binstanceof \w*Backend\b|(?:case|[=!]==) "(?:mysql|postgres|etcd)"/;
  const asking = [...filesIn("lib")].filter((path) => !path.startsWith("lib/backends/"))
    .filter((path) => question.test(Deno.readTextFileSync(`${ROOT}/${path}`)));
  assert.deepEqual(asking, []);
});

Deno.test("no file is longer than 200 lines", () => {
  const long = [...filesIn("lib")].filter((path) => linesIn(path) > MAX_LINES);
  assert.deepEqual(long, []);
});

function reachableFrom(start: string): ReadonlySet<string> {
  const found = new Set<string>();
  const left = [...IMPORTS.get(start)!];
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    left.push(...IMPORTS.get(path) ?? []);
  }
  return found;
}

function* filesIn(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(`${ROOT}/${folder}`)) {
    if (isDirectory) yield* filesIn(`${folder}/${name}`);
    else if (name.endsWith(".ts")) yield `${folder}/${name}`;
  }
}

function linesIn(path: string): number {
  return Deno.readTextFileSync(`${ROOT}/${path}`).split("\n").length - 1;
}
