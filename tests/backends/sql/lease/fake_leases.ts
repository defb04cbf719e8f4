/** A whole place for leases in memory: table, session lock and locks. */

import type { LockUnavailableError, Trouble } from "../../../../lib/errors.ts";
import { LeaseLock } from "../../../../lib/backends/sql/lease/lock.ts";
import type { LeaseServer } from "../../../../lib/backends/sql/lease/server.ts";
import type { LeaseTable } from "../../../../lib/backends/sql/lease/table.ts";
import { LeaseList } from "../../../../lib/backends/sql/lease/read_row.ts";
import type { Snapshot } from "../../../../lib/backends/sql/lease/snapshot.ts";
import { slotIn } from "../../../../lib/lock/slot_name.ts";
import type { Claim, Lease } from "../../../../lib/backends/sql/lease/row.ts";
import type { Session } from "../../../../lib/backends/sql/session.ts";
import { sql, type Statement } from "../../../../lib/backends/sql/statement.ts";
import { delayOrAbort, unlessAborted } from "../../../../lib/waiting.ts";
import { type FakeRow, FakeRows, Refusal } from "./fake_rows.ts";

/** How often the session lock is looked at, in milliseconds. */
const QUEUE_PAUSE = 50;

/** The name of the lock. */
export const LOCK = "0123456789abcdef0123456789abcdef";

/** The two kinds of places for leases. */
export const PLACES: readonly (readonly [where: string, hasSessionLocks: boolean])[] = [
  ["with session locks", true],
  ["without session locks", false],
];

/** How a lock is opened. */
interface FakeLockOptions {
  readonly host?: string;
  readonly ttl?: number;
  readonly grace?: number;
}

/** A server for leases, and the messages of its clients. */
export class FakeLeases extends FakeRows {
  /** Who holds the session locks, by their names. */
  readonly queues = new Map<string, Session>();
  /** The messages of waiters and holders. */
  readonly retried: LockUnavailableError[] = [];
  readonly reconnected: Trouble[] = [];
  /** Every claim that was sent. */
  readonly claims: Claim[] = [];
  /** Ends of runs that were recorded. */
  readonly ended: unknown[] = [];
  /** Whether something keeps everybody from the row, as a trigger may. */
  isOutOfReach = false;

  /** What leaving the queue does, by the statement that goes with a release. */
  readonly #leaves = new Map<Statement, () => boolean>();

  /** @param hasSessionLocks Whether session locks work there. */
  constructor(readonly hasSessionLocks: boolean) {
    super();
  }

