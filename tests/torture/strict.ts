/** Checks a journal where every run has a fencing token, and where no fault excuses an overlap. */

import type { Findings } from "./journal.ts";

/** The violations, a line each: overlapping runs, and tokens that do not grow. Each slot counts as a lock. */
export function violations({ overlaps, clashes, tokens }: Findings): string[] {
  const wrong = overlaps.map(({ first, second, length }) => `${second} began while ${first} ran, for ${length} ms`);
  wrong.push(...clashes.map((run) => `${run} began while another one lived`));
  const lasts = new Map<string | undefined, readonly [run: string, token: bigint]>();
  for (const [run, text, slot] of tokens) {
    if (!/^[1-9]\d*$/.test(text)) {
      wrong.push(`the token of ${run} is ${text}`);
      continue;
    }
    const token = BigInt(text);
    const last = lasts.get(slot);
    if (last && token <= last[1]) wrong.push(`${run} has the token ${token} after ${last[0]} had ${last[1]}`);
    lasts.set(slot, [run, token]);
  }
  return wrong;
}
