import type { Rule } from "../../ledger/run.ts";
import { wholeFrom } from "../../text/foreign.ts";
import type { KeyValue } from "./answers.ts";
import { int64, type JsonObject } from "./json.ts";
import { idIn } from "./ledger_keys.ts";
import { runsOf } from "./ledger_reading.ts";
import type { LedgerStore } from "./ledger_store.ts";
import { leaseRequest, Path, type Range } from "./requests.ts";
import { cut, idFrom, own, readValue, type StoredRun } from "./stored_run.ts";

/** How many runs are looked at for `--every`; there is one, and those that failed and that a crash has left. */
const EVERY_AT_ONCE = 30;

/** What is known before a run. */
export interface Before {
  /** The run that counts; undefined if none does. */
  readonly counted: StoredRun | undefined;
  /** In which term of the leader that was. */
  readonly term: bigint;
  /** For the key of `--once`, the latest run that counts if failures do; undefined if there is none. */
  readonly failed: bigint | undefined;
  /** Leases of runs that do not count by this rule, and so have no use. */
  readonly useless: readonly bigint[];
}

/** What the value of a key of `--every` says. */
interface Span {
  readonly id: bigint;
  readonly lease: bigint;
  /** What it was given, in milliseconds; more than any span if that is not known. */
  readonly span: number;
  /** The leader's term in which the lease began; undefined if not known. */
  readonly term: bigint | undefined;
}

/**
 * Finds the run that counts by the rule.
 *
 * @throws {LockUnavailableError} When the ledger cannot be used.
 */
export async function countedRun(store: LedgerStore, lock: string, rule: Rule): Promise<Before> {
  const { once, every, countFailures } = rule;
  if (once === undefined && every === undefined) {
    return { counted: undefined, term: 0n, failed: undefined, useless: [] };
  }
  const asked: Range[] = [{ key: store.keys.every(cut(lock)), prefix: true, limit: EVERY_AT_ONCE }];
  if (once !== undefined) asked.push({ key: store.keys.once(cut(lock), cut(once)) });
  const answer = await store.read(...asked);
  const { term } = answer;
  const keyed = once === undefined ? [] : readPointer(answer.range(1).keys[0]);
  const spans = every === undefined ? [] : answer.range(0).keys.flatMap(readSpan);
  const runs = await runsOf(store, [...new Set([...keyed, ...spans.map(({ id }) => id)])]);
  const runOf = (id: bigint) => runs.find((run) => run.id === id);
  const counts = ({ outcome }: StoredRun, withFailures = countFailures) =>
    outcome === "succeeded" || withFailures && (outcome === "failed" || outcome === "abandoned");

  const done = keyed.map(runOf).filter((run) => once !== undefined && run?.key === cut(once));
  let counted = done.find((run) => run && counts(run));
  const useless: bigint[] = [];
  for (const span of spans) {
    const run = runOf(span.id);
    if (run && counts(run)) counted ??= await isRecent(store, span, run, every!, term) ? run : undefined;
    // Its key went with a run that was deleted, or the run is one that only counts where failures do.
    else if (span.lease > 0n && run?.outcome !== "running") useless.push(span.lease);
  }
  return { counted, term, failed: done.find((run) => run && counts(run, true))?.id, useless };
}

/**
 * Whether a run began within the span that is asked for, by the time that its lease has left. A new leader lets leases
 * begin again; then the machines' clocks say whether its time is over.
 */
async function isRecent(
  store: LedgerStore,
  { lease, span, term: begun }: Span,
  run: StoredRun,
  every: number,
  term: bigint,
) {
  if (begun !== term && run.started !== undefined && Date.now() - run.started >= every) return false;
  if (lease === 0n || every >= span) return true;
  const left = await store.ask(Path.timeToLive, leaseRequest(lease));
  // What is left is cut to whole seconds: it may be nearly one second more.
  const age = int64(left, "grantedTTL") - int64(left, "TTL") - 1n;
  return age * 1000n < BigInt(every);
}

/** The value of a key of `--every`. */
export function spanValue(every: number, term: bigint): JsonObject {
  return { version: 1, span: every, term: String(term) };
}

function readSpan({ key, value, lease }: KeyValue): Span[] {
  const id = idIn(key);
  if (id === undefined) return [];
  const json = readValue(value) ?? {};
  return [{
    id,
    lease,
    span: own(json, "span", (span) => wholeFrom(span)) ?? Infinity,
    term: own(json, "term", idFrom),
  }];
}

/** The value of a key of `--once`. */
export function pointerTo(id: bigint, failed: bigint | undefined): JsonObject {
  return { version: 1, run: String(id), ...failed === undefined ? {} : { failed: String(failed) } };
}

/** The numbers that the value of a key of `--once` names, the latest first. */
export function readPointer(found: Pick<KeyValue, "value"> | undefined): readonly bigint[] {
  const json = found && readValue(found.value) || {};
  return ["run", "failed"].flatMap((name) => own(json, name, idFrom) ?? []);
}
