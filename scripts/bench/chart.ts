import { aimsOf } from "./aims.ts";
import type { Report, Table, TableId } from "./report.ts";

/** Colours of bars and lines: distinct on white and on black, also for most colour-blind readers. */
const COLOURS = ["#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2", "#b07aa1", "#9c755f"];
/** A colour for texts and lines that can be read on any ground; graph.ts adds better ones for a reader's known theme. */
const GREY = "#6e7781";
const WIDTH = 520;

/** The quantities of a run that are compared. */
const QUANTITIES = { wall: ["wall time", "ms"], processor: ["processor time", "ms"], memory: ["peak memory", "MiB"] };

/** The parts shown in the graph, and their phases. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  "runtime": ["runtime"],
  "modules": ["loading modules", "loading the driver"],
  "settings, guard": ["settings", "signals, helper shell", "last checks"],
  "connect": ["connecting, log-in"],
  "acquire": ["acquiring"],
  "spawn, command": ["spawning", "command"],
  "release, exit": ["releasing", "exit"],
};

/** Rows of the staircase are named after a program and how many wait. */
const STEP = /^(sera, .+), (\d+) waiters?$/;

/**
 * Describes a graph of the cost of a run, its phases, and the cost of many waiters; without unmeasured parts.
 *
 * @returns A specification for https://vega.github.io/vega-lite/.
 * @throws Error When the report has nothing to draw.
 */
export function chart({ tables }: Report): object {
  const panels = [ratios(tables), phases(tables), memory(tables)].filter((panel) => panel !== undefined);
  if (panels.length === 0) throw new Error("the report has no overhead, start or staircase");
  return {
    description: "What sera costs",
    vconcat: panels,
    spacing: 30,
    resolve: { scale: { color: "independent" } },
    config: {
      background: "transparent",
      font: "-apple-system, Segoe UI, Helvetica, Arial, sans-serif",
      view: { stroke: null },
      text: { color: GREY, fontSize: 11 },
      title: { anchor: "start", frame: "group", color: GREY, fontSize: 14 },
      axis: {
        labelColor: GREY,
        labelFontSize: 11,
        labelLimit: 0,
        gridColor: "#8c959f",
        gridOpacity: 0.3,
        domain: false,
      },
      axisY: { ticks: false },
      legend: {
        orient: "top",
        title: null,
        labelColor: GREY,
        labelFontSize: 11,
        symbolType: "square",
        columnPadding: 4,
        labelLimit: 0,
      },
    },
  };
}

/** The cost of a run, as a multiple of the empty program's, with a line at each aim. */
function ratios(tables: readonly Table[]): object | undefined {
  const table = tables.find(({ id }) => id === "overhead");
  const aims = aimsOf(tables);
  const values = seras(tables, "overhead").flatMap(({ name, figures }) =>
    Object.entries(QUANTITIES).map(([id, [quantity, unit]]) => {
      const { median, ratio } = figures[id]!;
      const aim = aims.find((aim) => aim.id === id && aim.of === name)?.max;
      const label = `${ratio!.toFixed(2)}×  ${median.toFixed(0)} ${unit}`;
      return { name, quantity, ratio, label, aim, end: Math.max(ratio!, aim ?? 0) };
    })
  );
  if (values.length === 0) return undefined;
  const y = {
    y: { field: "name", type: "nominal", sort: null, title: null },
    yOffset: { field: "quantity", sort: null },
  };
  return {
    title: `One run of true, as a multiple of the ${table!.base}; | is the aim`,
    data: { values },
    width: WIDTH,
    height: { step: 16 },
    encoding: y,
    layer: [
      { mark: "bar", encoding: { x: along("ratio", "×"), color: colours("quantity", values) } },
      {
        transform: [{ filter: "isValid(datum.aim)" }],
        mark: { type: "tick", thickness: 4, size: 16, color: "#1f2328", stroke: "#fff", description: "aim" },
        encoding: { x: along("aim", "×") },
      },
      { mark: { type: "text", align: "left", dx: 7 }, encoding: { x: along("end", "×"), text: { field: "label" } } },
    ],
  };
}

/** Where the time of one run goes. */
function phases(tables: readonly Table[]): object | undefined {
  const rows = tables.find(({ id }) => id === "start")?.rows ?? [];
  if (rows.length === 0) return undefined;
  const values = rows.flatMap(({ name, figures }) =>
    Object.entries(GROUPS).map(([group, phases], order) => {
      const ms = phases.reduce((sum, phase) => sum + (figures[phase]?.median ?? 0), 0);
      return { name, group, order, ms };
    })
  );
  return {
    title: "Where the time of one run goes",
    data: { values },
    width: WIDTH,
    height: { step: 30 },
    encoding: { y: { field: "name", type: "nominal", sort: null, title: null } },
    layer: [
      {
        mark: "bar",
        encoding: { x: along("ms", " ms"), color: colours("group", values), order: { field: "order" } },
      },
      {
        transform: [
          { aggregate: [{ op: "sum", field: "ms", as: "total" }], groupby: ["name"] },
          { calculate: "round(datum.total) + ' ms'", as: "label" },
        ],
        mark: { type: "text", align: "left", dx: 7 },
        encoding: { x: along("total", " ms"), text: { field: "label" } },
      },
    ],
  };
}

/** What each of many waiters has in memory, where a page that n share counts as an n-th. */
function memory(tables: readonly Table[]): object | undefined {
  const steps = seras(tables, "staircase").flatMap(({ name, figures }) => {
    const [, program, count] = STEP.exec(name) ?? [];
    return program === undefined ? [] : [{ program, count: Number(count), memory: figures.memory!.median }];
  });
  if (steps.length === 0) return undefined;
  const values = [...Map.groupBy(steps, ({ program }) => program)].flatMap(([program, own]) => {
    const { count, memory } = own.at(-1)!;
    return own.map((step) => ({ ...step, program: `${program}: ${memory.toFixed(0)} MiB at ${count}` }));
  });
  return {
    title: "Memory of each waiter for one lock; shared pages are divided among them",
    data: { values },
    width: WIDTH,
    height: 150,
    mark: { type: "line", point: true },
    encoding: {
      x: { field: "count", type: "quantitative", title: null },
      y: { field: "memory", type: "quantitative", title: null, axis: { labelExpr: "datum.label + ' MiB'" } },
      color: colours("program", values),
    },
  };
}

/** The rows of a table that are sera's. */
function seras(tables: readonly Table[], id: TableId): Table["rows"] {
  return tables.find((table) => table.id === id)?.rows.filter(({ name }) => name.startsWith("sera, ")) ?? [];
}

/** Numbers from left to right, with their unit. */
function along(field: string, unit: string): object {
  return { field, type: "quantitative", title: null, axis: { labelExpr: `datum.label + '${unit}'` } };
}

/** A colour for each value of a field, in the order in which they come. */
function colours<F extends string>(field: F, values: readonly Readonly<Record<F, unknown>>[]): object {
  const domain = [...new Set(values.map((value) => value[field]))];
  return { field, type: "nominal", scale: { domain, range: COLOURS.slice(0, domain.length) } };
}
