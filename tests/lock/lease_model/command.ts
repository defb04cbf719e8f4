import type { Ownership } from "../../../lib/backends/sql/lease/row.ts";
import type { Judge } from "./judge.ts";

/** A command that runs under a lease. It is another process than its sera: it runs while that is stopped or killed. */
export class Command implements Ownership {
  readonly owner: string;
  readonly fence: bigint;
  readonly #judge: Judge;
  #isRunning = true;

  constructor({ owner, fence }: Ownership, judge: Judge) {
    this.owner = owner;
    this.fence = fence;
    this.#judge = judge;
    judge.started(this);
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  end(): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#judge.ended(this);
  }
}
