/**
 * Random sequences of what clients of one lock with slots may do, beside a simple model of what has to come of it.
 *
 * `SERA_MODEL_STEPS=1000 SERA_MODEL_SEED=7 scripts/test tests/backends/file/slots_test.ts` tries a longer one.
 */

import assert from "node:assert/strict";
import { LockLostError, OtherSlotsError } from "../../lib/errors.ts";
import type { HeldLock, Lock } from "../../lib/lock/lock.ts";
import { Dice } from "../lock/lease_model/dice.ts";
import { until } from "../cli/wait.ts";
import { Crew, type CrewPlace } from "./crew.ts";
import { later, never, type OpenOptions } from "./open.ts";

/** How many clients there are, and how many of them may hold the lock. */
const CLIENTS = 6;
const N = 3;
const STEPS = Number(Deno.env.get("SERA_MODEL_STEPS") ?? 40);
const SEED = Number(Deno.env.get("SERA_MODEL_SEED") ?? Date.now() % 100_000);

/** A client, and its state in the model. */
interface Member {
  readonly number: number;
  readonly options: OpenOptions;
  lock?: Lock;
  held?: HeldLock;
  /** Its pending wait, and how to end that. */
  waits?: { readonly granted: Promise<HeldLock | undefined>; readonly abort: AbortController };
}

/** Defines the test. */
export function slotsModel(place: CrewPlace): void {
  place.test(`${STEPS} random steps of ${CLIENTS} clients behave as in the model`, async () => {
    const steps: string[] = [];
    try {
      await new Model(place, new Dice(SEED), (step) => steps.push(step)).run();
    } catch (error) {
      throw new Error(`with SERA_MODEL_SEED=${SEED}, after ${steps.join("; ")}: ${error}`, { cause: error });
    }
  });
}