  /** A lock that a sera opens. */
  lock({ host = "web1", ttl = 6000, grace = 1000 }: FakeLockOptions = {}): LeaseLock<Session> {
    return new LeaseLock(this.#server(), {
      presence: { lock: LOCK, host, pid: 4711, label: "rotate-logs" },
      lease: { ttl, grace },
      recorded: false,
      lastRun: sql`(SELECT 5)`,
      retrying: (why) => this.retried.push(why),
      reconnected: (_where, why) => this.reconnected.push(why),
    });
  }

  /** Who holds the session lock of the lock's own name. */
  get queued(): Session | undefined {
    return this.queues.get(LOCK);
  }

  /** The lock's row, which must be there. */
  get row(): FakeRow {
    return this.rows.get(LOCK)!;
  }

  /** Gives the lock to an owner that does not renew it. */
  give({ owner = "f".repeat(32), fence = 7n, ttl = 6000, host = "web9" } = {}): FakeRow {
    const row = { owner, fence, beat: 1n, ttl, expires: this.now + ttl, host };
    this.rows.set(LOCK, row);
    return row;
  }

  #server(): LeaseServer<Session> {
    return {
      where: "Server at place",
      table: this.#table,
      queue: {
        enter: async (session, name, deadline, signal) => {
          for (;;) {
            const isLast = deadline.passed;
            const got = await unlessAborted(signal, this.ask(session, "enter", () => this.#enter(session, name)));
            if (got || isLast) return got;
            await delayOrAbort(Math.ceil(Math.min(QUEUE_PAUSE, deadline.remaining)), signal, session.closed);
            signal.throwIfAborted();
          }
        },
        enterAny: (session, names) =>
          this.ask(session, "enter any", () => names.find((name) => this.#enter(session, name))),
        leave: (session, name) => this.ask(session, "leave", () => this.#leave(session, name)),
        leaveWhere: (session, name) => {
          const statement = sql`leave`;
          this.#leaves.set(statement, () => {
            this.asked.push({
              at: performance.now(),
              what: "left with it",
              session: this.sessions.indexOf(session) + 1,
            });
            return this.#leave(session, name);
          });
          return { statement, wasHeld: ([row]) => row?.had as boolean | undefined };
        },
      },
      // deno-lint-ignore require-await
      open: async (signal) => {
        signal.throwIfAborted();
        return this.open();
      },
      hasSessionLocks: () => this.hasSessionLocks,
      takesSeveralLocks: () => true,
      keepsSession: (cause) => cause instanceof Refusal && cause.kind === "in the way",
      settingsFrom: () => "already set",
      sightings: () => Promise.resolve({ sightings: [], otherSessions: [] }),
    };
  }

  #enter(session: Session, name: string): boolean {
    if (this.queues.get(name)?.closed.aborted === false) return false;
    this.queues.set(name, session);
    return true;
  }

  #leave(session: Session, name: string): boolean {
    return this.queues.get(name) === session && this.queues.delete(name);
  }

  #take({ lock, owner, ttl, from, host }: Claim): bigint | undefined {
    const row = this.rows.get(lock);
    if (!row || this.isOutOfReach) return undefined;
    const isMine = row.owner === owner;
    if (row.owner !== null && !isMine && !this.#mayTake(row, from)) return undefined;
    const fence = isMine ? row.fence : row.fence + 1n;
    this.rows.set(lock, { owner, fence, beat: row.beat + 1n, ttl, expires: this.now + ttl, host });
    return fence;
  }

  #mayTake({ owner, fence, beat, ttl, expires }: FakeRow, from: Claim["from"]): boolean {
    if (from === "nobody") return false;
    if ("seen" in from) return from.seen.owner === owner && from.seen.fence === fence && from.seen.beat === beat;
    return expires < this.now - from.slack - from.ttls * ttl;
  }

  readonly #table: LeaseTable = {
    shown: "sera_leases",
    claim: (querier, claim) => {
      this.claims.push(claim);
      return this.ask(querier, "claim", () => this.#take(claim));
    },
    claimAndReadOthers: async (querier, claim) => {
      const fence = await this.#table.claim(querier, claim);
      return { fence, others: this.#others(claim) };
    },
    insertAndReadOthers: async (querier, claim) => {
      const fence = await this.#table.insert(querier, claim);
      return { fence, others: this.#others(claim) };
    },
    snapshot: (querier, lock) => this.ask(querier, "snapshot", () => this.#snapshot(lock)),
    renewAll: async (querier, rows, ttl) => {
      const [row] = rows;
      return [await this.#table.renew(querier, row!.lock, row!.mine, ttl)];
    },
    freeing: () => {
      throw new Error("one lock is held there");
    },
    insert: (querier, claim) => {
      this.claims.push(claim);
      return this.ask(querier, "insert", () => {
        if (this.rows.has(claim.lock)) return undefined;
        this.rows.set(claim.lock, { owner: null, fence: 0n, beat: 0n, ttl: 1, expires: 0, host: "" });
        return this.#take(claim);
      });
    },
    renew: (querier, lock, { owner, fence }, ttl) =>
      this.ask(querier, "renew", () => {
        const row = this.rows.get(lock);
        if (row?.owner !== owner || row.fence !== fence) return undefined;
        this.rows.set(lock, { ...row, beat: row.beat + 1n, ttl, expires: this.now + ttl });
        return row.beat + 1n;
      }),
    change: () => Promise.reject(new Error("nobody is ended there")),
    release: async (querier, lock, mine, ending) =>
      (await this.#table.releaseAnd(querier, lock, mine, [], ending)).isFreed,
    releaseAnd: (querier, lock, { owner, fence }, then, ending) =>
      this.ask(querier, ending ? "release with end" : "release", () => {
        const row = this.rows.get(lock);
        const isFreed = row?.owner === owner && row.fence === fence;
        if (isFreed) {
          if (ending) this.ended.push(ending);
          this.rows.set(lock, { ...row, owner: null, beat: row.beat + 1n });
        }
        // What goes with it happens only where the lease is no longer ours, as it is now.
        const outcomes = then.map((statement) => ({ rows: [{ had: this.#leaves.get(statement)?.() }] }));
        return { isFreed, outcomes };
      }),
    isGone: () => sql`gone`,
    read: (querier, lock) => this.ask(querier, "read", () => this.#read(lock)),
    list: () => Promise.resolve(new LeaseList()),
    known: () => Promise.resolve([]),
    forget: () => Promise.resolve(true),
    schema: () => "",
  };

  #snapshot(name: string): Snapshot {
    const { lock } = slotIn(name);
    const names = [...this.rows.keys()].filter((row) => slotIn(row).lock === lock);
    return { names: new Set(names), leases: names.flatMap((row) => this.#read(row) ?? []) };
  }

  #others({ lock, owner }: Claim): readonly Lease[] {
    return this.#snapshot(lock).leases.filter((lease) => lease.owner !== owner);
  }

  #read(lock: string): Lease | undefined {
    const row = this.rows.get(lock);
    if (!row || row.owner === null) return undefined;
    const { owner, expires, ...rest } = row;
    return { ...rest, lock, owner, left: expires - this.now, pid: 1, label: "other" };
  }
}
