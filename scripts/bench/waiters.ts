import { pause, until } from "../../tests/cli/wait.ts";
import type { Contestant } from "./contestants.ts";
import { treeOf, usageOf } from "./processes.ts";
import { command } from "./words.ts";

/** How long they must sleep before they count as settled, in milliseconds. */
const SETTLED = 50;

/**
 * Starts programs that wait for a lock that is held, and resolves when all of them are queued and asleep.
 *
 * @param words The command that each runs when it has the lock.
 */
export async function startWaiters(
  contestant: Contestant,
  { key, count, words }: { readonly key: string; readonly count: number; readonly words: readonly string[] },
): Promise<Deno.ChildProcess[]> {
  const start = () => command([...contestant.waiting(key), ...words], { stdout: "piped" }).spawn();
  const waiters = Array.from({ length: count }, start);
  await until(`${count} wait`, async () => await contestant.waiters(key) === count);
  const pids = waiters.flatMap(({ pid }) => treeOf(pid));
  // Of a hundred that poll, some are always awake.
  let sleeps = usageOf(pids).sleeps;
  await until("they sleep", async () => {
    await pause(SETTLED);
    const before = sleeps;
    sleeps = usageOf(pids).sleeps;
    return sleeps - before <= count;
  });
  return waiters;
}
