/** The modules that a run with etcd loads: the runtime's fetch is enough; Node's modules and packages cost startup time. */

import assert from "node:assert/strict";
import { relative } from "node:path";

const ROOT = Deno.realPathSync(`${import.meta.dirname}/../../..`);
const FOLDER = "lib/backends/etcd";

/** Loaded by no run that goes well: when a connection could not be encrypted, and by `sera doctor`. */
const NOT_BY_RUNS = ["tls_failure.ts", "checks.ts"];

interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly { readonly code?: { readonly specifier?: string }; readonly isDynamic?: boolean }[];
}

/** What each module imports at once, without types. */
async function importsOf(entries: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  for (const entry of entries) {
    const args = ["info", "--json", "--quiet", `${ROOT}/${entry}`];
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    const { modules }: { readonly modules: readonly Module[] } = JSON.parse(new TextDecoder().decode(stdout));
    for (const { specifier, dependencies = [] } of modules) {
      const now = dependencies.filter(({ isDynamic }) => !isDynamic);
      found.set(nameOf(specifier), now.flatMap(({ code }) => code?.specifier ?? []).map(nameOf));
    }
  }
  return found;
}

function nameOf(specifier: string): string {
  return specifier.startsWith("file:") ? relative(ROOT, new URL(specifier).pathname) : specifier;
}

Deno.test("a run with etcd loads no Node module, and no package but the one for lock names", async () => {
  const files = [...Deno.readDirSync(`${ROOT}/${FOLDER}`)].map(({ name }) => name);
  for (const name of NOT_BY_RUNS) assert.ok(files.includes(name), name);
  const own = files.filter((name) => !NOT_BY_RUNS.includes(name)).map((name) => `${FOLDER}/${name}`);
  // The last one reads the CA that is named.
  const roots = ["main.ts", ...own, "lib/backends/network/tls_files.ts"];
  const imports = await importsOf(roots);
  const loaded = new Set<string>(roots);
  for (const path of loaded) for (const target of imports.get(path) ?? []) loaded.add(target);
  const foreign = [...loaded].filter((path) => /^(?:node|npm|jsr|https?):|node_modules/.test(path));
  assert.deepEqual(foreign.filter((path) => !/@noble[/+]hashes/.test(path)), []);
  // The walk finds files at all.
  assert.ok(loaded.has("lib/backends/network/default_trust.ts") && loaded.has("lib/cli.ts"));
  assert.ok(imports.get(`${FOLDER}/tls_failure.ts`)?.includes("node:net"));
});
