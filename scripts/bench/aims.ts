import { TABLE } from "../../lib/settings/table.ts";
import { heartbeatOf } from "../../lib/lock/lease.ts";
import { ETCDCTL, FLOCK } from "./contestants.ts";
import { type Aim, figureAt, type Table } from "./report.ts";
import { stepName, STEPS } from "./staircase.ts";

/** The maximum that a run may take, as a multiple of what the empty program takes. */
const MAX_OVERHEAD: Readonly<Record<string, { readonly wall: number; readonly memory: number }>> = {
  "sera, file": { wall: 1.2, memory: 1.1 },
  "sera, MySQL": { wall: 2, memory: 1.5 },
  "sera, PostgreSQL": { wall: 2, memory: 1.5 },
  "sera, etcd": { wall: 1.25, memory: 1.5 },
};
/** What its hand-off is compared with. */
const beside = (of: string) => of === "sera, etcd" ? ETCDCTL : FLOCK;
/** How much later than with that a waiter's command may start, in milliseconds. */
const LATER = 3;
/** The maximum memory of one of many processes, as a share of the memory of one alone: they share pages. */
const SHARED = 0.6;
/** How often a waiter may wake up in a second. */
const BEATS = 1000 / heartbeatOf({ ttl: TABLE.ttl.default, grace: TABLE.grace.default });

/** The maximum number of round trips of a run, by server and features. */
const TRIPS: Readonly<Record<string, number>> = {
  "sera, MySQL": 4.8,
  "sera, MySQL, --ledger": 7.3,
  "sera, MySQL, --lease": 5.8,
  "sera, MySQL, --lease --ledger": 8.3,
  // Two of these are SCRAM's.
  "sera, PostgreSQL": 7.2,
  "sera, PostgreSQL, --ledger": 9.3,
  "sera, PostgreSQL, --lease": 8.2,
  "sera, PostgreSQL, --lease --ledger": 10.3,
  "sera, etcd": 5,
};

/** The maximum time of many waiters for slots, as a multiple of the ideal time. */
const SLOTTED = 1.3;

/** The aims of sera with the measured figures; without those that were not measured. */
export function aimsOf(tables: readonly Table[]): Aim[] {
  return [...aimsOfRuns(tables), ...aimsOfSlots(tables), ...aimsOfTrips(tables)];
}

function aimsOfSlots(tables: readonly Table[]): Aim[] {
  const rows = tables.find(({ id }) => id === "slots")?.rows ?? [];
  return rows.map(({ name: of, figures }) => {
    const figure = figures.ratio!.median;
    const what = "a crowd has run through slots after";
    return { id: "slots", of, what, figure, max: SLOTTED, unit: "× the ideal time", met: figure <= SLOTTED };
  });
}

function aimsOfTrips(tables: readonly Table[]): Aim[] {
  return Object.entries(TRIPS).flatMap(([of, max]) => {
    const figure = figureAt(tables, "roundtrips", of, "trips")?.median;
    const what = "a run far from its server";
    return figure === undefined
      ? []
      : [{ id: "trips", of, what, figure, max, unit: "round trips", met: figure <= max }];
  });
}

function aimsOfRuns(tables: readonly Table[]): Aim[] {
  return Object.entries(MAX_OVERHEAD).flatMap(([of, max]) => {
    const crowd = STEPS.at(-1)!;
    const overhead = (column: string) => figureAt(tables, "overhead", of, column)?.ratio;
    const delay = (row: string) => figureAt(tables, "handoff", row, "delay")?.median;
    const step = (column: string) => figureAt(tables, "staircase", stepName(of, crowd), column)?.median;
    const aim = (
      id: Aim["id"],
      what: string,
      figure: number | undefined,
      max: number | undefined,
      unit: string,
    ): Aim[] =>
      figure === undefined || max === undefined ? [] : [{ id, of, what, figure, max, unit, met: figure <= max }];
    return [
      ...aim("wall", "wall time of a run", overhead("wall"), max.wall, "× the empty program's"),
      ...aim("memory", "peak memory of a run", overhead("memory"), max.memory, "× the empty program's"),
      ...aim(
        "handOff",
        `orderly hand-off, later than ${beside(of) === FLOCK ? "flock's" : "etcdctl's"}`,
        minus(delay(of), delay(beside(of))),
        LATER,
        "ms",
      ),
      ...aim("wakeUps", `wake-ups of one of ${crowd} waiters`, step("wakeUps"), BEATS, "/s, the heartbeat"),
      ...aim(
        "sharing",
        `memory of one of ${crowd} waiters`,
        over(step("memory"), step("alone")),
        SHARED,
        "× one alone's",
      ),
      ...aim(
        "crowd",
        `${crowd} waiters have run after`,
        step("took"),
        step("aim"),
        "s, twice the commands' and a start",
      ),
    ];
  });
}

function minus(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a - b;
}

function over(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a / b;
}
