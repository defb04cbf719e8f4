import type { KeyValue } from "./answers.ts";
import type { JsonObject } from "./json.ts";
import { idIn, type LedgerKeys } from "./ledger_keys.ts";
import type { LedgerStore } from "./ledger_store.ts";
import { pointerTo, readPointer } from "./counted_run.ts";
import { step, when } from "./requests.ts";
import { readRun } from "./stored_run.ts";

/** How many runs are forgotten in one transaction, which has at most 128 steps, and in how many of them. */
const AT_ONCE = 30;
const ROUNDS = 10;

/**
 * Deletes runs whose time is over: a few hundred at most, so that nobody waits long for it. Who has no lock may do so too:
 * what somebody else changes meanwhile is left alone.
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
    await forget(store, page);
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
    if (run.key === undefined) continue;
    const once = keys.once(run.lock, run.key);
    pointers.set(once, (pointers.get(once) ?? readPointer(others.get(once))).filter((other) => other !== id));
  }
  for (const [once, left] of pointers) {
    const found = others.get(once);
    if (!found || left.length === readPointer(found).length) continue;
    conditions.push(when.changed(once, "EQUAL", found.changed));
    const [latest, failed] = left;
    steps.push(
      latest === undefined ? step.deleteRange(once) : step.put(once, JSON.stringify(pointerTo(latest, failed))),
    );
  }
  if (steps.length > 0) await store.changeUnguarded(conditions, steps);
}

/** The keys of `--every` and `--once` that a run may have. */
function keysAbout(keys: LedgerKeys): (found: KeyValue) => readonly string[] {
  return (found) => {
    const run = readRun(found);
    if (!run) return [];
    const every = keys.every(run.lock, run.id);
    return run.key === undefined ? [every] : [every, keys.once(run.lock, run.key)];
  };
}

function byKey(found: readonly KeyValue[]): ReadonlyMap<string, KeyValue> {
  return new Map(found.flatMap((item) => item.key === undefined ? [] : [[item.key, item]]));
}
