import type { BackendLock } from "../../backends/backend.ts";
import type { HeldLock, LockSession } from "../../lock/lock.ts";
import type { Seen } from "../../who/sighting.ts";

/** A lock that asks for another lock in its own way, and leaves all else to that one. */
export abstract class LockAround implements BackendLock {
  protected readonly lock: BackendLock;

  constructor(lock: BackendLock) {
    this.lock = lock;
  }

  abstract acquire(wait: number, signal: AbortSignal, patience?: number): Promise<HeldLock | undefined>;

  session(signal: AbortSignal): Promise<LockSession | undefined> {
    return this.lock.session(signal);
  }

  sightings(...asked: Parameters<BackendLock["sightings"]>): Promise<Seen> {
    return this.lock.sightings(...asked);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.lock[Symbol.asyncDispose]();
  }
}
