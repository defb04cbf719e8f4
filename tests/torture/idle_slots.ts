/** Measures for how long a slot stays free although somebody waits for one. */

import type { Running } from "../cli/running.ts";
import { pause, until } from "../cli/wait.ts";

/** The pause between two looks, in milliseconds. */
const PAUSE = 20;

/** What to watch. */
export interface WatchedSlots {
  /** The path of the test's journal. */
  readonly journal: string;
  /** The running sera processes by the ids of their runs. They print when they wait. */
  readonly running: ReadonlyMap<string, Running>;
  readonly slots: number;
}

/**
 * Waits until all slots are held again after the faults, then watches for a while.
 *
 * @param length For how long to watch, in milliseconds; longer if no sera that was started meanwhile has waited by then.
 * @returns The longest time that a slot was free while such a sera waited, in milliseconds.
 */
export async function maxIdleTime({ journal, running, slots }: WatchedSlots, length: number): Promise<number> {
  // Those that ran during the faults may still be reconnecting.
  const old = new Set(running.keys());
  const look = async () => {
    const text = await Deno.readTextFile(journal);
    const has = (what: string, run: string) => text.includes(`\n${what} ${run} `) || text.startsWith(`${what} ${run} `);
    const says = ({ stdout, stderr }: Running, words: string) => `${stdout}${stderr}`.includes(words);
    // A busy machine may take long to start a command.
    const [held, others] = split([...running], ([run, sera]) => has("begin", run) || says(sera, "Lock acquired "));
    const busy = held.filter(([run]) => !has("end", run)).length;
    const waiting = others.filter(([run, sera]) => !old.has(run) && says(sera, "Waiting for ")).length;
    return { isFull: busy >= slots, waits: waiting > 0 };
  };
  await until("all slots are held", async () => (await look()).isFull);
  const end = performance.now() + length;
  let [longest, hasWaited] = [0, false];
  let since: number | undefined;
  await until("somebody waits", async () => {
    do {
      const { isFull, waits } = await look();
      hasWaited ||= waits;
      const now = performance.now();
      if (isFull || !waits) since = undefined;
      else longest = Math.max(longest, now - (since ??= now));
      await pause(PAUSE);
    } while (performance.now() < end);
    return hasWaited && since === undefined;
  });
  return longest;
}

function split<T>(all: readonly T[], isFirst: (one: T) => boolean): [T[], T[]] {
  return [all.filter(isFirst), all.filter((one) => !isFirst(one))];
}
