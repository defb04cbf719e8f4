import type { Bed } from "./bed.ts";
import { type Contestant, seras } from "./contestants.ts";
import { Holder } from "./holder.ts";
import { hyperfine } from "./hyperfine.ts";
import type { Table } from "./report.ts";
import { inTurn, type Sample } from "./rounds.ts";
import { startWaiters } from "./waiters.ts";
import type { Words } from "./words.ts";

/** How many may hold the lock. */
const SLOTS = 4;
/** How many wait for it. */
const WAITERS = 100;
/** How long each of their commands takes, in milliseconds. */
const COMMAND = 50;
/** More rounds would add nothing: each has many runs. */
const MAX_ROUNDS = 3;

/** How soon all waiters for a lock with slots have run, and the cost of a slot for a run. */
export async function slots(bed: Bed): Promise<Table[]> {
  return [await crowd(bed), await start(bed)];
}

/**
 * All waiters run through the slots of one lock, and as many through so many plain locks, each with its share of them. That
 * is the ideal time: a lock's share times what one run takes, from its predecessor's end to its own, while as many commands
 * run beside it and as many processes wait as with slots. No run there has to find a free slot.
 */
async function crowd({ programs, servers, folder, rounds, progress }: Bed): Promise<Table> {
  const things = seras(folder, programs.sera, servers).map(({ name, words, waiters }) =>
    [name, async () => {
      const keys = Array.from({ length: SLOTS }, (_, number) => `share-${number}`);
      const plain = contestant(name, words, waiters);
      const slotted = contestant(name, (key) => [...words(key), "--slots", `${SLOTS}`], waiters);
      const ideal = await passed(keys.map((key) => ({ contestant: plain, key, count: WAITERS / SLOTS })));
      const took = await passed([{ contestant: slotted, key: "slots", count: WAITERS, holders: SLOTS }]);
      return { took, ideal, ratio: took / ideal };
    }] as const
  );
  return {
    id: "slots",
    title: `${WAITERS} waiters for ${SLOTS} slots, each for a command of ${COMMAND} ms; ` +
      `the ideal is ${SLOTS} plain locks with ${WAITERS / SLOTS} waiters each`,
    columns: [
      { id: "took", title: "all have run after", unit: "s" },
      { id: "ideal", title: "ideal", unit: "s" },
      { id: "ratio", title: "of the ideal", unit: "×" },
    ],
    rows: await inTurn(Object.fromEntries(things), {
      rounds: Math.min(rounds, MAX_ROUNDS),
      long: true,
      progress,
    }),
  };
}

/** A whole run of `true` in a free slot, and under a plain lock. */
async function start({ programs, servers, folder, rounds }: Bed): Promise<Table> {
  const things = seras(folder, programs.sera, servers).map(({ name, words }) =>
    [name, async (): Promise<Sample> => {
      const plain = (await hyperfine([...words("start"), "0", "true"])).wall;
      const slot = (await hyperfine([...words("start"), "--slots", `${SLOTS}`, "0", "true"])).wall;
      return { plain, slot, ratio: slot / plain };
    }] as const
  );
  return {
    id: "slotstart",
    title: "one run of true in a free slot, with everything from its start to its end",
    columns: [
      { id: "plain", title: "plain lock", unit: "ms" },
      { id: "slot", title: "slot", unit: "ms" },
      { id: "ratio", title: "of the plain lock's", unit: "×" },
    ],
    rows: await inTurn(Object.fromEntries(things), { rounds }),
  };
}

function contestant(name: string, words: (key: string) => Words, waiters: Contestant["waiters"]): Contestant {
  const waiting = (key: string) => [...words(key), "300"];
  return { name, once: waiting("once"), waiting, waiters };
}

/** Some who wait for a lock, and how many hold it. */
interface Queue {
  readonly contestant: Contestant;
  readonly key: string;
  readonly count: number;
  readonly holders?: number;
}

/** How long it takes until all have run who wait for these locks, from the end of those who hold them, in seconds. */
async function passed(queues: readonly Queue[]): Promise<number> {
  await using holders = new AsyncDisposableStack();
  const held: Holder[] = [];
  const waiters: Deno.ChildProcess[] = [];
  for (const { contestant, key, count, holders: number = 1 } of queues) {
    for (let index = 0; index < number; index++) held.push(holders.use(await Holder.start(contestant, key)));
    waiters.push(...await startWaiters(contestant, { key, count, words: ["sleep", `${COMMAND / 1000}`] }));
  }
  const began = performance.now();
  await Promise.all(held.map((holder) => holder.end()));
  const ends = await Promise.all(waiters.map((waiter) => waiter.output()));
  const took = (performance.now() - began) / 1000;
  const failed = ends.filter(({ success }) => !success).length;
  if (failed > 0) {
    throw new Error(
      `Waiters that did not run their command: ${failed} of ${ends.length}, ${queues[0]!.contestant.name}`,
    );
  }
  return took;
}
