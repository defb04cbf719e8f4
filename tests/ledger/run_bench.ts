/** Where ledgers live, in words that fit a table as well as keys. */

import type { Sanitizers } from "../backends/shared_server.ts";
import { Holder } from "./holder.ts";
import type { Bench, LedgerPlace } from "./places.ts";
import type { RunHolder } from "./run_holder.ts";

/** A ledger of its own for one test, and what an administrator may do with it. */
export interface RunBench extends AsyncDisposable {
  /** Acquires a free lock, or one that was just released. */
  holder(lock?: string): Promise<RunHolder>;
  /** Moves a run's start by so many milliseconds from now, by all clocks that count. */
  startAt(id: bigint, milliseconds: number): Promise<void>;
  /** Gives a run another outcome. */
  mark(id: bigint, outcome: string): Promise<void>;
  /** Deletes a run. */
  remove(id: bigint): Promise<void>;
  /** Lets the time of all runs be over that have one, but for those named. */
  expire(...but: bigint[]): Promise<void>;
}

/** A kind of place. */
export interface RunPlace {
  /** Defines a test. */
  test(name: string, fn: () => Promise<void>, options?: Sanitizers): void;
  bench(): Promise<RunBench>;
  /** Does what a restart of the ledger's machine does; no client may be connected. */
  restart(): Promise<void>;
}

/** A ledger in a table. */
export function runBench(bench: Bench): RunBench {
  const { sql, name } = bench;
  // In the words of its SQL, which a holder knows.
  const update = async (words: (holder: Holder) => string) => {
    await using holder = await Holder.start(bench);
    await sql(`UPDATE ${name} SET ${words(holder)}`);
  };
  return {
    holder: (lock) => Holder.start(bench, lock),
    startAt: (id, milliseconds) => update((holder) => `started = ${holder.after(milliseconds)} WHERE id = ${id}`),
    mark: async (id, outcome) => void await sql(`UPDATE ${name} SET outcome = '${outcome}' WHERE id = ${id}`),
    remove: async (id) => void await sql(`DELETE FROM ${name} WHERE id = ${id}`),
    expire: (...but) =>
      update((holder) =>
        `expires = ${holder.after(-1000)} WHERE expires IS NOT NULL ` +
        `AND id NOT IN (0${but.map((id) => `, ${id}`).join("")})`
      ),
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}

/** A place for tables. */
export function runPlace({ test, bench, restart }: LedgerPlace): RunPlace {
  return { test, restart, bench: async () => runBench(await bench()) };
}
