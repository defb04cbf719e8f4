import { LockUnavailableError } from "../../errors.ts";
import { Code, EtcdError } from "./errors.ts";
import type { JsonObject } from "./json.ts";
import { readGrant } from "./answers.ts";
import type { LedgerStore } from "./ledger_store.ts";
import { grant, leaseRequest, Path, step, when } from "./requests.ts";
import { readRun, type StoredRun } from "./stored_run.ts";

/** The longest lease that etcd grants, in seconds. */
const MAX_LEASE_TTL = 9_000_000_000;

/** How many numbers in a row may be taken already, which happens only if other programs write there. */
const TRIES = 5;

/**
 * Adds a run. Its number is the revision in which the lock was acquired, unless an earlier run under the same lock has it;
 * then it is a later revision. Each change in etcd has a revision of its own, and they only grow.
 *
 * @param value The value of the run.
 * @param steps Makes the other steps, given its number.
 * @param isFirst Whether no run has been added yet in this place.
 * @throws {LockUnavailableError} When it cannot be added.
 */
export async function addRun(
  store: LedgerStore,
  value: JsonObject,
  steps: (id: bigint) => readonly JsonObject[],
  isFirst: boolean,
): Promise<StoredRun> {
  const text = JSON.stringify(value);
  let id = isFirst ? store.token : await nextNumber(store);
  for (let tries = 1;; tries++) {
    const key = store.keys.run(id);
    const { done, revision, found: [there] } = await store.change(
      [when.created(key, "EQUAL", 0n)],
      [step.put(key, text), step.put(store.keys.of(String(value.lock), id), ""), ...steps(id)],
      { key },
    );
    // A request that arrives twice finds what it has put itself.
    const isOurs = there !== undefined && new TextDecoder().decode(there.value) === text;
    if (done || isOurs) {
      const put = { key, value: new TextEncoder().encode(text), created: revision, changed: revision, lease: 0n };
      return readRun(isOurs ? there : put)!;
    }
    if (tries === TRIES) throw store.failure({ what: "the run numbers that etcd assigns are already taken" });
    id = await nextNumber(store);
  }
}

async function nextNumber(store: LedgerStore): Promise<bigint> {
  const { number } = store.keys;
  const { done, revision } = await store.change([], [step.put(number, "")], { key: number });
  if (!done) throw store.failure({ what: "etcd assigned no run number" });
  return revision;
}

/**
 * Makes a lease for a run that counts for this long.
 *
 * @param span In milliseconds; the lease has whole seconds, and at least etcd's minimum.
 */
export async function spanLease(store: LedgerStore, span: number): Promise<bigint> {
  const seconds = Math.min(Math.max(Math.ceil(span / 1000), 1), MAX_LEASE_TTL);
  // The id is chosen here, so that a request that arrives twice makes one lease.
  const id = BigInt.asUintN(62, crypto.getRandomValues(new BigUint64Array(1))[0]!) + 1n;
  try {
    return readGrant(await store.ask(Path.grant, grant(seconds, id))).id;
  } catch (error) {
    if (error instanceof LockUnavailableError && wordsOf(error.cause).includes("lease already exists")) return id;
    throw error;
  }
}

/** Revokes leases that are no longer of use, and with them their keys. If that fails, they expire by themselves. */
export async function endLeases(store: LedgerStore, leases: readonly bigint[]): Promise<void> {
  for (const lease of leases) {
    try {
      await store.ask(Path.revoke, leaseRequest(lease));
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
      if (!(error.cause instanceof EtcdError && error.cause.code === Code.notFound)) return;
    }
  }
}

function wordsOf(cause: unknown): string {
  return cause instanceof EtcdError ? cause.words : "";
}
