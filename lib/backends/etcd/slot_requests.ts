import type { Decision, Leaf } from "./decision.ts";
import { MAX_SLOTS } from "../../lock/slot_name.ts";
import type { Comer } from "./line.ts";
import { step, when, whenAll } from "./requests.ts";
import type { SlotKeys } from "./slot_keys.ts";

/** What happened to a request for a slot. */
export type SlotOutcome =
  /** A slot is taken. The first step, if there is a ledger, tells which runs have not ended. */
  | { readonly kind: "taken"; readonly slot: number }
  /** A place behind the waiters is taken. Steps: the slots that are held; the own key is put; it and the one before it. */
  | { readonly kind: "queued" }
  /** All slots that were tried are held. Steps: those that are held; how many came for slot 0; how many wait. */
  | { readonly kind: "busy" }
  /** The holder of slot 0 does not use slots, and there is no other holder. */
  | { readonly kind: "plain" }
  /**
   * Others use another number of slots, or a previous attempt succeeded. Steps: the own marker, the own key as a waiter, and
   * the keys of those others, in two ranges.
   */
  | { readonly kind: "not new" }
  /**
   * Nothing is taken. Steps: the slots that are held; how many came for slot 0; the own mark, and the own key as a waiter;
   * and the one before it, unless it is known to be the first.
   */
  | { readonly kind: "seen"; readonly isFirst: boolean }
  /** Other sessions came first: ask again. */
  | { readonly kind: "again" };

type Tree = Decision<SlotOutcome> | Leaf<SlotOutcome>;

/** The requests of one session for the slots of a lock. */
export class SlotRequests {
  readonly #comer: Comer;
  readonly #keys: SlotKeys;
  readonly #busy: Leaf<SlotOutcome>;
  readonly #queued: Leaf<SlotOutcome>;

  constructor(comer: Comer, keys: SlotKeys) {
    this.#comer = comer;
    this.#keys = keys;
    const held = step.range({ ...keys.held, keysOnly: true });
    this.#busy = {
      is: { kind: "busy" },
      steps: [
        held,
        step.range({ ...keys.slot(0), countOnly: true }),
        step.range({ ...keys.waiters, countOnly: true }),
      ],
    };
    this.#queued = {
      is: { kind: "queued" },
      steps: [
        held,
        step.put(keys.waiter, comer.value, comer.lease),
        step.range({ ...keys.waiters, sort: "newest first", limit: 2, keysOnly: true }),
      ],
    };
  }

  /**
   * Takes a slot, unless others use another number of slots.
   *
   * @param slots Which to try besides slot 0.
   * @param mayWait Whether to leave the slots to those who wait.
   * @param mayQueue Whether to wait behind them.
   */
  enter(slots: readonly number[], mayWait: boolean, mayQueue: boolean): Decision<SlotOutcome> {
    const busy = mayQueue ? this.#queued : this.#busy;
    // If nobody uses slots, the lock has one.
    const others: Tree = {
      when: [whenAll.present(this.#keys.all)],
      then: this.#take(slots, busy),
      otherwise: { is: { kind: "plain" }, steps: [] },
    };
    const first: Tree = this.#takeOne(0, others);
    return {
      when: this.#whenNew,
      then: mayWait ? { when: [whenAll.absent(this.#keys.waiters)], then: first, otherwise: busy } : first,
      otherwise: {
        is: { kind: "not new" },
        steps: [...this.#own, ...this.#keys.others.map((keys) => step.range({ ...keys, limit: 1, keysOnly: true }))],
      },
    };
  }

  /** Takes a place behind the waiters, if no other request for the lock came after this revision. */
  queue(revision: bigint): Decision<SlotOutcome> {
    return {
      when: [
        ...this.#whenNew,
        whenAll.createdUpTo(this.#keys.waiters, revision),
        whenAll.createdUpTo(this.#keys.slot(0), revision),
      ],
      then: this.#queued,
      otherwise: { is: { kind: "again" }, steps: [] },
    };
  }

  /**
   * Looks where the session stands, and which slots are free. It changes nothing, so etcd need not write it to its log.
   *
   * @param created The revision in which the own key as a waiter was created.
   */
  look(created: bigint): Decision<SlotOutcome> {
    const before = { createdUpTo: created - 1n, sort: "newest first", limit: 1 } as const;
    const seen: Leaf<SlotOutcome> = {
      is: { kind: "seen", isFirst: false },
      steps: [...this.#seen, step.range({ ...this.#keys.waiters, ...before, keysOnly: true })],
    };
    return { when: [], then: seen, otherwise: seen };
  }

  /**
   * Takes a slot for the first waiter, if it is free. The first waiter stays the first, so that is not checked again.
   *
   * @param created The revision in which the own key as a waiter was created.
   */
  proceed(created: bigint, slot: number): Decision<SlotOutcome> {
    const seen: Leaf<SlotOutcome> = { is: { kind: "seen", isFirst: true }, steps: this.#seen };
    return {
      when: [when.created(this.#keys.waiter, "EQUAL", created), whenAll.absent(this.#keys.slot(slot))],
      then: this.#taken(slot, [step.deleteRange(this.#keys.waiter)]),
      otherwise: seen,
    };
  }

  #take(slots: readonly number[], busy: Leaf<SlotOutcome>): Tree {
    return slots.reduceRight<Tree>((otherwise, slot) => this.#takeOne(slot, otherwise), busy);
  }

  #takeOne(slot: number, otherwise: Tree): Tree {
    return { when: [whenAll.absent(this.#keys.slot(slot))], then: this.#taken(slot), otherwise };
  }

  #taken(slot: number, more: Leaf<SlotOutcome>["steps"] = []): Leaf<SlotOutcome> {
    const { lock, lease, value, ledger } = this.#comer;
    const left = ledger
      ? [step.range({ ...ledger.inSlots("allRunning", lock), limit: MAX_SLOTS, keysOnly: true })]
      : [];
    return {
      is: { kind: "taken", slot },
      steps: [
        ...left,
        step.put(this.#keys.own(slot), value, lease),
        step.put(this.#keys.mark, String(slot), lease),
        ...more,
      ],
    };
  }

  /** The condition that nobody uses another number of slots, and that no previous attempt of this request succeeded. */
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

  /** The slots, and the own keys. */
  get #seen() {
    const [held, first] = this.#busy.steps;
    return [held!, first!, ...this.#own];
  }
}
