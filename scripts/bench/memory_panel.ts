import type { D3 } from "./d3.ts";
import { axis, COLOURS, head, LEFT, type Panel, RIGHT } from "./panel.ts";
import type { Report } from "./report.ts";
import { element, rule, text } from "./svg.ts";

const TOP = 54;
const HEIGHT = 150;
/** Rows are named after a program and how many wait. */
const STEP = /^(sera, .+), (\d+) waiters?$/;

/** Lines for what each of many waiters has in memory, where a page that n share counts as an n-th. */
export function memoryPanel({ tables }: Report, d3: D3): Panel | undefined {
  const steps = (tables.find(({ id }) => id === "staircase")?.rows ?? []).flatMap(({ name, figures }) => {
    const [, program, count] = STEP.exec(name) ?? [];
    return program === undefined ? [] : [{ program, count: Number(count), memory: figures.memory!.median }];
  });
  if (steps.length === 0) return undefined;
  const bottom = TOP + HEIGHT;
  const x = d3.scaleLinear([0, Math.max(...steps.map(({ count }) => count))], [LEFT, RIGHT]);
  const y = d3.scaleLinear([0, Math.max(...steps.map(({ memory }) => memory))], [bottom, TOP]);

  const programs = [...Map.groupBy(steps, ({ program }) => program)];
  const lines = programs.map(([, own], index) => {
    const colour = COLOURS[index]!;
    const points = own.map(({ count, memory }) => [x(count), y(memory)] as const);
    const dots = points.map(([cx, cy]) => element("circle", { cx, cy, r: 3, fill: colour }));
    return element("path", { d: d3.line()(points), stroke: colour, class: "line" }) + dots.join("");
  });
  // Where they end, one below the other if they would touch.
  let free = TOP;
  const ends = programs.map(([, own]) => own.at(-1)!).toSorted((a, b) => b.memory - a.memory).map((end) => {
    free = Math.max(free, y(end.memory)) + 13;
    return text(RIGHT + 8, free - 9, `${end.memory.toFixed(0)} MiB`, { class: "small" });
  });
  const levels = y.ticks(4).map((level) =>
    rule(LEFT, y(level), RIGHT, y(level), { class: "grid" }) +
    text(LEFT - 10, y(level) + 4, `${level} MiB`, { "text-anchor": "end", class: "small" })
  );
  return {
    height: bottom + 18,
    body: head(
      "Memory of each of so many waiters for one lock; what they share is divided among them",
      programs.map(([words], index) => ({ words, colour: COLOURS[index]! })),
    ) + axis(x.ticks(10), x, { top: bottom, bottom, unit: "" }) + levels.join("") + lines.join("") + ends.join(""),
  };
}
