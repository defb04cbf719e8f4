/**
 * The text format of Prometheus, version 0.0.4, as node_exporter's textfile collector reads it:
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 *
 * @module
 */

/** A family of time series: gauges that differ by their labels only. */
export interface Gauges {
  readonly name: string;
  /** What it is, on one line. */
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** The value of one series. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Writes families in their order; one without samples is left out. */
export function exposition(families: readonly Gauges[]): string {
  return families.filter(({ samples }) => samples.length > 0).map(({ name, help, samples }) => {
    const lines = samples.map(({ labels = {}, value }) => `${name}${labelsText(labels)} ${numberText(value)}\n`);
    return `# HELP ${name} ${escaped(help)}\n# TYPE ${name} gauge\n${lines.join("")}`;
  }).join("");
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value).replaceAll('"', '\\"')}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

/** A text in which nothing ends the line. */
function escaped(text: string): string {
  return text.toWellFormed().replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
