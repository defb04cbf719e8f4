import type { D3 } from "./d3.ts";
import { axis, COLOURS, head, LEFT, type Panel, RIGHT } from "./panel.ts";
import type { Report, Row } from "./report.ts";
import { element, text } from "./svg.ts";

const TOP = 54;
const BAND = 30;

/** What is shown as one, and of which phases of the bench it consists. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  "runtime": ["runtime"],
  "modules": ["modules", "driver"],
  "settings, guard": ["settings", "guard", "ready"],
  "connect": ["connect"],
  "acquire": ["acquire"],
  "spawn, command": ["spawn", "command"],
  "release, exit": ["release", "exit"],
};

/** Bars for where the time of one run goes. */
export function phasesPanel({ tables }: Report, d3: D3): Panel | undefined {
  const rows = tables.find(({ id }) => id === "start")?.rows ?? [];
  if (rows.length === 0) return undefined;
  const data = rows.map(grouped);
  const totals = data.map((groups) => Object.values(groups).reduce((sum, part) => sum + part));
  const bottom = TOP + rows.length * BAND;
  const x = d3.scaleLinear([0, Math.max(...totals)], [LEFT, RIGHT]);
  const y = d3.scaleBand(rows.map(({ name }) => name), [TOP, bottom]).padding(0.3);
  const names = Object.keys(GROUPS);

  const layers = d3.stack().keys(names)(data).flatMap((layer, group) =>
    layer.map(([begin, end], row) =>
      element("rect", {
        x: x(begin),
        y: y(rows[row]!.name),
        width: x(end) - x(begin),
        height: y.bandwidth(),
        fill: COLOURS[group]!,
      }, element("title", {}, `${names[group]}: ${(end - begin).toFixed(1)} ms`))
    )
  );
  const labels = rows.map(({ name }, row) => {
    const middle = y(name) + y.bandwidth() / 2 + 4;
    return text(LEFT - 10, middle, name, { "text-anchor": "end" }) +
      text(x(totals[row]!) + 7, middle, `${totals[row]!.toFixed(0)} ms`, { class: "small" });
  });
  return {
    height: bottom + 18,
    body: head("Where the time of one run goes", names.map((words, group) => ({ words, colour: COLOURS[group]! }))) +
      axis(x.ticks(6), x, { top: TOP, bottom, unit: " ms" }) + layers.join("") + labels.join(""),
  };
}

/** The medians of a row's phases, added up by group. */
function grouped({ figures }: Row): Record<string, number> {
  return Object.fromEntries(
    Object.entries(GROUPS).map(([name, phases]) => [
      name,
      phases.reduce((sum, phase) => sum + (figures[phase]?.median ?? 0), 0),
    ]),
  );
}
