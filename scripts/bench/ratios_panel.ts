import type { D3 } from "./d3.ts";
import { axis, COLOURS, head, LEFT, type Panel, RIGHT } from "./panel.ts";
import type { Report } from "./report.ts";
import { element, rule, text } from "./svg.ts";

const BAR = 15;
const TOP = 54;

/** The quantities that there are aims for, and how they are shown. */
const QUANTITIES = [
  { id: "wall", words: "wall time", unit: "ms", colour: COLOURS[0] },
  { id: "processor", words: "processor time", unit: "ms", colour: COLOURS[4] },
  { id: "memory", words: "peak memory", unit: "MiB", colour: COLOURS[1] },
] as const;

/** Bars for what one run costs, as a multiple of what the empty program costs, with a tick at each aim. */
export function ratiosPanel({ tables, aims }: Report, d3: D3): Panel | undefined {
  const table = tables.find(({ id }) => id === "overhead");
  const rows = table?.rows.filter(({ name }) => name.startsWith("sera, ")) ?? [];
  if (rows.length === 0) return undefined;
  const bars = rows.flatMap(({ name, figures }) =>
    QUANTITIES.map((quantity) => ({
      name,
      ...quantity,
      figure: figures[quantity.id]!,
      aim: aims.find(({ id, of }) => id === quantity.id && of === name)?.most,
    }))
  );
  const longest = Math.max(...bars.map(({ figure, aim = 0 }) => Math.max(figure.ratio!, aim)));
  const x = d3.scaleLinear([0, longest], [LEFT, RIGHT - 40]);
  const bottom = TOP + rows.length * (QUANTITIES.length * BAR + 10);
  const y = d3.scaleBand(rows.map(({ name }) => name), [TOP, bottom]);

  const drawn = bars.map(({ name, id, unit, colour, figure, aim }) => {
    const top = y(name) + QUANTITIES.findIndex((quantity) => quantity.id === id) * BAR + 5;
    const end = x(figure.ratio!);
    const words = `${figure.ratio!.toFixed(2)}×  ${figure.median.toFixed(0)} ${unit}`;
    // To the right of the bar, and of its aim.
    const beside = Math.max(end, aim === undefined ? 0 : x(aim)) + 7;
    return element("rect", { x: LEFT, y: top, width: end - LEFT, height: BAR - 3, rx: 1, fill: colour }) +
      (aim === undefined ? "" : mark(x(aim), top - 2, top + BAR - 1)) +
      text(beside, top + BAR - 5, words, { class: "small" });
  });
  const names = rows.map(({ name }) =>
    text(LEFT - 10, y(name) + y.bandwidth() / 2 + 4, name, { "text-anchor": "end" })
  );
  const legend = QUANTITIES.map(({ words, colour }) => ({ words, colour }));
  return {
    height: bottom + 18,
    body: head(`One run of true, as a multiple of the ${table!.base}; | is the aim`, legend) +
      axis(x.ticks(6), x, { top: TOP, bottom, unit: "×" }) + drawn.join("") + names.join(""),
  };
}

/** A line that can be seen on bars and on any ground. */
function mark(x: number, top: number, bottom: number): string {
  return rule(x, top - 1, x, bottom + 1, { class: "halo" }) + rule(x, top, x, bottom, { class: "aim" });
}
