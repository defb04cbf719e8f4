/** The smallest backend: it keeps locks in this process only. It shows what a backend must implement. */

import type { Backend, BackendLock, LockOptions, Observer } from "../../../lib/backends/backend.ts";
import { probeLock } from "../../../lib/doctor/probe_lock.ts";
import type { Report } from "../../../lib/doctor/report.ts";
import { presenceOf } from "../../../lib/lock/presence.ts";
import type { HolderHandle } from "../../../lib/who/holder_handle.ts";
import type { LockFilter, Sighting } from "../../../lib/who/sighting.ts";
import { holderOf, isHeldBy, sightingsOf, takeAway } from "./holders.ts";
import { MemoryLock } from "./lock.ts";

export class MemoryBackend implements Backend {
  readonly kind = "memory";
  readonly title = "a place in memory";
  readonly notes = [];
  readonly identity = "memory:";
  readonly offers = {
    namespaces: false,
    leases: false,
    severalServers: false,
    ledgerTable: false,
    tls: "none",
    expires: false,
    mayBeUnsafe: false,
  } as const;

  shown() {
    return Promise.resolve({ line: "memory of this process", view: { kind: this.kind } });
  }

  lock(name: string, options: LockOptions): Promise<BackendLock> {
    const { also = [], slots } = options;
    return Promise.resolve(new MemoryLock({ presence: { ...presenceOf(name, options), slots }, also }, options));
  }

  observe(): Promise<Observer> {
    return Promise.resolve({
      elsewhere: undefined,
      sightings: (filter: LockFilter) => Promise.resolve({ sightings: sightingsOf(filter), otherSessions: [] }),
      handleOf: (holder: Sighting) => Promise.resolve(handleOn(holder)),
      ledger: () => Promise.resolve(undefined),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  }

  async check(report: Report, name: string, options: LockOptions): Promise<void> {
    await report.check("lock", () => probeLock(() => this.lock(name, options), options.allowUnsafeServer));
  }
}

function handleOn(sighting: Sighting): HolderHandle {
  const holder = holderOf(sighting);
  return {
    unaskable: undefined,
    noticedWithin: 0,
    holds: () => Promise.resolve(holder !== undefined && isHeldBy(holder)),
    ask: () => Promise.resolve(holder?.end?.("the test")),
    force: () => Promise.resolve(holder && takeAway(holder) ? {} : undefined),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Reads `memory:`. */
export function parse(text: string): MemoryBackend | undefined {
  return text === "memory:" ? new MemoryBackend() : undefined;
}
