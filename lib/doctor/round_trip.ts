import type { Finding } from "./report.ts";

/** How many answers to time. */
const ROUNDS = 9;

/** How long a server takes to answer. */
export async function timeAnswers(ask: () => Promise<unknown>): Promise<Finding> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const sent = performance.now();
    await ask();
    times.push(performance.now() - sent);
  }
  const median = times.sort((a, b) => a - b)[ROUNDS >> 1]!;
  return { found: `${median.toFixed(2)}ms (median of ${ROUNDS})` };
}
