import type { Finding } from "./report.ts";

/** How many answers to time. */
const ROUNDS = 9;

/** How many round trips a run takes that gets its lock at once. */
export interface RoundTrips {
  /** To connect and log in, TLS included. */
  readonly login: number;
  /** After that, without the ledger. */
  readonly run: number;
  /** What the ledger adds. */
  readonly ledger: number;
}

/**
 * How long a server takes to answer, and what that makes of a run.
 *
 * @param trips Undefined where it is not known.
 */
export async function timeAnswers(ask: () => Promise<unknown>, trips: RoundTrips | undefined): Promise<Finding> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const sent = performance.now();
    await ask();
    times.push(performance.now() - sent);
  }
  return roundTripFinding(times.sort((a, b) => a - b)[ROUNDS >> 1]!, trips);
}

/** @param time Of one round trip, in milliseconds. */
export function roundTripFinding(time: number, trips: RoundTrips | undefined): Finding {
  const measured = `${time.toFixed(2)}ms (median of ${ROUNDS})`;
  if (!trips) return { found: measured, figures: { milliseconds: rounded(time) } };
  const run = trips.login + trips.run;
  const recorded = run + trips.ledger;
  const about = (count: number) => `about ${(count * time).toFixed(1)}ms`;
  return {
    found: `${measured}; a run takes ${run} round trips, ${about(run)}, and with the ledger ${recorded}, ${
      about(recorded)
    }`,
    figures: { milliseconds: rounded(time), round_trips: run, round_trips_with_ledger: recorded },
  };
}

/** To a microsecond. */
function rounded(time: number): number {
  return Math.round(1000 * time) / 1000;
}
