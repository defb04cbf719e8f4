import type { Ownership } from "../../../lib/backends/sql/lease/row.ts";

/** What must not happen. */
export type Violation =
  | "two commands at once"
  | "a fencing token did not grow"
  | "a command's token is no longer the row's"
  | "a renewal was refused while the command might run"
  | "a silent lease was taken over too late"
  | "work does not go on";

/** Sees all that happens, and tells what must not. */
export class Judge {
  readonly violations = new Set<Violation>();
  /** How many commands there have been, and leases that were taken over, by a server's clock and by expiry. */
  readonly counts = { commands: 0, byClock: 0, bySilence: 0 };
  readonly #running = new Set<Ownership>();
  #lastToken = 0n;
  readonly #note: ((line: string) => void) | undefined;

  constructor(note: ((line: string) => void) | undefined) {
    this.#note = note;
  }

  started(command: Ownership): void {
    if (this.#running.size > 0) this.found("two commands at once");
    if (command.fence <= this.#lastToken) this.found("a fencing token did not grow");
    this.#lastToken = command.fence;
    this.counts.commands++;
    this.#running.add(command);
  }

  ended(command: Ownership): void {
    this.#running.delete(command);
  }

  /** The row has been changed. */
  changed(row: { readonly owner: string | undefined; readonly fence: bigint }): void {
    for (const { owner, fence } of this.#running) {
      if (owner === row.owner && fence !== row.fence) this.found("a command's token is no longer the row's");
    }
  }

  found(violation: Violation): void {
    this.#note?.(`VIOLATION: ${violation}`);
    this.violations.add(violation);
  }
}
