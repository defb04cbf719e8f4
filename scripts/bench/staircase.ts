import { pause } from "../../tests/cli/wait.ts";
import type { Bed } from "./bed.ts";
import type { Contestant } from "./contestants.ts";
import { Holder } from "./holder.ts";
import { hyperfine } from "./hyperfine.ts";
import { shareOfMemory, treeOf, type Usage, usageOf } from "./processes.ts";
import type { Figure, Row, Table } from "./report.ts";
import { summarize } from "./rounds.ts";
import { startWaiters } from "./waiters.ts";

/** How many wait, step by step. */
export const STEPS = [1, 10, 50, 100];
/** How long they are watched while nothing happens, in milliseconds. */
const IDLE = 5000;
/**
 * The largest crowd is watched only after so many milliseconds: until then the runtime wakes up for each of the time limits
 * of connecting and logging in, also when they have been cancelled.
 */
const LIMITS_OVER = 11_000;
/** How long each of their commands takes, in milliseconds. */
const COMMAND = 50;
/** How often a run that finds the lock free is timed, for the start that comes on top of the commands. */
const STARTS = 3;

/** The costs of one and of many waiters for a lock, and how long they take once it is free. */
export async function staircase({ contestants }: Bed): Promise<Table[]> {
  const rows: Row[] = [];
  for (const contestant of contestants) {
    const { wall: start } = await hyperfine([...contestant.once, "true"], STARTS);
    for (const count of STEPS) {
      rows.push({ name: stepName(contestant.name, count), figures: await step(contestant, count, start) });
    }
  }
  return [{
    id: "staircase",
    title: `waiters for one lock, each for a command of ${COMMAND} ms; measured once`,
    columns: [
      { id: "memory", title: "memory each", unit: "MiB" },
      { id: "alone", title: "of one alone", unit: "MiB" },
      { id: "processor", title: "processor each", unit: "ms/s" },
      { id: "wakeUps", title: "wake-ups each", unit: "/s" },
      { id: "server", title: "server's processor", unit: "ms/s" },
      { id: "serverWakeUps", title: "server's wake-ups", unit: "/s" },
      { id: "took", title: "all have run after", unit: "s" },
      { id: "aim", title: "aim", unit: "s" },
    ],
    rows,
  }];
}

/** The name of a row. */
export function stepName(contestant: string, count: number): string {
  return `${contestant}, ${count} waiter${count === 1 ? "" : "s"}`;
}

async function step(contestant: Contestant, count: number, start: number): Promise<Record<string, Figure>> {
  const key = "staircase";
  await using holder = await Holder.start(contestant, key);
  // A single waiter shares no page with another: the base for the memory of many.
  const alone = shareOfMemory(holder.pid);
  const words = ["sleep", `${COMMAND / 1000}`];
  const waiters = await startWaiters(contestant, { key, count, words });
  if (count === STEPS.at(-1)) await pause(LIMITS_OVER);
  const trees = waiters.map(({ pid }) => treeOf(pid));
  const [own, server] = await usePerSecond([trees.flat(), contestant.serverPid ? treeOf(contestant.serverPid) : []]);
  const memory = trees.map((tree) => tree.map(shareOfMemory).reduce((sum, one) => sum + one));
  const began = performance.now();
  await holder.end();
  const ends = await Promise.all(waiters.map((waiter) => waiter.output()));
  const took = (performance.now() - began) / 1000;
  const failed = ends.filter(({ success }) => !success).length;
  if (failed > 0) throw new Error(`Waiters that did not run their command: ${failed} of ${count}, ${contestant.name}`);
  return {
    memory: summarize(memory),
    alone: summarize([alone]),
    // A mean, not a median: what most of them do not do while they are watched still is a cost.
    processor: summarize([own!.processor / count]),
    wakeUps: summarize([own!.sleeps / count]),
    ...contestant.serverPid === undefined ? {} : {
      server: summarize([server!.processor]),
      serverWakeUps: summarize([server!.sleeps]),
    },
    took: summarize([took]),
    // Twice the commands' own time, and a start.
    aim: summarize([(2 * count * COMMAND + start) / 1000]),
  };
}

/** What groups of processes use in a second while nothing happens. */
async function usePerSecond(groups: readonly (readonly number[])[]): Promise<Usage[]> {
  const before = groups.map(usageOf);
  const began = performance.now();
  await pause(IDLE);
  const after = groups.map(usageOf);
  const seconds = (performance.now() - began) / 1000;
  return after.map(({ processor, sleeps }, index) => ({
    processor: (processor - before[index]!.processor) / seconds,
    sleeps: (sleeps - before[index]!.sleeps) / seconds,
  }));
}
