import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";
import { ROOT } from "../root.ts";
import type { TracePoint } from "./trace_points.ts";

/** The variable that names the file for the marks; one that sera may read. */
export const TRACE_FILE = "SERA_BENCH_TRACE";

/** When the calls of one function were, in milliseconds since 1970. */
export interface Mark {
  /** The begin of the first one, and the end of the last one, when its promise settled. */
  readonly begin: number;
  readonly end: number;
}

/** What a traced run writes: its marks by name. */
export type Marks = Readonly<Record<string, Mark>>;

/** The code that all traced modules share. */
const RECORDER = `
const marks = {};
const now = () => performance.timeOrigin + performance.now();
export function traced(mark, original) {
  return function (...args) {
    const own = marks[mark] ??= { begin: now() };
    const done = () => { own.end = now(); };
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
  Deno.writeTextFileSync(Deno.env.get("${TRACE_FILE}"), JSON.stringify(marks));
  exit(code);
};
`;

/**
 * Makes a program write down, when it exits, when the calls of some of its functions were.
 *
 * @throws Error From the bundler when one of them is not there.
 */
export function tracing(points: readonly TracePoint[]): Plugin {
  const modules = Map.groupBy(points, ({ module }) => module);
  return {
    name: "tracing",
    setup(build) {
      const seen = new Set<string>();
      build.onResolve({ filter: /^sera-recorder$/ }, ({ path }) => ({ path, namespace: "recorder" }));
      build.onLoad({ filter: /.*/, namespace: "recorder" }, () => ({ contents: RECORDER, loader: "js" }));
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const module = path.slice(ROOT.length + 1);
        const own = modules.get(module);
        if (!own) return undefined;
        seen.add(module);
        return { contents: withTraces(await readFile(path, "utf8"), own), loader: "ts" };
      });
      build.onEnd(() => {
        const missing = [...modules.keys()].find((module) => !seen.has(module));
        if (missing !== undefined) throw notThere(missing);
      });
    },
  };
}

/** A module's text, with code after it that puts the recorder around its functions. */
export function withTraces(text: string, points: readonly TracePoint[]): string {
  const traces = points.map(({ mark, module, target }) => {
    const [first, method] = target.split(".");
    const declared = method === undefined
      ? new RegExp(`\\bfunction ${first}\\(`).test(text)
      : new RegExp(`\\bclass ${first}\\b`).test(text) && new RegExp(`^ +(async )?${method}\\(`, "m").test(text);
    if (!declared) throw notThere(`${target} in ${module}`);
    // Declarations of functions can be assigned to within their module, and whoever imports them sees it.
    const place = method === undefined ? first : `${first}.prototype.${method}`;
    return `${place} = traced("${mark}", ${place});\n`;
  });
  return `${text}\nimport { traced } from "sera-recorder";\n${traces.join("")}`;
}

function notThere(what: string): Error {
  return new Error(`Cannot trace what is not there: ${what}; correct scripts/bench/trace_points.ts`);
}
