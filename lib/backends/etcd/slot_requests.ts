import type { Decision, Leaf } from "./decision.ts";
import { MOST_SLOTS } from "../../lock/slot_name.ts";
import type { Comer } from "./line.ts";
import { step, when, whenAll } from "./requests.ts";
import type { SlotKeys } from "./slot_keys.ts";

/** What happened to a request for a slot. */
export type Way =
  /** A slot is taken. The first step, if there is a ledger, tells which runs have not ended. */
  | { readonly way: "taken"; readonly slot: number }
  /** A place behind the waiters is taken. Steps: the slots that are held; the own key is put; it and the one before it. */
  | { readonly way: "queued" }
  /** All slots that were tried are held. Steps: those that are held; how many came for slot 0; how many wait. */
  | { readonly way: "busy" }
  /** The holder of slot 0 does not use slots, and there is no other holder. */
  | { readonly way: "plain" }
  /**
   * Others know of another number, or an earlier request was carried out. Steps: the own mark, the own key as a waiter, and
   * those others, twice.
   */
  | { readonly way: "not new" }
  /** It is not the first. Steps: the own mark, the own key as a waiter, and the one before it. */
  | { readonly way: "not next" }
  /** Others came first. */
  | { readonly way: "again" };

type Ways = Decision<Way> | Leaf<Way>;

/** The requests of one session for the slots of a lock. */
export class SlotRequests {
  readonly #comer: Comer;
  readonly #keys: SlotKeys;
  readonly #busy: Leaf<Way>;
  readonly #queued: Leaf<Way>;

  constructor(comer: Comer, keys: SlotKeys) {
    this.#comer = comer;
    this.#keys = keys;
    const held = step.range({ ...keys.held, keysOnly: true });
    this.#busy = {
      is: { way: "busy" },
      steps: [
        held,
        step.range({ ...keys.slot(0), countOnly: true }),
        step.range({ ...keys.waiters, countOnly: true }),
      ],
    };
    this.#queued = {
      is: { way: "queued" },
      steps: [
        held,
        step.put(keys.waiter, comer.value, comer.lease),
        step.range({ ...keys.waiters, sort: "newest first", limit: 2, keysOnly: true }),
      ],
    };
  }

  /**
   * Takes a slot, unless others know of another number.
   *
   * @param slots Which to try besides slot 0.
   * @param mayWait Whether to leave the slots to those who wait.
   * @param mayQueue Whether to wait behind them.
   */
  enter(slots: readonly number[], mayWait: boolean, mayQueue: boolean): Decision<Way> {
    const busy = mayQueue ? this.#queued : this.#busy;
    // Without those who know of slots it has one.
    const others: Ways = {
      when: [whenAll.present(this.#keys.all)],
      then: this.#take(slots, busy),
      otherwise: { is: { way: "plain" }, steps: [] },
    };
    const first: Ways = this.#takeOne(0, others);
    return {
      when: this.#whenNew,
      then: mayWait ? { when: [whenAll.absent(this.#keys.waiters)], then: first, otherwise: busy } : first,
      otherwise: {
        is: { way: "not new" },
        steps: [...this.#own, ...this.#keys.others.map((keys) => step.range({ ...keys, limit: 1, keysOnly: true }))],
      },
    };
  }

  /** Takes a place behind the waiters, if no other request for the lock came after this revision. */
  queue(revision: bigint): Decision<Way> {
    return {
      when: [
        ...this.#whenNew,
        whenAll.createdUpTo(this.#keys.waiters, revision),
        whenAll.createdUpTo(this.#keys.slot(0), revision),
      ],
      then: this.#queued,
      otherwise: { is: { way: "again" }, steps: [] },
    };
  }

  /**
   * Takes a slot if the own key is the first of the waiters'.
   *
   * @param created The revision in which that was created.
   * @param slots Which to try besides slot 0.
   */
  proceed(created: bigint, slots: readonly number[]): Decision<Way> {
    const before = { createdUpTo: created - 1n, sort: "newest first" } as const;
    return {
      when: [when.created(this.#keys.waiter, "EQUAL", created), whenAll.createdFrom(this.#keys.waiters, created)],
      then: this.#take([0, ...slots], this.#busy, [step.deleteRange(this.#keys.waiter)]),
      otherwise: {
        is: { way: "not next" },
        steps: [...this.#own, step.range({ ...this.#keys.waiters, ...before, limit: 1, keysOnly: true })],
      },
    };
  }

  #take(slots: readonly number[], busy: Leaf<Way>, more: Leaf<Way>["steps"] = []): Ways {
    return slots.reduceRight<Ways>((otherwise, slot) => this.#takeOne(slot, otherwise, more), busy);
  }

  #takeOne(slot: number, otherwise: Ways, more: Leaf<Way>["steps"] = []): Ways {
    const { lock, lease, value, ledger } = this.#comer;
    const left = ledger
      ? [step.range({ ...ledger.inSlots("allRunning", lock), limit: MOST_SLOTS, keysOnly: true })]
      : [];
    return {
      when: [whenAll.absent(this.#keys.slot(slot))],
      then: {
        is: { way: "taken", slot },
        steps: [
          ...left,
          step.put(this.#keys.own(slot), value, lease),
          step.put(this.#keys.mark, String(slot), lease),
          ...more,
        ],
      },
      otherwise,
    };
  }

  /** That nobody uses another number of slots, and that no earlier attempt of this request was carried out. */
  get #whenNew() {
    const { others, mark, waiter } = this.#keys;
    return [
      ...others.map((keys) => whenAll.absent(keys)),
      when.created(mark, "EQUAL", 0n),
      when.created(waiter, "EQUAL", 0n),
    ];
  }

  /** The own keys. */
  get #own() {
    const { mark, waiter } = this.#keys;
    return [step.range({ key: mark }), step.range({ key: waiter, keysOnly: true })];
  }
}
