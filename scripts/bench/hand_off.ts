import { type Bed, byName } from "./bed.ts";
import { type Contestant, FLOCK } from "./contestants.ts";
import { Holder, milliseconds } from "./holder.ts";
import type { Table } from "./report.ts";
import { inTurn, type Sample } from "./rounds.ts";
import { startWaiters } from "./waiters.ts";

/** How a holder's time with the lock comes to its end. */
type End = "orderly" | "death";

/** How soon a waiter's command begins once the lock's holder has ended, or has been killed. */
export async function handOff({ contestants, rounds }: Bed): Promise<Table[]> {
  const table = async (id: Table["id"], title: string, end: End, those = contestants): Promise<Table> => ({
    id,
    title,
    base: FLOCK,
    columns: [{ id: "delay", title: "delay", unit: "ms" }],
    rows: await inTurn(byName(those, (contestant) => () => delay(contestant, end)), { rounds, base: FLOCK }),
  });
  return [
    await table("handoff", "hand-off: from the end of the holder's command to the start of the waiter's", "orderly"),
    await table(
      "death",
      "the same from kill -9 of the holder, where that frees the lock",
      "death",
      contestants.filter(({ outlives }) => !outlives),
    ),
  ];
}

async function delay(contestant: Contestant, end: End): Promise<Sample> {
  const key = "hand-off";
  await using holder = await Holder.start(contestant, key);
  const [waiter] = await startWaiters(contestant, { key, count: 1, words: ["date", "+%s%N"] });
  const ended = end === "death" ? holder.kill() : await holder.end();
  const { stdout } = await waiter!.output();
  return { delay: milliseconds(stdout) - ended };
}
