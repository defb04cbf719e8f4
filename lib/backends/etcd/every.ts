/** Which runs count for `--every`: measured by etcd's leases, or, for a run without one, by the machine's clock. */

import { wholeFrom } from "../../text/untrusted.ts";
import type { KeyValue } from "./answers.ts";
import { int64, type JsonObject } from "./json.ts";
import { idIn } from "./ledger_keys.ts";
import type { LedgerStore } from "./ledger_store.ts";
import { leaseRequest, Path } from "./requests.ts";
import { idFrom, own, readValue, type StoredRun } from "./stored_run.ts";

/** Runs that began further ahead of the machine's clock are ignored silently; in milliseconds. */
const MAX_AHEAD = 366 * 24 * 3600 * 1000;

/** When a run began: too long ago to count, or as in other ledgers. */
export type Began = "too early" | "before" | "ahead" | "far ahead";

/** A key that expires with a lease as long as the time for which a run counts. */
export interface Span {
  readonly id: bigint;
  /** 0 if it has none, which only other programs can cause. */
  readonly lease: bigint;
  /** In milliseconds. */
  readonly span: number;
  /** The leader's term in which the lease began; undefined if not known. */
  readonly term: bigint | undefined;
}

/** The value of such a key. */
export function spanValue(every: number, term: bigint): JsonObject {
  return { version: 1, span: every, term: String(term) };
}

/** Reads such a key, which others may have written; undefined if it is none. */
export function readSpan({ key, value, lease }: KeyValue): Span | undefined {
  const id = idIn(key);
  if (id === undefined) return undefined;
  const json = readValue(value) ?? {};
  return { id, lease, span: own(json, "span", (span) => wholeFrom(span)) ?? Infinity, term: own(json, "term", idFrom) };
}

/**
 * When a run began.
 *
 * @param span Its key, if that is still there.
 * @param every The requested time span, in milliseconds.
 * @param term The leader's term.
 * @throws {LockUnavailableError} When etcd cannot be asked how old the lease is.
 */
export async function beganWithin(
  store: LedgerStore,
  run: StoredRun,
  span: Span | undefined,
  every: number,
  term: bigint,
): Promise<Began> {
  // Its lease was long enough for the requested span, and has expired.
  if (!span && run.every >= every) return "too early";
  // A new leader restarts all leases, so that they may last too long: then the earlier end is right.
  if (!span || span.term !== term) {
    const began = byMachine(run, every);
    if (!span || began === "too early") return began;
  }
  if (span.lease === 0n || every >= span.span) return "before";
  const left = await store.ask(Path.timeToLive, leaseRequest(span.lease));
  // The time left is rounded down to whole seconds: it may be nearly a second more.
  const age = int64(left, "grantedTTL") - int64(left, "TTL") - 1n;
  return age * 1000n < BigInt(every) ? "before" : "too early";
}

function byMachine({ started }: StoredRun, every: number): Began {
  const now = Date.now();
  if (started === undefined || started <= now - every || started >= now + MAX_AHEAD) return "too early";
  if (started >= now + every) return "far ahead";
  return started > now ? "ahead" : "before";
}
