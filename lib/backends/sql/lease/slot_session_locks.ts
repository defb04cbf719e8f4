import { Deadline } from "../../../deadline.ts";
import { rowsIfAny } from "../batch.ts";
import type { Session } from "../session.ts";
import { atOnce, type SessionLocks } from "./session_locks.ts";
import type { Snapshot } from "./snapshot.ts";
import type { OpenSlot } from "./open_slots.ts";
import type { LeaseServer } from "./server.ts";

/**
 * How often to read again when a lease is free but the session lock of its slot is not: somebody has just taken that, and
 * is about to claim the lease.
 */
const CLAIM_READS = 4;

/**
 * How long to wait for such a session lock after that, in milliseconds: the last holder has freed the lease, and is about to
 * release it too. Somebody who keeps it longer has no lease. Servers accept whole seconds only.
 */
const RELEASE_WAIT = 1000;

/** The session locks of a lock's slots, where there are any: a slot's lease may be claimed only with its session lock. */
export class SlotSessionLocks<S extends Session> {
  readonly #server: LeaseServer<S>;
  readonly #sessionLocks: SessionLocks<S>;
  readonly #lock: string;
  #first: string | undefined;
  /** Slots whose session lock is held by somebody without a lease. */
  readonly #foreign = new Set<string>();

  constructor(server: LeaseServer<S>, sessionLocks: SessionLocks<S>, lock: string) {
    this.#server = server;
    this.#sessionLocks = sessionLocks;
    this.#lock = lock;
  }

  /** The slot whose session lock {@linkcode enter} has got, although somebody else may hold its lease. */
  get first(): string | undefined {
    return this.#first;
  }

  /** Waits for the session lock of any slot until the deadline, where that is possible. Returns whether it has one. */
  async enter(session: S, deadline: Deadline, signal: AbortSignal): Promise<boolean> {
    this.#first = await this.#sessionLocks.enterSlot(session, this.#lock, deadline, signal);
    return this.#first !== undefined;
  }

  /** Releases the session lock that {@linkcode enter} has got, unless that slot was acquired. */
  leaveFirst(acquired: string | undefined): void {
    if (this.#first !== undefined && this.#first !== acquired) this.#sessionLocks.leaveLater(this.#first);
    this.#first = undefined;
  }

  /** Releases the session lock of a slot whose lease could not be claimed, unless it came from {@linkcode enter}. */
  async leave(lock: string): Promise<void> {
    if (lock !== this.#first) await this.#sessionLocks.leave(lock);
  }

  /** Whether it still has to get the lock of the queue, where session locks have no slots. */
  hasToQueue(session: S): boolean {
    return !this.#server.queue.enterSlot && this.#sessionLocks.in(this.#queue) !== session;
  }

  /**
   * Waits for the lock of the queue: only its holder polls for a slot.
   *
   * @returns With the rows of the slots, if they were read along; undefined if others had it until the deadline.
   */
  async enterQueue(session: S, deadline: Deadline, signal: AbortSignal): Promise<{ snapshot?: Snapshot } | undefined> {
    const snapshotQuery = this.#server.table.snapshotQuery?.(this.#lock);
    const next = snapshotQuery ? [snapshotQuery.statement] : [];
    const outcomes = await this.#sessionLocks.enterAnd(session, this.#queue, deadline, signal, next);
    const rows = rowsIfAny(outcomes?.[0]);
    return snapshotQuery && rows ? { snapshot: snapshotQuery.read(rows) } : outcomes && {};
  }

  /** Releases the lock of the queue, if it has it. Does not wait for the answer. */
  leaveQueue(): void {
    this.#sessionLocks.leaveLater(this.#queue);
  }

  get #queue(): string {
    return `${this.#lock}.q`;
  }

  /**
   * Gets the session lock of an open slot: preferably one that it already has, otherwise the first free one.
   *
   * @param reads How often it has been told to read again.
   * @param waitsUntil How long to wait for a session lock that is about to be released; undefined for not at all.
   */
  async enterOne(
    session: S,
    open: readonly OpenSlot[],
    { reads, waitsUntil }: { readonly reads: number; readonly waitsUntil: Deadline | undefined },
    signal: AbortSignal,
  ): Promise<OpenSlot | "read again" | undefined> {
    const unsure: OpenSlot[] = [];
    const rank = ({ lock, from }: OpenSlot) => from === "mine" ? 0 : lock === this.#first ? 1 : 2;
    for (const one of open.toSorted((one, other) => rank(one) - rank(other))) {
      const isIn = one.from === "mine" || !this.#server.hasSessionLocks(session) ||
        await this.#sessionLocks.enter(session, one.lock, atOnce(), signal);
      if (isIn) {
        this.#foreign.delete(one.lock);
        return one;
      }
      // Somebody has the session lock: if the lease is held, its holder is alive, whatever its row says.
      if (one.from === "nobody" && !this.#foreign.has(one.lock)) unsure.push(one);
    }
    if (unsure.length > 0 && reads < (waitsUntil ? CLAIM_READS : 1)) return "read again";
    for (const one of unsure) {
      if (!waitsUntil || waitsUntil.passed) return undefined;
      const deadline = new Deadline(Math.min(RELEASE_WAIT, waitsUntil.remaining));
      if (await this.#sessionLocks.enter(session, one.lock, deadline, signal)) return one;
      this.#foreign.add(one.lock);
    }
    return undefined;
  }
}
