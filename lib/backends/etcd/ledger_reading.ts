import type { RunFilter } from "../../ledger/run.ts";
import { slotIn } from "../../lock/slot_name.ts";
import type { KeyValue } from "./answers.ts";
import { idIn, type KeyRange } from "./ledger_keys.ts";
import type { LedgerStore } from "./ledger_store.ts";
import { fits, isNarrow, isPast } from "./run_filter.ts";
import { cut, readRun, type StoredRun } from "./stored_run.ts";

/** Reads runs by their numbers; those that are gone are left out. */
export async function runsOf(store: LedgerStore, ids: readonly bigint[]): Promise<readonly StoredRun[]> {
  return asRuns(await store.values(ids.map((id) => store.keys.run(id))));
}

/**
 * The latest runs that match a filter, newest first.
 *
 * @throws {LockUnavailableError} When they cannot be read.
 */
export async function latestRuns(
  store: LedgerStore,
  limit: number,
  filter: RunFilter = {},
): Promise<readonly StoredRun[]> {
  const { lock, beginnings } = filter;
  const lists = lock === undefined ? undefined : await listsOf(store, cut(lock));
  if (beginnings === undefined && !lists?.isSeveral) {
    return lock === undefined
      ? await collect(limit, filter, (after, limit) => store.page(store.keys.runs, { after, limit }), asRuns)
      : await collect(
        limit,
        filter,
        (after, limit) => store.page(store.keys.of(cut(lock)), { after, limit: Math.min(limit, 100), keysOnly: true }),
        (page) => runsOf(store, idsIn(page)),
      );
  }
  const max = isNarrow(filter) ? Infinity : limit;
  const ids = new Set<bigint>();
  for (const beginning of beginnings ?? [""]) {
    if (lock !== undefined && !lock.startsWith(beginning)) continue;
    const list = lists ?? { key: `${store.keys.byLock}${beginning}` };
    for (const id of await newestOf(store, list, max)) ids.add(id);
  }
  const left = [...newestFirst([...ids]).slice(0, max)];
  const runs: StoredRun[] = [];
  while (left.length > 0 && runs.length < limit) {
    const page = await runsOf(store, left.splice(0, 100));
    runs.push(...page.filter((run) => fits(run, filter)));
    if (isPast(page, filter)) break;
  }
  return runs.slice(0, limit);
}

/** Where the runs of a lock are listed, or of one slot; and whether that is more than one list. */
async function listsOf(
  store: LedgerStore,
  name: string,
): Promise<Pick<KeyRange, "key"> & Partial<KeyRange> & { readonly isSeveral: boolean }> {
  const own = store.keys.of(name);
  if (slotIn(name).slot > 0) return { key: own, isSeveral: false };
  const all = store.keys.inSlots("byLock", name);
  const ofSlots = await store.page(all.key, { until: own, limit: 1, keysOnly: true });
  return ofSlots.length === 0 ? { key: own, isSeveral: false } : { ...all, isSeveral: true };
}

/** The numbers of the newest runs in lists of several locks, each of which has its newest first. */
async function newestOf(
  store: LedgerStore,
  { key, to: until }: Pick<KeyRange, "key"> & Partial<KeyRange>,
  limit: number,
): Promise<readonly bigint[]> {
  let newest: readonly bigint[] = [];
  let after: string | undefined;
  do {
    const page = await store.page(key, { after, until, keysOnly: true });
    after = page.at(-1)?.key;
    newest = newestFirst([...newest, ...idsIn(page)]).slice(0, limit);
  } while (after !== undefined);
  return newest;
}

/** Reads page after page until there are enough runs. */
async function collect(
  limit: number,
  filter: RunFilter,
  read: (after: string | undefined, limit: number) => Promise<readonly KeyValue[]>,
  runsIn: (page: readonly KeyValue[]) => readonly StoredRun[] | Promise<readonly StoredRun[]>,
): Promise<readonly StoredRun[]> {
  const runs: StoredRun[] = [];
  let after: string | undefined;
  while (runs.length < limit) {
    const page = await read(after, isNarrow(filter) ? Infinity : limit - runs.length);
    after = page.at(-1)?.key;
    // A last key that is not text is not sera's, and comes after all that are.
    if (after === undefined) break;
    const found = await runsIn(page);
    runs.push(...found.filter((run) => fits(run, filter)));
    if (isPast(found, filter)) break;
  }
  return runs.slice(0, limit);
}

/** The numbers in keys. */
export function idsIn(page: readonly KeyValue[]): readonly bigint[] {
  return page.flatMap(({ key }) => idIn(key) ?? []);
}

/** The runs among keys with their values. */
export function asRuns(page: readonly KeyValue[]): readonly StoredRun[] {
  return page.flatMap((found) => readRun(found) ?? []);
}

function newestFirst(ids: readonly bigint[]): readonly bigint[] {
  return ids.toSorted((a, b) => (a < b ? 1 : a > b ? -1 : 0));
}
