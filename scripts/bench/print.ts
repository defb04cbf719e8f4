import { table } from "../../lib/text/text_table.ts";
import type { Aim, Figure, Report, Table } from "./report.ts";

/** A report for people: the tables, then what was skipped, then the aims. */
export function asText({ machine, rounds, tables, leftOut, aims }: Report): string {
  return [
    `${machine.join(", ")}\nmedian of up to ${rounds} rounds [quartiles], and the median of the rounds' ratios\n`,
    ...tables.map(tableText),
    ...leftOut.length === 0 ? [] : [leftOut.map((what) => `left out: ${what}\n`).join("")],
    ...aims.length === 0 ? [] : [aimsText(aims)],
  ].join("\n");
}

/**
 * A table with its title; a figure that a row has not leaves its cell empty. It lies on its side where that makes it
 * narrower.
 */
export function tableText({ title, columns, rows, base }: Table): string {
  const shown = columns.filter(({ id }) => rows.some(({ figures }) => figures[id] !== undefined));
  const upright = [
    ["", ...shown.map(({ title, unit }) => `${title}, ${unit}`)],
    ...rows.map(({ name, figures }) => [name, ...shown.map(({ id }) => cell(figures[id]))]),
  ];
  const cells = shown.length > rows.length
    ? upright[0]!.map((_, column) => upright.map((row) => row[column]!))
    : upright;
  return `${title}${base === undefined ? "" : `; ratios to ${base}`}\n${table(cells)}`;
}

function cell(figure: Figure | undefined): string {
  if (!figure) return "";
  const { median, lower, upper, ratio } = figure;
  const spread = lower === upper ? "" : ` [${number(lower)} ${number(upper)}]`;
  return `${number(median)}${spread}${ratio === undefined ? "" : ` ${ratio.toFixed(2)}×`}`;
}

/** With as many digits as a measurement of that size deserves. */
function number(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

function aimsText(aims: readonly Aim[]): string {
  const lines = aims.map(({ of, what, figure, max, unit, met }) => [
    `${of}: ${what}`,
    number(figure),
    `aim: at most ${number(max)} ${unit}`,
    met ? "met" : "not met",
  ]);
  return `aims\n${table(lines)}`;
}
