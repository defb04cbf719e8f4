/** Whether all slots of a lock are held while somebody waits for one. */

import type { Running } from "../cli/running.ts";
import { pause, until } from "../cli/wait.ts";

/** How often is looked, in milliseconds. */
const LOOK = 20;

/** What is looked at. */
export interface Lulled {
  /** The path of the torture's journal. */
  readonly journal: string;
  /** The seras that run, by their runs. They say when they wait. */
  readonly running: ReadonlyMap<string, Running>;
  readonly slots: number;
}

/**
 * Waits until all slots are held after whatever was broken, and watches for a while.
 *
 * @param length For how long, in milliseconds; longer until a sera that was started meanwhile has waited.
 * @returns For how long at the most a slot was free while a sera waited that was started meanwhile, in milliseconds.
 */
export async function lull({ journal, running, slots }: Lulled, length: number): Promise<number> {
  // Those who were there when things broke may be on their way back.
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
      await pause(LOOK);
    } while (performance.now() < end);
    return hasWaited && since === undefined;
  });
  return longest;
}

function split<T>(all: readonly T[], isFirst: (one: T) => boolean): [T[], T[]] {
  return [all.filter(isFirst), all.filter((one) => !isFirst(one))];
}
