import { pause } from "../../tests/cli/wait.ts";
import type { Bed } from "./bed.ts";
import type { Contestant } from "./contestants.ts";
import { Holder } from "./holder.ts";
import { shareOfMemory, treeOf, usageOf } from "./processes.ts";
import type { Row, Table } from "./report.ts";
import { type Figure, median, summarize } from "./statistics.ts";
import { startWaiters } from "./waiters.ts";
import { timed } from "./words.ts";

/** How many wait. */
export const STEPS = [1, 10, 50, 100];
/** How long they are watched while nothing happens, in milliseconds. */
const IDLE = 5000;
/**
 * After how many milliseconds the largest crowd is watched: the runtime wakes up once more for each of the time limits of
 * connecting and logging in, which have long been called off.
 */
const LIMITS_OVER = 11_000;
/** How long each of their commands takes, in milliseconds. */
const COMMAND = 50;
/** How often a run without anybody else is timed, for the start that comes on top of the commands. */
const STARTS = 3;

/** What one and many waiters for a lock cost, and how long they take once it is free. */
export async function staircase({ contestants }: Bed): Promise<Table[]> {
  const rows: Row[] = [];
  for (const contestant of contestants) {
    const start = await startTime(contestant);
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
  await using holder = await Holder.start(contestant.waiting(key));
  // Only one is there now, so that it shares no page with another: what the waiters' memory is compared with.
  const alone = shareOfMemory(holder.pid);
  const words = ["sleep", `${COMMAND / 1000}`];
  const waiters = await startWaiters(contestant, { key, count, words });
  if (count === STEPS.at(-1)) await pause(LIMITS_OVER);
  const idle = await watch(contestant, waiters.map(({ pid }) => treeOf(pid)));
  const memory = waiters.map(({ pid }) => treeOf(pid).map(shareOfMemory).reduce((sum, one) => sum + one));
  const began = performance.now();
  await holder.end();
  const ends = await Promise.all(waiters.map((waiter) => waiter.output()));
  const took = (performance.now() - began) / 1000;
  const failed = ends.filter(({ success }) => !success).length;
  if (failed > 0) throw new Error(`Waiters that did not run their command: ${failed} of ${count}, ${contestant.name}`);
  return {
    memory: summarize(memory),
    alone: summarize([alone]),
    ...idle,
    took: summarize([took]),
    // Twice the commands' own time, and a start.
    aim: summarize([(2 * count * COMMAND + start) / 1000]),
  };
}

/** What processes, each with its helpers, and the server do while nothing happens. */
async function watch(
  { serverPid }: Contestant,
  trees: readonly (readonly number[])[],
): Promise<Record<string, Figure>> {
  const serverTree = serverPid === undefined ? [] : treeOf(serverPid);
  const before = [...trees, serverTree].map(usageOf);
  const began = performance.now();
  await pause(IDLE);
  const after = [...trees, serverTree].map(usageOf);
  const seconds = (performance.now() - began) / 1000;

  const spent = after.map(({ processor, sleeps }, index) => ({
    processor: (processor - before[index]!.processor) / seconds,
    wakeUps: (sleeps - before[index]!.sleeps) / seconds,
  }));
  const own = spent.pop()!;
  // A mean, not a median: what most of them do not do within the span still is a cost.
  const mean = (of: (one: typeof own) => number) => spent.reduce((sum, one) => sum + of(one), 0) / spent.length;
  return {
    processor: summarize([mean(({ processor }) => processor)]),
    wakeUps: summarize([mean(({ wakeUps }) => wakeUps)]),
    ...serverPid === undefined ? {} : { server: summarize([own.processor]), serverWakeUps: summarize([own.wakeUps]) },
  };
}

/** How long one run takes that nobody else is in the way of, in milliseconds. */
async function startTime({ once }: Contestant): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < STARTS; i++) times.push(await timed([...once, "true"]));
  return median(times);
}
