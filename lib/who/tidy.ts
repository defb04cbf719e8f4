import { printable } from "../printable.ts";
import type { Sighting } from "./sighting.ts";

/** More of a text than anybody reads; others may have written as much as they like. */
const LONGEST = 200;

/** A sighting without what would do a terminal harm, and without what makes no sense. */
export function tidy(sighting: Sighting): Sighting {
  const { host, label, user, address, since, sinceIs } = sighting;
  const time = since !== undefined && isTime(since) ? since : undefined;
  return {
    ...sighting,
    lock: tidyText(sighting.lock) ?? "",
    host: tidyText(host),
    label: tidyText(label),
    user: tidyText(user),
    address: tidyText(address),
    since: time,
    sinceIs: time === undefined ? undefined : sinceIs,
  };
}

/** Undefined if nothing is left. */
function tidyText(text: string | undefined): string | undefined {
  const short = text !== undefined && text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
  return short && printable(short).trim() || undefined;
}

/** Whether a calendar has it. */
function isTime(time: number): boolean {
  return !Number.isNaN(new Date(time).getTime());
}
