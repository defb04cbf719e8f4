import { roughSpan } from "../text/age.ts";
import { shortened, widthOf } from "../text/width.ts";
import { printable } from "../text/printable.ts";
import { type AskedLocks, longestFirst } from "./busy_text.ts";
import { isSilent } from "./lease_text.ts";
import { whoIs } from "./holder_text.ts";
import { isOfLock } from "./names.ts";
import type { Sighting } from "./sighting.ts";
import { tidy } from "./tidy.ts";

/** A holder's name is not cut to less than this, in columns: while other parts can still be left out, and after that. */
const [MIN_WIDTH_WITH_AGE, MIN_WIDTH] = [20, 8];

/** The holder that the waiting line names. */
export interface AwaitedHolder {
  /** Its host, process and label, or what else is known. */
  readonly who: string;
  /** `held` if it is known since when it holds the lock, `connected` if only since when it is connected. */
  readonly state?: "held" | "connected" | undefined;
  /** For how long, in milliseconds, when it was looked at. */
  readonly age: number;
  /** For how long its lease had not been renewed then, in milliseconds, if that was long. */
  readonly silent?: number | undefined;
}

/**
 * The holder among the sightings of locks that were asked for together. Of the holders of slots, the one that has its slot
 * for longest.
 *
 * @param own The process that waits, which is a holder if it has just got the lock, or some of several.
 * @param now Milliseconds since 1970.
 * @returns Undefined if nothing is known about it, or it is the process itself.
 */
export function awaitedHolder(
  sightings: readonly Sighting[],
  own: { readonly host: string; readonly pid: number },
  { locks, slots }: AskedLocks,
  now = Date.now(),
): AwaitedHolder | undefined {
  const held = sightings.filter((one) => one.state === "held" && !(one.host === own.host && one.pid === own.pid));
  const [holder] = slots === undefined ? held : longestFirst(held);
  if (!holder) return undefined;
  const { since, sinceIs, lease, ...rest } = tidy(holder);
  const words = whoIs(rest).join(", ");
  if (words === "") return undefined;
  const title = locks.length === 1 ? undefined : locks.find(({ name }) => isOfLock(holder, name))?.title;
  const what = slots === undefined ? title && printable(title) : `one of ${slots} slots`;
  return {
    who: what === undefined ? words : `${what} (${words})`,
    state: since === undefined ? undefined : sinceIs === "connected" ? "connected" : "held",
    age: since === undefined ? 0 : now - since,
    silent: lease && isSilent(lease) ? lease.silent : undefined,
  };
}

/**
 * The waiting line: the holder, since when it holds the lock, and how long sera goes on waiting. Where that is too wide,
 * first the name is cut, then the age is left out, then the name.
 *
 * @param holder Undefined if it is not known.
 * @param since How long ago the holder was looked at, in milliseconds.
 * @param left How long sera goes on waiting, in milliseconds.
 * @param width The most columns.
 */
export function waitingText(
  holder: AwaitedHolder | undefined,
  since: number,
  left: number,
  width = Infinity,
): string {
  const rest = left === Infinity ? "" : `${roundedUp(left)} left`;
  const end = rest === "" ? "" : `; ${rest}`;
  const named = holder ? textsOf(holder, since, end, width) : [];
  const short = [`sera: waiting for the lock${end}`, `sera: waiting${end}`, rest === "" ? "waiting" : `sera: ${rest}`];
  return firstThatFits([...named, ...short, rest || "waiting"], width);
}

/**
 * The line shown while sera pauses before it asks for the lock.
 *
 * @param left For how long it goes on pausing, in milliseconds.
 * @param width The most columns.
 */
export function pauseText(left: number, width = Infinity): string {
  const rest = roundedUp(left);
  const asking = `sera: asking for the lock in ${rest}`;
  return firstThatFits([`${asking} (--splay)`, asking, `sera: asking in ${rest}`, `sera: ${rest}`, rest], width);
}

/** The first text that is no wider than that; else as much of the last one as is. */
function firstThatFits(texts: readonly string[], width: number): string {
  return texts.find((text) => widthOf(text) <= width) ?? shortened(texts.at(-1)!, width);
}

/** A span that is still to come, in whole seconds. */
function roundedUp(ms: number): string {
  return roughSpan(Math.ceil(ms / 1000) * 1000);
}

function textsOf({ who, state, age, silent }: AwaitedHolder, since: number, end: string, width: number): string[] {
  const ages = state === undefined ? "" : `, ${state} for ${roughSpan(age + since)}`;
  const silence = silent === undefined ? "" : `, silent for ${roughSpan(silent + since)}`;
  const cases = [[ages + silence, MIN_WIDTH_WITH_AGE], [silence || ages, MIN_WIDTH_WITH_AGE], ["", MIN_WIDTH]] as const;
  return cases.flatMap(([more, minWidth]) => {
    const room = width - widthOf(`sera: waiting for ${more}${end}`);
    return room >= Math.min(widthOf(who), minWidth) ? [`sera: waiting for ${shortened(who, room)}${more}${end}`] : [];
  });
}