class Model {
  readonly #place: CrewPlace;
  readonly #dice: Dice;
  readonly #note: (step: string) => void;
  /** The last two are of another mind about the number of slots. */
  readonly #members: readonly Member[] = Array.from({ length: CLIENTS + 2 }, (_, number) => ({
    number,
    options: number < CLIENTS ? { slots: N } : number === CLIENTS ? { slots: N + 1 } : {},
  }));

  constructor(place: CrewPlace, dice: Dice, note: (step: string) => void) {
    this.#place = place;
    this.#dice = dice;
    this.#note = note;
  }

  async run(): Promise<void> {
    await using crew = new Crew(this.#place);
    for (let step = 0; step < STEPS; step++) {
      await this.#step(crew);
      await this.#settle();
      const slots = this.#holders.map(({ held }) => held!.slot);
      assert.equal(new Set(slots).size, slots.length, `slots ${slots}`);
      for (const { held } of this.#holders) assert.equal(held!.lost.aborted, false);
    }
    for (const { waits } of this.#members) waits?.abort.abort(new Error("over"));
    for (const { lock } of this.#members) await lock?.[Symbol.asyncDispose]();
    // Whatever was done, all slots are free now.
    await until("all are free", async () => (await crew.seenHolders()).length === 0);
    await using others = new Crew(this.#place, { slots: N }, crew.name);
    assert.equal((await others.holders(N)).length, N);
  }

  get #holders(): Member[] {
    return this.#members.filter(({ held }) => held !== undefined);
  }

  get #waiters(): Member[] {
    return this.#members.filter(({ waits }) => waits !== undefined);
  }

  get #idle(): Member[] {
    return this.#members.filter(({ held, waits }) => !held && !waits);
  }

  async #step(crew: Crew): Promise<void> {
    const dice = this.#dice;
    const [idle, holders, waiters] = [this.#idle, this.#holders, this.#waiters];
    const choices: (() => Promise<void>)[] = [];
    if (idle.length > 0) {
      choices.push(() => this.#ask(crew, [dice.pick(idle)]), () => this.#ask(crew, some(dice, idle)));
      choices.push(() => this.#wait(crew, dice.pick(idle)));
    }
    if (holders.length > 0) {
      choices.push(() => this.#release(some(dice, holders)), () => this.#close(dice.pick(holders)));
      choices.push(() => this.#lose(crew, dice.pick(holders)));
    }
    if (waiters.length > 0) choices.push(() => this.#leave(dice.pick(waiters)));
    if (waiters.length > 0 && dice.chance(0.5)) choices.push(() => this.#close(dice.pick(waiters)));
    await dice.pick(choices)();
  }

  async #open(crew: Crew, member: Member): Promise<Lock> {
    return member.lock ??= await crew.client(member.options);
  }

  /** All of them send a request at the same moment, with a wait of 0. */
  async #ask(crew: Crew, members: readonly Member[]): Promise<void> {
    // Who is of another mind asks alone: else it would be chance who wins.
    const asking = members.filter(({ number }) => number < CLIENTS);
    if (asking.length === 0) asking.push(members[0]!);
    this.#note(`${asking.map(({ number }) => number)} ask`);
    const locks = await Promise.all(asking.map((member) => this.#open(crew, member)));
    const before = this.#holders;
    const outcomes = await Promise.allSettled(locks.map((lock) => lock.acquire(0, never)));
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === "fulfilled") asking[index]!.held = outcome.value;
    }
    const got = asking.filter(({ held }) => held !== undefined).length;
    const slots = slotsOf(asking[0]!);
    const other = before.find((holder) => slotsOf(holder) !== slots);
    if (!other) {
      for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
      // Waiters would compete for free slots, but there are none while anyone waits.
      return assert.equal(got, Math.min(asking.length, slots - before.length), `got of ${asking.length}`);
    }
    assert.equal(got, 0);
    // A plain lock that is busy need not look further.
    const mayBeBusy = slots === 1 && before.some(({ held }) => held!.slot === 0);
    for (const outcome of outcomes) {
      if (outcome.status === "fulfilled") assert.ok(mayBeBusy, "not refused");
      else assert.ok(outcome.reason instanceof OtherSlotsError, String(outcome.reason));
    }
  }

  async #wait(crew: Crew, member: Member): Promise<void> {
    const others = [...this.#holders, ...this.#waiters];
    if (others.some((other) => slotsOf(other) !== slotsOf(member))) return;
    this.#note(`${member.number} waits`);
    const lock = await this.#open(crew, member);
    const abort = new AbortController();
    member.waits = { granted: later(lock.acquire(Infinity, abort.signal)), abort };
  }

  async #release(members: readonly Member[]): Promise<void> {
    this.#note(`${members.map(({ number }) => number)} release`);
    await Promise.all(members.map(async (member) => {
      await member.held!.release();
      member.held = undefined;
    }));
  }

  /** As a sera that ends. */
  async #close(member: Member): Promise<void> {
    this.#note(`${member.number} ends`);
    const { waits, lock } = member;
    Object.assign(member, { waits: undefined, held: undefined, lock: undefined });
    waits?.abort.abort(new Error("ends"));
    await waits?.granted.catch(() => undefined);
    await lock![Symbol.asyncDispose]();
  }

  /** As by kill -9: the lock goes without a word of its holder's. */
  async #lose(crew: Crew, member: Member): Promise<void> {
    this.#note(`${member.number} loses`);
    const { held, lock } = member;
    await crew.takeAway(held!.slot ?? 0);
    // Sooner than by a look of its own, which comes rarely where the lease is long.
    await until("the loss", () => held!.confirm().then(() => false, (error) => error instanceof LockLostError));
    Object.assign(member, { held: undefined, lock: undefined });
    await lock![Symbol.asyncDispose]();
  }

  async #leave(member: Member): Promise<void> {
    this.#note(`${member.number} leaves`);
    const { abort, granted } = member.waits!;
    member.waits = undefined;
    abort.abort(new Error("leaves"));
    await granted.catch(() => undefined);
  }

  /** Every free slot goes to a waiter. */
  async #settle(): Promise<void> {
    while (this.#waiters.length > 0 && this.#holders.length < slotsOf(this.#waiters[0]!)) {
      const [member, held] = await Promise.race(
        this.#waiters.map(async (member) => [member, await member.waits!.granted] as const),
      );
      member.waits = undefined;
      member.held = held;
      assert.ok(held);
    }
  }
}

function slotsOf({ options: { slots = 1 } }: Member): number {
  return slots;
}

function some<T>(dice: Dice, from: readonly T[]): T[] {
  const chosen = from.filter(() => dice.chance(0.5));
  return chosen.length > 0 ? chosen : [dice.pick(from)];
}
