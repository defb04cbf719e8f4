import { wholeFrom } from "../../text/untrusted.ts";
import type { KeyValue } from "./answers.ts";
import { MalformedAnswerError } from "./json.ts";
import { keyOf, partsOfKey, queueOf, slotsOf } from "./names.ts";
import type { Keys } from "./requests.ts";

/** A key of a lock with slots, by what stands after the lock's name. */
const SLOT = /^\.(\d+)\/(?:(\d+)|(-))\//;

/**
 * The names of the keys of a lock with slots. Slot 0 uses the keys of the plain lock. Besides these there are:
 *
 *     PREFIX/NAME.SLOTS/SLOT/LEASE  the holder of another slot
 *     PREFIX/NAME.SLOTS/+/LEASE     a marker: this session holds a slot, whose number is the value
 *     PREFIX/NAME.SLOTS/-/LEASE     a waiter; the oldest comes next
 *
 * The marker shows that the holder of slot 0 uses slots. It also keeps a request that arrives twice from taking two slots.
 */
export class SlotKeys {
  /** The keys of all sessions that use the same number of slots. */
  readonly all: Keys;
  /** The keys of all sessions that use another number. */
  readonly others: readonly [Keys, Keys];
  /** The waiters. */
  readonly waiters: Keys;
  /** The holders of slots from 1 on. */
  readonly held: Keys;
  /** A range to watch for free slots: all keys but those of waiters. */
  readonly freed: Keys;
  /** The own marker. */
  readonly mark: string;
  /** The own key as a waiter. */
  readonly waiter: string;
  readonly #prefix: string;
  readonly #lock: string;
  readonly #slots: number;
  readonly #lease: bigint;

  constructor(prefix: string, lock: string, slots: number, lease: bigint) {
    const own = `${prefix}${lock}.${slots}/`;
    const end = lease.toString(16);
    const { key: from, to } = slotsOf(prefix, lock);
    this.#prefix = prefix;
    this.#lock = lock;
    this.#slots = slots;
    this.#lease = lease;
    this.all = { key: own, prefix: true };
    // In ASCII, 0 follows the slash: the end of the range.
    this.others = [{ key: from, to: own }, { key: `${prefix}${lock}.${slots}0`, to }];
    this.waiters = { key: `${own}-/`, prefix: true };
    this.held = heldOf(prefix, lock, slots);
    this.freed = { key: `${own}0`, to: `${prefix}${lock}0` };
    this.mark = `${own}+/${end}`;
    this.waiter = `${own}-/${end}`;
  }

  /** What all keys of a slot begin with. */
  slot(slot: number): Keys {
    const key = slot === 0 ? queueOf(this.#prefix, this.#lock) : `${this.all.key}${slot}/`;
    return { key, prefix: true };
  }

  /** The slots of some keys. A key of slot 0 may also be a waiter's. */
  slotsIn(keys: readonly string[]): readonly number[] {
    return keys.flatMap((key) => {
      const parts = partsOfKey(this.#prefix, key);
      const slot = parts?.rest.startsWith("/") ? 0 : slotInKey(parts?.rest ?? "")?.slot;
      return slot === undefined || slot >= this.#slots ? [] : [slot];
    });
  }

  /** The own key as the holder of a slot. */
  own(slot: number): string {
    return slot === 0
      ? keyOf(this.#prefix, this.#lock, this.#lease)
      : `${this.slot(slot).key}${this.#lease.toString(16)}`;
  }
}

/** The keys of those who hold slots from 1 on. */
export function heldOf(prefix: string, lock: string, slots: number): Keys {
  return { key: `${prefix}${lock}.${slots}/0`, to: `${prefix}${lock}.${slots}/:` };
}

/**
 * What a key of a lock with slots stands for, by the part after the lock's name; undefined if it stands for no holder
 * or waiter by itself.
 */
export function slotInKey(rest: string): { readonly slots: number; readonly slot: number | undefined } | undefined {
  const [, slots, slot] = SLOT.exec(rest) ?? [];
  return slots === undefined
    ? undefined
    : { slots: Number(slots), slot: slot === undefined ? undefined : Number(slot) };
}

/** The slot that a marker names. */
export function slotOfMark({ value }: KeyValue, slots: number): number {
  const slot = wholeFrom(new TextDecoder().decode(value), 0, slots - 1);
  if (slot === undefined) throw new MalformedAnswerError("no slot");
  return slot;
}
