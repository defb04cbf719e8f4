/** What `sera doctor` reports, for tests. */

import assert from "node:assert/strict";
import { type ProgramOptions, sera } from "./program.ts";
import type { Ended } from "./running.ts";

/** A report. */
export interface Told extends Ended {
  /** Each check as `status what was found; what to do`. */
  readonly checks: ReadonlyMap<string, string>;
}

/** Runs it to its end. */
export async function doctor(args: readonly string[], options: ProgramOptions = {}): Promise<Told> {
  return read(await sera(["doctor", ...args], options));
}

/** Reads its lines. */
export function read(ended: Ended): Told {
  const checks = new Map<string, string>();
  for (const line of ended.stdout.split("\n").slice(0, -1)) {
    const [, status, check, rest] = /^(pass|warn|fail|skip) {2}([a-z-]+) +(\S.*)$/.exec(line) ?? assert.fail(line);
    checks.set(check!, `${status} ${rest}`);
  }
  return { ...ended, checks };
}

/** That these checks were made in this order, and each came to what `statuses` says of it, or passed. */
export function assertChecks(
  { checks, stdout }: Told,
  names: readonly string[],
  statuses: Record<string, string> = {},
): void {
  assert.deepEqual(
    [...checks].map(([name, text]) => [name, text.slice(0, 4)]).sort(),
    names.map((name) => [name, statuses[name] ?? "pass"]).sort(),
    stdout,
  );
}
