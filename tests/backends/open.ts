/** Opening locks as sera does, from a `server` setting. */

import { messageOf } from "../../lib/errors.ts";
import type { HeldLock, Lock } from "../../lib/lock/lock.ts";
import { lockName } from "../../lib/lock/lock_name.ts";
import type { LockOptions } from "../../lib/backends/backend.ts";
import type { PostgresSessionOptions } from "../../lib/backends/postgres/options.ts";
import { until } from "../cli/wait.ts";
import { parse } from "./parse.ts";

/** A signal that does not fire. */
export const never = new AbortController().signal;

/** An environment without variables. */
const env = () => undefined;

/** How a backend is opened where the test does not care. */
export const plainOptions: LockOptions = {
  lease: { ttl: 30_000, grace: 10_000 },
  allowUnsafeServer: false,
  retrying: () => undefined,
  label: "test",
  env,
};

/** A session is opened with these where the test does not care. */
export const plainSession = {
  ...plainOptions,
  leased: false,
  presence: { lock: lockName("test"), host: "host", pid: 1, label: "test" },
};

/** How a backend may be opened: also with a time for PostgreSQL to answer in, which no setting gives. */
export type OpenOptions = Partial<LockOptions> & Pick<PostgresSessionOptions, "answerTimeout">;

/** Opens the backend for a lock. Dispose of it. */
export async function open(
  server: string,
  name: string,
  tlsCa?: string,
  options: OpenOptions = {},
): Promise<Lock> {
  return await (await parse(server, {}, tlsCa)).lock(name, { ...plainOptions, tlsCa, ...options });
}

/** Short enough to wait for a look at the lock, and so long that a slow machine takes no answer for late. */
export const SHORT_LEASE = { ttl: 6000, grace: 0 };

/** Acquires a free lock. */
export async function hold(backend: Lock): Promise<HeldLock> {
  const lock = await backend.acquire(0, never);
  if (!lock) throw new Error("somebody else has the lock");
  return lock;
}

/** Resolves when a lock has been renewed so many times from now on, or is lost. */
export function renewals(lock: HeldLock, count: number): Promise<void> {
  return new Promise((resolve) => {
    let left = count;
    lock.onRenewed = () => {
      if (--left === 0) resolve();
    };
    lock.lost.addEventListener("abort", () => resolve(), { once: true });
    if (lock.lost.aborted) resolve();
  });
}

/** Counts the reports of transient errors. */
export class Retries {
  readonly told: string[] = [];
  readonly retrying = ({ message }: Error): void => void this.told.push(message);

  /** Resolves after so many more reports: each is a failed attempt. */
  async more(count: number): Promise<void> {
    const before = this.told.length;
    await until(`${count} more tries`, () => this.told.length >= before + count);
  }
}

/** A lock's name that no other test has. */
export function freshName(): string {
  return lockName(crypto.randomUUID());
}

/** The error with which trying to take a fresh lock once fails. */
export async function failure(server: string, tlsCa?: string): Promise<Error> {
  let lock;
  try {
    await using backend = await open(server, freshName(), tlsCa);
    lock = await backend.acquire(0, never);
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  throw new Error(`expected an error for ${server}, but the lock was ${lock ? "held" : "busy"}`);
}

/** Keeps a rejection from being reported before the test looks at it. */
export function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(messageOf);
  return promise;
}
