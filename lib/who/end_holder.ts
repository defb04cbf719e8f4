import { Deadline } from "../deadline.ts";
import { delayOrAbort } from "../waiting.ts";
import type { ForcedRelease, HolderHandle } from "./holder_handle.ts";

/** The pause between two looks at whether a holder has ended, in milliseconds. */
const PAUSE = 500;

/** How long a server may take to free a lock that was taken by force, in milliseconds. */
const FREE_TIMEOUT = 5000;

/** How to end a holder. */
export interface EndHolderOptions {
  /** How long to wait for a holder that was asked, in milliseconds; 0 does not ask. */
  readonly wait: number;
  /** Called when the holder has been asked, before the wait. */
  readonly asked: () => Promise<void> | void;
  /** Whether to take the lock from a holder that cannot be asked, or has not ended. */
  readonly force: (why: "unaskable" | "unanswered") => Promise<boolean> | boolean;
  /** Aborts it. */
  readonly signal: AbortSignal;
}

/** What happened to a holder. */
export type HolderEnd =
  /** It does not hold the lock any more. */
  | { readonly outcome: "released"; readonly why: "asked" | "before" }
  | ({ readonly outcome: "forced" } & ForcedRelease)
  /** It still holds it. */
  | { readonly outcome: "held"; readonly why: "unaskable" | "unanswered" | "kept" };

/**
 * Ends the holder of a lock: asks its sera, and takes the lock from it if that does not help and it may be forced.
 *
 * @throws {LockUnavailableError} When the place cannot be asked, or does not allow it.
 * @throws The signal's reason when it is aborted.
 */
export async function endHolder(
  handle: HolderHandle,
  { wait, asked, force, signal }: EndHolderOptions,
): Promise<HolderEnd> {
  // The user may have taken long to confirm.
  if (!await handle.holds(signal)) return { outcome: "released", why: "before" };
  const why = handle.unaskable === undefined ? "unanswered" : "unaskable";
  const isAsked = why === "unanswered" && wait > 0;
  const released = { outcome: "released", why: isAsked ? "asked" : "before" } as const;
  if (isAsked && await hasEnded(handle, wait, asked, signal)) return released;
  if (!await force(why)) return await handle.holds(signal) ? { outcome: "held", why } : released;
  const forced = await handle.force(signal);
  if (!forced) return released;
  return await isGoneWithin(FREE_TIMEOUT, handle, signal)
    ? { outcome: "forced", ...forced }
    : { outcome: "held", why: "kept" };
}

async function hasEnded(
  handle: HolderHandle,
  wait: number,
  asked: EndHolderOptions["asked"],
  signal: AbortSignal,
): Promise<boolean> {
  await handle.ask(signal);
  await asked();
  return await isGoneWithin(wait, handle, signal, () => handle.ask(signal));
}

async function isGoneWithin(
  wait: number,
  handle: HolderHandle,
  signal: AbortSignal,
  each: () => Promise<void> = () => Promise.resolve(),
): Promise<boolean> {
  for (const deadline = new Deadline(wait);;) {
    const isLast = deadline.passed;
    if (!await handle.holds(signal)) return true;
    if (isLast) return false;
    await each();
    await delayOrAbort(Math.min(PAUSE, deadline.remaining), signal);
    signal.throwIfAborted();
  }
}
