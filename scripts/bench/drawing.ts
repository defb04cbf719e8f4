import type { D3 } from "./d3.ts";
import { memoryPanel } from "./memory_panel.ts";
import { type Panel, stacked } from "./panel.ts";
import { phasesPanel } from "./phases_panel.ts";
import { ratiosPanel } from "./ratios_panel.ts";
import type { Report } from "./report.ts";

/**
 * Draws a report: what a run costs, where its time goes, and what many waiters cost; of what was not measured, nothing.
 *
 * @param d3 The library that draws.
 * @returns SVG.
 * @throws Error When the report has nothing to draw.
 */
export function drawing(report: Report, d3: D3): string {
  const panels: (Panel | undefined)[] = [ratiosPanel(report, d3), phasesPanel(report, d3), memoryPanel(report, d3)];
  const there = panels.filter((panel) => panel !== undefined);
  if (there.length === 0) throw new Error("the report has no overhead, start or staircase");
  return stacked(there, "What sera costs");
}
