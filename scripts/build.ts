/**
 * Compiles sera into standalone binaries: `scripts/build.ts` makes one for this machine, `sera`; `--target TARGET`, which
 * may be repeated, and `--all` make `sera-TARGET`. They go to dist/, or to the folder that `--out FOLDER` names.
 *
 * @module
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { bundle } from "./bundle.ts";
import { compile } from "./compile.ts";
import { ROOT } from "./root.ts";
import { binaryName, isWindows, TARGETS } from "./targets.ts";

const { values: options } = parseArgs({
  options: {
    all: { type: "boolean", default: false },
    target: { type: "string", multiple: true, default: [] },
    out: { type: "string", default: `${ROOT}/dist` },
  },
});
const known = TARGETS.map(({ name }) => name);
for (const target of options.target) {
  if (!known.includes(target)) throw new Error(`Cannot build for: ${target}; expected one of ${known.join(", ")}`);
}
const targets = options.all ? known : options.target;
const out = resolve(options.out);
const folder = `${out}/bundle`;

// Files of an earlier build would end up in the binary: the names of the bundle's parts change with their contents.
await Deno.remove(folder, { recursive: true }).catch((error) => {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
});
await bundle(folder);
for (const target of targets.length === 0 ? [undefined] : targets) {
  const name = target === undefined ? `sera${isWindows(Deno.build.target) ? ".exe" : ""}` : binaryName(target);
  const output = `${out}/${name}`;
  if (!await compile({ folder, entry: "main.js", output, target })) {
    throw new Error(`deno compile failed for: ${target ?? "this machine"}`);
  }
  console.log(`${output}: ${((await Deno.stat(output)).size / 2 ** 20).toFixed(1)} MiB`);
}
