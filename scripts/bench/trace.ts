import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";
import { ROOT } from "../root.ts";
import type { Phase } from "./phases.ts";

/** The variable that names the file for the phases' ends; one that sera may read. */
export const TRACE_FILE = "SERA_BENCH_TRACE";

/** The code that all traced modules share: it notes when phases end, and writes that down when the program exits. */
const RECORDER = `
const ends = {};
const now = () => performance.timeOrigin + performance.now();
export function traced(phase, until, original) {
  if (typeof original !== "function") throw new Error("no function for: " + phase + "; see scripts/bench/phases.ts");
  return function (...args) {
    if (until === "begin") ends[phase] ??= now();
    const done = () => { if (until === "end") ends[phase] = now(); };
    try {
      const result = original.apply(this, args);
      if (!(result instanceof Promise)) { done(); return result; }
      return result.finally(done);
    } catch (error) {
      done();
      throw error;
    }
  };
}
const exit = Deno.exit;
Deno.exit = (code) => {
  Deno.writeTextFileSync(Deno.env.get("${TRACE_FILE}"), JSON.stringify(ends));
  exit(code);
};
`;

/** Makes a program write down, when it exits, when its phases ended. */
export function tracing(phases: readonly Phase[]): Plugin {
  return {
    name: "tracing",
    setup(build) {
      build.onResolve({ filter: /^sera-recorder$/ }, ({ path }) => ({ path, namespace: "recorder" }));
      build.onLoad({ filter: /.*/, namespace: "recorder" }, () => ({ contents: RECORDER, loader: "js" }));
      build.onLoad({ filter: /\.ts$/, namespace: "file" }, async ({ path }) => {
        const code = traces(path.slice(ROOT.length + 1), phases);
        return code === "" ? undefined : { contents: await readFile(path, "utf8") + code, loader: "ts" };
      });
    },
  };
}

/** The code to add to a module, which puts the recorder around its functions. */
function traces(module: string, phases: readonly Phase[]): string {
  const lines = phases.flatMap(({ name, until, of }) =>
    of.filter(([of]) => of === module).map(([_, target]) => {
      // A function declaration can be reassigned within its module, and importers see the new value.
      const place = target.replace(".", ".prototype.");
      return `${place} = traced("${name}", "${until}", ${place});\n`;
    })
  );
  return lines.length === 0 ? "" : `\nimport { traced } from "sera-recorder";\n${lines.join("")}`;
}
