import { heartbeatOf } from "../../lib/lock/lease.ts";
import { DEFAULT_GRACE, DEFAULT_TTL } from "../../lib/config/config.ts";
import { FLOCK } from "./contestants.ts";
import { type Aim, figureAt, type Table } from "./report.ts";
import { stepName, STEPS } from "./staircase.ts";

/** The most that one run may take, as a multiple of what the empty program takes. */
export const MOST: Readonly<Record<string, { readonly wall: number; readonly memory: number }>> = {
  "sera, file": { wall: 1.2, memory: 1.1 },
  "sera, MySQL": { wall: 2, memory: 1.5 },
  "sera, PostgreSQL": { wall: 2, memory: 1.5 },
};
/** How much later than with flock(1) a waiter's command may begin, in milliseconds. */
const LATER = 3;
/** The most memory that one of a hundred may take, as a part of what one alone takes: they share what they can. */
const SHARED = 0.6;

/** What sera is meant to reach, with the figures; of what was not measured nothing is said. */
export function aimsOf(tables: readonly Table[]): Aim[] {
  const crowd = STEPS.at(-1)!;
  const beats = 1000 / heartbeatOf({ ttl: DEFAULT_TTL, grace: DEFAULT_GRACE });
  return Object.entries(MOST).flatMap(([name, most]) => {
    const median = (id: Table["id"], row: string, column: string) => figureAt(tables, id, row, column)?.median;
    const ratio = (column: string) => figureAt(tables, "overhead", name, column)?.ratio;
    const step = (column: string) => median("staircase", stepName(name, crowd), column);
    return [
      aim(`${name}: wall time of a run`, ratio("wall"), most.wall, "× the empty program"),
      aim(`${name}: peak memory of a run`, ratio("memory"), most.memory, "× the empty program"),
      aim(
        `${name}: orderly hand-off, later than flock's`,
        difference(median("handoff", name, "delay"), median("handoff", FLOCK, "delay")),
        LATER,
        "ms",
      ),
      aim(`${name}: wake-ups of one of ${crowd} waiters`, step("wakeUps"), beats, "/s, the heartbeat"),
      aim(
        `${name}: memory of one of ${crowd} waiters`,
        quotient(step("memory"), step("alone")),
        SHARED,
        "× that of one alone",
      ),
      aim(
        `${name}: ${crowd} waiters have run after`,
        step("took"),
        step("aim") ?? 0,
        "s, twice the commands' time and a start",
      ),
    ].filter((one) => one !== undefined);
  });
}

function aim(what: string, figure: number | undefined, most: number, unit: string): Aim | undefined {
  return figure === undefined ? undefined : { what, figure, most, unit, met: figure <= most };
}

function difference(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a - b;
}

function quotient(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a / b;
}
