/**
 * Draws the bench's results, for docs/cost.md: `scripts/bench/graph.ts REPORT.json [GRAPH.svg]`, by default docs/cost.svg.
 * The report is what `deno task bench --json` prints. The same report gives the same graph.
 *
 * @module
 */
import { resolve } from "node:path";
import { messageOf } from "../../lib/errors.ts";
import { installTools, TOOLS } from "../packaged_tools.ts";
import { ROOT } from "../root.ts";
import { run } from "../run.ts";
import { chart } from "./chart.ts";
import type { Report } from "./report.ts";

/** Draws in a process of its own: the library is one of the packages that only maintainers need. */
const DRAW = `
  import { parse, View } from "vega";
  import { compile } from "vega-lite";
  const { spec } = compile(JSON.parse(await new Response(Deno.stdin.readable).text()));
  console.log(await new View(parse(spec), { renderer: "none" }).toSVG());
`;

/** The texts' colours where the reader's theme is known; a rule of a style sheet outdoes an attribute. */
const THEMES = `<style>
@media (prefers-color-scheme:light){text{fill:#32383f}}
@media (prefers-color-scheme:dark){text{fill:#c9d1d9}}
</style>`;

/**
 * Draws a report.
 *
 * @returns SVG.
 * @throws Error When it has nothing to draw; the last line of its message says why.
 */
export async function draw(report: Report): Promise<string> {
  const stdin = JSON.stringify(chart(report));
  await installTools();
  const svg = await run(Deno.execPath(), ["eval", "--quiet", DRAW], { cwd: TOOLS, stdin });
  return svg.replace(/<svg [^>]*>/, (start) => start + THEMES);
}

if (import.meta.main) {
  const [report, graph = `${ROOT}/docs/cost.svg`, ...rest] = Deno.args;
  if (report === undefined || rest.length > 0) {
    console.error("Usage: scripts/bench/graph.ts REPORT.json [GRAPH.svg]");
    Deno.exit(2);
  }
  try {
    await Deno.writeTextFile(resolve(graph), await draw(JSON.parse(await Deno.readTextFile(report))));
  } catch (error) {
    const why = messageOf(error).split("\n").at(-1);
    console.error(`graph: Cannot draw ${report} as ${graph}: ${why}; make a report with deno task bench --json`);
    Deno.exit(1);
  }
}
