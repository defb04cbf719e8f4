/**
 * Draws what the bench found, for the README: `scripts/bench/graph.ts REPORT.json [GRAPH.svg]`, by default docs/cost.svg.
 * The report is what `deno task bench --json` prints. The same report gives the same graph.
 *
 * @module
 */
import { resolve } from "node:path";
import { messageOf } from "../../lib/errors.ts";
import { installTools, TOOLS } from "../packaged_tools.ts";
import { ROOT } from "../root.ts";
import { run } from "../run.ts";

/**
 * Draws in a process of its own, since the library is one of the packages that only maintainers need: it is handed over
 * to drawing.ts, which so can be read without it.
 */
const DRAW = `
  import * as scales from "d3-scale";
  import * as shapes from "d3-shape";
  import { drawing } from ${JSON.stringify(new URL("drawing.ts", import.meta.url).href)};
  try {
    const report = JSON.parse(await new Response(Deno.stdin.readable).text());
    await Deno.stdout.write(new TextEncoder().encode(drawing(report, { ...scales, ...shapes })));
  } catch (error) {
    console.error(error.message);
    Deno.exit(1);
  }
`;

/**
 * Draws a report.
 *
 * @param report JSON.
 * @returns SVG.
 * @throws Error When it is no report, or has nothing to draw; the last line of its message says why.
 */
export async function draw(report: string): Promise<string> {
  await installTools();
  return await run(Deno.execPath(), ["eval", "--quiet", DRAW], { cwd: TOOLS, stdin: report });
}

if (import.meta.main) {
  const [report, graph = `${ROOT}/docs/cost.svg`, ...rest] = Deno.args;
  if (report === undefined || rest.length > 0) {
    console.error("Usage: scripts/bench/graph.ts REPORT.json [GRAPH.svg]");
    Deno.exit(2);
  }
  try {
    await Deno.writeTextFile(resolve(graph), await draw(await Deno.readTextFile(report)));
  } catch (error) {
    const why = messageOf(error).split("\n").at(-1);
    console.error(`graph: Cannot draw ${report} as ${graph}: ${why}; make a report with deno task bench --json`);
    Deno.exit(1);
  }
}
