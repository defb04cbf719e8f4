import type { KeyValue } from "./answers.ts";
import { idIn } from "./ledger_keys.ts";
import type { LedgerStore } from "./ledger_store.ts";
import { cut, readRun, type StoredRun } from "./stored_run.ts";

/** Reads runs by their numbers; those that are gone are left out. */
export async function runsOf(store: LedgerStore, ids: readonly bigint[]): Promise<readonly StoredRun[]> {
  return asRuns(await store.values(ids.map((id) => store.keys.run(id))));
}

/**
 * The latest runs, the newest first: of one lock, of locks whose names begin so, or of all.
 *
 * @throws {LockUnavailableError} When they cannot be read.
 */
export async function latestRuns(
  store: LedgerStore,
  limit: number,
  lock: string | undefined,
  beginnings: readonly string[] | undefined,
): Promise<readonly StoredRun[]> {
  if (beginnings === undefined) {
    return lock === undefined
      ? await collect(limit, (after, limit) => store.page(store.keys.runs, { after, limit }), (page) => asRuns(page))
      : await collect(
        limit,
        (after, limit) => store.page(store.keys.of(cut(lock)), { after, limit: Math.min(limit, 100), keysOnly: true }),
        (page) => runsOf(store, idsIn(page)),
      );
  }
  const ids = new Set<bigint>();
  for (const beginning of beginnings) {
    if (lock !== undefined && !lock.startsWith(beginning)) continue;
    const prefix = lock === undefined ? `${store.keys.byLock}${beginning}` : store.keys.of(cut(lock));
    for (const id of await newestOf(store, prefix, limit)) ids.add(id);
  }
  return await runsOf(store, newestFirst([...ids]).slice(0, limit));
}

/** The numbers of the newest runs in lists of several locks, each of which has its newest first. */
async function newestOf(store: LedgerStore, prefix: string, limit: number): Promise<readonly bigint[]> {
  let newest: readonly bigint[] = [];
  let after: string | undefined;
  do {
    const page = await store.page(prefix, { after, keysOnly: true });
    after = page.at(-1)?.key;
    newest = newestFirst([...newest, ...idsIn(page)]).slice(0, limit);
  } while (after !== undefined);
  return newest;
}

/** Reads page after page until there are enough runs. */
async function collect(
  limit: number,
  read: (after: string | undefined, limit: number) => Promise<readonly KeyValue[]>,
  runsIn: (page: readonly KeyValue[]) => readonly StoredRun[] | Promise<readonly StoredRun[]>,
): Promise<readonly StoredRun[]> {
  const runs: StoredRun[] = [];
  let after: string | undefined;
  while (runs.length < limit) {
    const page = await read(after, limit - runs.length);
    after = page.at(-1)?.key;
    // A last key that is no text is not of sera's making, and comes after all that are.
    if (after === undefined) break;
    runs.push(...await runsIn(page));
  }
  return runs;
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
