import type { RecordedRun } from "../../ledger/run.ts";
import type { KeyValue } from "./answers.ts";
import type { JsonObject } from "./json.ts";
import { idIn, type LedgerKeys } from "./ledger_keys.ts";
import type { LedgerStore } from "./ledger_store.ts";
import { lastWith } from "./end_run.ts";
import { pointerTo, readPointer } from "./pointer.ts";
import { step, when } from "./requests.ts";
import { readRun } from "./stored_run.ts";

/** How many runs to delete in one transaction, which has at most 128 steps, and how many transactions to make. */
const AT_ONCE = 25;
const ROUNDS = 10;

/**
 * Deletes expired runs, except the newest of all: a few hundred at most, so that nobody waits long for it. No lock is
 * needed: runs that others change meanwhile are left alone.
 *
 * @throws {LockUnavailableError} When the ledger cannot be used.
 */
export async function pruneRuns(store: LedgerStore): Promise<void> {
  const until = store.keys.expiringBy(Date.now());
  let after: string | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    const page = await store.page(store.keys.byExpiry, { after, until, limit: AT_ONCE, keysOnly: true });
    after = page.at(-1)?.key;
    if (after === undefined) return;
    const newest = await store.page(store.keys.runs, { limit: 1, keysOnly: true });
    const last = idIn(newest[0]?.key);
    await forget(store, page.filter(({ key }) => idIn(key) !== last));
    if (page.length < AT_ONCE) return;
  }
}

async function forget(store: LedgerStore, listed: readonly KeyValue[]): Promise<void> {
  const { keys } = store;
  const entries = listed.flatMap(({ key }) => {
    const id = idIn(key);
    return key === undefined || id === undefined ? [] : [{ key, id, name: keys.run(id) }];
  });
  const runs = byKey(await store.values(entries.map(({ name }) => name)));
  const others = byKey(await store.values([...new Set([...runs.values()].flatMap(keysAbout(keys)))]));

  const conditions: JsonObject[] = [];
  const steps: JsonObject[] = [];
  const pointers = new Map<string, readonly bigint[]>();
  for (const { key, id, name } of entries) {
    const there = runs.get(name);
    const run = there && readRun(there);
    if (!there) steps.push(step.deleteRange(key));
    if (!run || run.outcome === "running") continue;
    // It counts for as long as its lease lives, whatever the machines' clocks say.
    const every = keys.every(run.lock, id);
    if (others.has(every)) continue;
    conditions.push(when.changed(name, "EQUAL", there!.changed), when.created(every, "EQUAL", 0n));
    steps.push(step.deleteRange(key), step.deleteRange(name), step.deleteRange(keys.of(run.lock, id)));
    for (const pointer of pointersTo(keys, run)) {
      const left = pointers.get(pointer) ?? readPointer(others.get(pointer));
      pointers.set(pointer, left.filter((other) => other !== id));
    }
  }
  for (const [pointer, left] of pointers) {
    const found = others.get(pointer);
    if (!found || left.length === readPointer(found).length) continue;
    conditions.push(when.changed(pointer, "EQUAL", found.changed));
    const [latest, failed] = left;
    steps.push(
      latest === undefined ? step.deleteRange(pointer) : step.put(pointer, JSON.stringify(pointerTo(latest, failed))),
    );
  }
  if (steps.length > 0) await store.changeUnguarded(conditions, steps);
}

/** The keys of `--every` and of pointers that there may be for a run. */
function keysAbout(keys: LedgerKeys): (found: KeyValue) => readonly string[] {
  return (found) => {
    const run = readRun(found);
    return run ? [keys.every(run.lock, run.id), ...pointersTo(keys, run)] : [];
  };
}

/** The keys that may name a run as the latest of its kind. */
function pointersTo(keys: LedgerKeys, { lock, key, outcome }: RecordedRun): readonly string[] {
  const last = lastWith(outcome).map((end) => keys.last(lock, end));
  return key === undefined ? last : [...last, keys.once(lock, key)];
}

function byKey(found: readonly KeyValue[]): ReadonlyMap<string, KeyValue> {
  return new Map(found.flatMap((item) => item.key === undefined ? [] : [[item.key, item]]));
}
