import { type Bed, byName } from "./bed.ts";
import type { Contestant } from "./contestants.ts";
import type { Table } from "./report.ts";
import { inTurn } from "./rounds.ts";
import { timed } from "./words.ts";

/** How many nodes want the lock at the same time. */
const NODES = [1, 2, 4, 8];
/** How many commands they run between them. */
const COMMANDS = 24;
/** More rounds would tell nothing new: each has many runs in it. */
const MOST_ROUNDS = 3;

/** How many short commands pass one lock in a second. */
export async function throughput({ contestants, rounds }: Bed): Promise<Table[]> {
  return [{
    id: "throughput",
    title: "commands a second through one lock, from nodes that run true again and again",
    columns: NODES.map((nodes) => ({ id: `${nodes}`, title: nodes === 1 ? "1 node" : `${nodes} nodes`, unit: "/s" })),
    rows: await inTurn(
      byName(contestants, (contestant) => async () => {
        const sample: Record<string, number> = {};
        for (const nodes of NODES) sample[nodes] = await rate(contestant, nodes);
        return sample;
      }),
      { rounds: Math.min(rounds, MOST_ROUNDS) },
    ),
  }];
}

async function rate(contestant: Contestant, nodes: number): Promise<number> {
  let left = COMMANDS;
  const node = async () => {
    while (left-- > 0) await timed([...contestant.waiting("throughput"), "true"]);
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: nodes }, node));
  return 1000 * COMMANDS / (performance.now() - began);
}
