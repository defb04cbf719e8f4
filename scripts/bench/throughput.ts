import { type Bed, byName } from "./bed.ts";
import { hyperfine } from "./hyperfine.ts";
import type { Table } from "./report.ts";
import { inTurn } from "./rounds.ts";

/** How many nodes want the lock at the same time. */
const NODES = [1, 2, 4, 8];
/** How many commands they run between them. */
const COMMANDS = 24;
/** More rounds would add nothing: each has many runs. */
const MAX_ROUNDS = 3;

/** How many short commands pass one lock in a second. */
export async function throughput({ contestants, rounds, progress }: Bed): Promise<Table[]> {
  return [{
    id: "throughput",
    title: "commands a second through one lock, from nodes that run true again and again",
    columns: NODES.map((nodes) => ({ id: `${nodes}`, title: nodes === 1 ? "1 node" : `${nodes} nodes`, unit: "/s" })),
    rows: await inTurn(
      byName(contestants, ({ waiting }) => async () => {
        const rates: Record<string, number> = {};
        for (const nodes of NODES) {
          // Each command gets a number, which neither the lock's name nor `true` depends on.
          const all = `seq ${COMMANDS} | xargs --max-args=1 --max-procs=${nodes} "$@"`;
          const { wall } = await hyperfine(["sh", "-c", all, "sh", ...waiting("throughput"), "true"]);
          rates[nodes] = 1000 * COMMANDS / wall;
        }
        return rates;
      }),
      { rounds: Math.min(rounds, MAX_ROUNDS), long: true, progress },
    ),
  }];
}
