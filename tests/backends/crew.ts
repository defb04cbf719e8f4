/** Several clients of one lock, and what others see of them, for the contracts of slots, waiters and several locks. */

import assert from "node:assert/strict";
import type { Observer } from "../../lib/backends/backend.ts";
import type { HeldLock, Lock } from "../../lib/lock/lock.ts";
import type { Seen, Sighting } from "../../lib/who/sighting.ts";
import { slotName } from "../../lib/lock/slot_name.ts";
import { Running } from "../cli/running.ts";
import { until } from "../cli/wait.ts";
import { freshName, hold, never, open, type OpenOptions, plainOptions } from "./open.ts";
import { parse } from "./parse.ts";

/** Capabilities that a backend may lack. */
export type Lack = "slots" | "also" | "maxWaiters";

/** What is special to a test of the contracts. */
export interface TestTraits {
  /** It sees all locks there are, so that no other is tried at the same time. */
  readonly alone?: true;
  /** It is run also where one test of each kind has to do. */
  readonly always?: true;
}

/** A backend under test, and what the contracts have to know about it. */
export interface CrewPlace {
  /** Defines a test. */
  test(name: string, fn: () => Promise<void>, traits?: TestTraits): void;
  /** The `server` setting; called in tests only, for each client anew. */
  server(): string;
  /** How a client's lock is opened, if not plainly; called for each anew. */
  options?(): OpenOptions;
  /** What else one is opened with whose lease is to run out, or to be looked at, soon. */
  readonly short?: OpenOptions;
  /** Resolves when so many wait for a lock, where observers do not see that. */
  waiting?(name: string, count: number): Promise<void>;
  /** Takes a lock, or a slot, from its holder, where that cannot be done with a handle on it. */
  takeAway?(slot: string): Promise<void>;
  /** The capabilities that it lacks. */
  readonly lacks?: readonly Lack[];
  /** Whether the server does not say which sessions are sera's, so that idle ones of the test's own may be other sessions. */
  readonly hidesSessions?: true;
  /** Whether each lock has a fencing token. */
  readonly hasTokens?: true;
  /** Whether no other process sees its locks. */
  readonly ofOneProcess?: true;
  /** Whether one test of each kind has to do: to open a lock takes long there, or it is much like another place. */
  readonly isBrief?: true;
}

/** A wait that ends when the lock is free, in milliseconds; a pooler on a busy machine takes long to be reached. */
export const LONG = 120_000;

/** A program that takes a lock, and holds it. */
const HOLDER = `${import.meta.dirname}/lock_holder.ts`;

const TABLE = { name: "sera_runs" };

/** Clients that all ask for one lock. Disposing of it closes them. */
export class Crew implements AsyncDisposable {
  readonly #place: CrewPlace;
  readonly #clients = new AsyncDisposableStack();
  #observer: Promise<Observer> | undefined;

  /** @param options How each of them opens the lock, in addition to the backend's options. */
  constructor(place: CrewPlace, readonly options: OpenOptions = {}, readonly name = freshName()) {
    this.#place = place;
  }

  /** As the others, with a lease that is short where there are leases. */
  get short(): OpenOptions {
    return { ...this.options, ...this.#place.short };
  }

  /** Another client. */
  async client(options: OpenOptions = this.options, name = this.name): Promise<Lock> {
    const lock = await open(this.#place.server(), name, undefined, { ...this.#place.options?.(), ...options });
    return this.#clients.use(lock);
  }

  /** So many more clients. */
  async clients(count: number, options?: OpenOptions): Promise<Lock[]> {
    return await Promise.all(Array.from({ length: count }, () => this.client(options)));
  }

  /** Another client, which holds the lock. */
  async holder(options?: OpenOptions, name?: string): Promise<HeldLock> {
    return await hold(await this.client(options, name));
  }

  /** So many more clients that hold the lock, one after the other. */
  async holders(count: number, options?: OpenOptions): Promise<HeldLock[]> {
    const held = [];
    for (let index = 0; index < count; index++) held.push(await this.holder(options));
    return held;
  }

  /**
   * A process of its own that asks for the lock, with a short lease. Dispose of it.
   *
   * @param wait In milliseconds.
   */
  process(wait = 0): Running {
    const options = JSON.stringify({ ...this.#place.options?.(), ...this.short });
    const words = [HOLDER, this.#place.server(), this.name, options, `${wait}`];
    return new Running([Deno.execPath(), "run", "--quiet", "-A", ...words], { env: Deno.env.toObject() });
  }

  /** One who looks from outside. */
  observer(): Promise<Observer> {
    return this.#observer ??= this.#observe();
  }

  async #observe(): Promise<Observer> {
    const options = { ...plainOptions, ...this.#place.options?.(), label: "looks" };
    const backend = await parse(this.#place.server());
    return this.#clients.use(await backend.observe(this.name, options, never));
  }

  /** What an observer sees of a lock. */
  async seen(name = this.name): Promise<Seen> {
    return await (await this.observer()).sightings({ lock: name }, TABLE, never);
  }

  /** What an observer sees of all locks. */
  async all(): Promise<Seen> {
    return await (await this.observer()).sightings("all", TABLE, never);
  }

  /** Those who are seen to hold the lock, in the order of their slots. */
  async seenHolders(name = this.name): Promise<Sighting[]> {
    const { sightings } = await this.seen(name);
    return sightings.filter(({ state }) => state === "held").sort((a, b) => (a.slot ?? 0) - (b.slot ?? 0));
  }

  /** Resolves when so many wait. */
  async waiting(count: number): Promise<void> {
    if (this.#place.waiting) return await this.#place.waiting(this.name, count);
    await until(`${count} waiting for ${this.name}`, async () => {
      const { sightings } = await this.seen();
      return sightings.filter(({ state }) => state === "waiting").length === count;
    });
  }

  /** Takes a slot from its holder, which did not give it back; or a lock that has no slots. */
  async takeAway(slot = 0, name = this.name): Promise<void> {
    if (this.#place.takeAway) return await this.#place.takeAway(slotName(name, slot));
    const holder = (await this.seenHolders(name)).find((seen) => (seen.slot ?? 0) === slot);
    assert.ok(holder, `nobody is seen to hold slot ${slot}`);
    await using handle = await (await this.observer()).handleOf(holder, never);
    await handle.force(never);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#clients.disposeAsync();
  }
}

/** The slots that are held, in order. */
export function slotsOf(held: readonly (HeldLock | undefined)[]): number[] {
  return held.flatMap((lock) => lock === undefined ? [] : [lock.slot ?? -1]).sort((a, b) => a - b);
}

/** Gives back whatever is held, all at the same time. */
export async function releaseAll(held: readonly (HeldLock | undefined)[]): Promise<void> {
  await Promise.all(held.map((lock) => lock?.release()));
}

/** Resolves with the outcomes of promises when so many of them have settled. */
export async function settled<T>(promises: readonly Promise<T>[], count: number): Promise<PromiseSettledResult<T>[]> {
  const found: PromiseSettledResult<T>[] = [];
  for (const promise of promises) {
    promise.then(
      (value) => found.push({ status: "fulfilled", value }),
      (reason) => found.push({ status: "rejected", reason }),
    );
  }
  await until(`${count} of ${promises.length} outcomes`, () => found.length >= count);
  return found;
}
