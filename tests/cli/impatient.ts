/** The program from its sources, but for limits that a test does not sit out. */

import { fixture, type Place } from "./place.ts";
import { cacheOfDeno, fromSource, type ProgramOptions } from "./program.ts";
import type { Running } from "./running.ts";

const IMPATIENT = fromSource(Deno.realPathSync(fixture("impatient_sera.ts")));

/**
 * Starts a sera that says after 300 ms that a ledger is locked, not after ten seconds, and whose heimdall kills a program
 * after two seconds, not after ten; dispose of it.
 */
export function startImpatient(place: Place, args: readonly string[], options: ProgramOptions = {}): Running {
  return place.start([...IMPATIENT, ...args], {
    stdin: "open",
    ...options,
    env: { ...cacheOfDeno(), ...options.env },
  });
}
