import { formatDuration } from "../text/duration.ts";
import type { SeenLease } from "./sighting.ts";

/** The part of its TTL after which an unrenewed lease counts as silent: a live holder renews it twice as often. */
const SILENT_AFTER = 1 / 3;

/** Whether a holder has renewed its lease so long ago that it may be gone. */
export function isSilent({ left, silent }: Pick<SeenLease, "left" | "silent">): boolean {
  return silent > (left + silent) * SILENT_AFTER;
}

/** When a lease expires, for a table: `in 24s`, or `silent 40s`, or `12s ago`. */
export function expiryText(lease: SeenLease): string {
  if (lease.left < 0) return `${seconds(-lease.left)} ago`;
  return isSilent(lease) ? `silent ${seconds(lease.silent)}` : `in ${seconds(lease.left)}`;
}

/** What to know of a silent holder: `silent for 12s, free in 23s at the latest`; undefined of one that is not. */
export function silenceText(lease: SeenLease): string | undefined {
  if (!isSilent(lease)) return undefined;
  const free = lease.freeIn > 0
    ? `free in ${seconds(Math.ceil(lease.freeIn / 1000) * 1000)} at the latest`
    : "free soon";
  return `silent for ${seconds(lease.silent)}, ${free}`;
}

function seconds(ms: number): string {
  return formatDuration(Math.round(ms / 1000) * 1000);
}
