/** The least that keeps locks: in this process alone. It shows what a place has to be to be one of sera's. */

import type { Backend, BackendLock, LockOptions, Observer } from "../../../lib/backends/backend.ts";
import { probeLock } from "../../../lib/doctor/probe_lock.ts";
import type { Report } from "../../../lib/doctor/report.ts";
import type { Grip } from "../../../lib/who/grip.ts";
import type { LockFilter, Seen, Sighting } from "../../../lib/who/sighting.ts";
import { MemoryLock } from "./lock.ts";
import { queueOf, QUEUES } from "./queue.ts";

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
    return Promise.resolve(new MemoryLock(name, options));
  }

  observe(_name: string, { label }: LockOptions): Promise<Observer> {
    return Promise.resolve({
      elsewhere: undefined,
      sightings: (filter: LockFilter) => Promise.resolve(seen(filter)),
      grip: (holder) => Promise.resolve(gripOn(holder, label)),
      ledger: () => Promise.resolve(undefined),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  }

  async check(report: Report, name: string, options: LockOptions): Promise<void> {
    await report.check("lock", () => probeLock(() => this.lock(name, options), options.allowUnsafeServer));
  }
}

function seen(filter: LockFilter): Seen {
  const names = filter === "all" ? [...QUEUES.keys()] : "lock" in filter ? [filter.lock] : [];
  return { sightings: names.flatMap((name) => queueOf(name).sightings), strangers: [] };
}

/** @param label Who asks. */
function gripOn({ lock, slot = 0 }: Sighting, label: string): Grip {
  const { holders } = queueOf(lock);
  const holder = holders.get(slot);
  return {
    unaskable: undefined,
    noticedWithin: 0,
    holds: () => Promise.resolve(holder !== undefined && holders.get(slot) === holder),
    ask: () => Promise.resolve(holder?.ask(label)),
    force: () => Promise.resolve(undefined),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Reads `memory:`. */
export function parse(text: string): MemoryBackend | undefined {
  return text === "memory:" ? new MemoryBackend() : undefined;
}
