import { slotIn } from "../../lock/slot_name.ts";

/** A run's number is subtracted from this, so that the newest run has the first key: etcd reads ranges only from the start. */
const MAX_UINT64 = 2n ** 64n - 1n;

/** The digits of a number in a key. */
const DIGITS = 16;

/** The digits of a time in a key: milliseconds since 1970, to the year 9999 and beyond. */
const TIME_DIGITS = 15;

/** A range of keys. */
export interface KeyRange {
  readonly key: string;
  readonly to: string;
}

/**
 * The names of the ledger's keys. `run/` has the runs, and decides; all other keys are indexes of it. The number in a key
 * counts down, so that the newest run comes first.
 *
 * A run under a slot is listed under the name of the slot, see `slotName()`, whose holder writes it. The keys for `--every`
 * and `--once` are for all slots of a lock together.
 */
export class LedgerKeys {
  readonly #root: string;
  /** The key whose revisions serve as run numbers. */
  readonly number: string;
  /** The prefix of the keys of all runs. */
  readonly runs: string;
  /** The prefix of the keys that list runs by lock. */
  readonly byLock: string;
  /** The prefix of the keys that list runs by the time until which they are kept, the earliest first. */
  readonly byExpiry: string;

  /** The prefix of the keys that list unfinished runs. */
  readonly allRunning: string;
  /** The prefix of the keys that name the latest runs of locks. */
  readonly lasts: string;

  /** @param prefix The prefix of all of sera's keys. */
  constructor(prefix: string) {
    this.#root = `${prefix}ledger/`;
    this.number = `${this.#root}number`;
    this.runs = `${this.#root}run/`;
    this.byLock = `${this.#root}of/`;
    this.byExpiry = `${this.#root}expires/`;
    this.allRunning = `${this.#root}running/`;
    this.lasts = `${this.#root}last/`;
  }

  run(id: bigint): string {
    return `${this.runs}${countingDown(id)}`;
  }

  /** Lists a run of a lock; without an id, the prefix of the keys of all of them. */
  of(lock: string, id?: bigint): string {
    return `${this.byLock}${lock}/${numberOf(id)}`;
  }

  /** Lists an unfinished run. */
  running(lock: string, id?: bigint): string {
    return `${this.allRunning}${lock}/${numberOf(id)}`;
  }

  /** Lists a run for `--every`; it expires with a lease. */
  every(lock: string, id?: bigint): string {
    return `${this.#root}every/${slotIn(lock).lock}/${numberOf(id)}`;
  }

  /** Names the latest run with a `--once` key. */
  once(lock: string, key: string): string {
    return `${this.#root}once/${slotIn(lock).lock}/${key}`;
  }

  /** The keys of a list that belong to a lock or any of its slots; those of slots from 1 on come first. */
  inSlots(list: "byLock" | "allRunning" | "lasts", lock: string): KeyRange {
    const { lock: base } = slotIn(lock);
    // The name is followed by a dot or a slash, and the next character after the slash is the zero.
    return { key: `${this[list]}${base}.`, to: `${this[list]}${base}0` };
  }

  /** The name in a key of a list. */
  nameIn(list: "byLock" | "allRunning", key: string): string {
    const begin = this[list].length;
    return key.slice(begin, key.indexOf("/", begin));
  }

  /** Names the latest run of a lock, or of a slot, with this outcome. */
  last(lock: string, outcome: "succeeded" | "failed"): string {
    return `${this.lasts}${lock}/${outcome}`;
  }

  /** Lists a run by the time until which it is kept. */
  expires(time: number, id: bigint): string {
    return `${this.expiringBy(time)}${countingDown(id)}`;
  }

  /** Comes after the keys of all runs that are kept until then or for less long. */
  expiringBy(time: number): string {
    return `${this.byExpiry}${String(time).padStart(TIME_DIGITS, "0")}/`;
  }
}

/** The number at the end of a key; undefined if there is none. */
export function idIn(key: string | undefined): bigint | undefined {
  const digits = key?.slice(key.lastIndexOf("/") + 1);
  return digits !== undefined && /^[0-9a-f]{16}$/.test(digits) ? MAX_UINT64 - BigInt(`0x${digits}`) : undefined;
}

function countingDown(id: bigint): string {
  return (MAX_UINT64 - id).toString(16).padStart(DIGITS, "0");
}

function numberOf(id: bigint | undefined): string {
  return id === undefined ? "" : countingDown(id);
}
