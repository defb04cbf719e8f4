import { AskedToEndError, OtherSlotsError } from "../../../lib/errors.ts";
import type { Presence } from "../../../lib/lock/presence.ts";
import type { Sighting } from "../../../lib/who/sighting.ts";

/** Somebody who has a slot of a lock. */
export class Holder {
  readonly #asked = new AbortController();

  constructor(readonly presence: Presence, readonly slot: number) {}

  get asked(): AbortSignal {
    return this.#asked.signal;
  }

  /** Asks it to give the lock back. */
  ask(label: string): void {
    this.#asked.abort(new AskedToEndError(label, Deno.hostname()));
  }
}

/** Somebody who waits for a slot of a lock. */
interface Waiter {
  readonly presence: Presence;
  readonly slots: number;
  readonly granted: (holder: Holder) => void;
  readonly refused: (error: Error) => void;
}

/** Who holds a lock and who waits for it, the longest first. */
class Queue {
  readonly holders = new Map<number, Holder>();
  readonly waiters = new Map<Presence, Waiter>();
  /** How many slots it has for its holders. */
  #slots = 1;

  get sightings(): readonly Sighting[] {
    const isPlain = this.#slots === 1;
    const held = [...this.holders.values()].map(({ presence, slot }) => ({
      ...presence,
      state: "held" as const,
      slot: isPlain ? undefined : slot,
      slots: isPlain ? undefined : this.#slots,
    }));
    return [...held, ...[...this.waiters.keys()].map((waiter) => ({ ...waiter, state: "waiting" as const }))];
  }

  /** Takes a slot, if one is free. */
  take(presence: Presence, slots: number): Holder | undefined {
    if (this.holders.size > 0 && slots !== this.#slots) throw new OtherSlotsError(this.#slots, slots);
    const slot = Array.from({ length: slots }, (_, slot) => slot).find((slot) => !this.holders.has(slot));
    if (slot === undefined) return undefined;
    this.#slots = slots;
    const holder = new Holder(presence, slot);
    this.holders.set(slot, holder);
    return holder;
  }

  /** Gives a slot back, which is the next waiter's before anybody else can ask. */
  free(holder: Holder): boolean {
    if (this.holders.get(holder.slot) !== holder) return false;
    this.holders.delete(holder.slot);
    for (const { presence, slots, granted, refused } of [...this.waiters.values()]) {
      try {
        const next = this.take(presence, slots);
        if (!next) break;
        granted(next);
      } catch (error) {
        refused(error as Error);
      }
    }
    return true;
  }
}

/** By the locks' names. */
export const QUEUES = new Map<string, Queue>();

export function queueOf(name: string): Queue {
  const queue = QUEUES.get(name) ?? new Queue();
  QUEUES.set(name, queue);
  return queue;
}
