import type { Finding } from "../../../doctor/report.ts";
import { LockUnavailableError } from "../../../errors.ts";
import { lockName } from "../../../lock/lock_name.ts";
import { SHORTEST_MARGIN } from "../../../lock/expiry_watch.ts";
import { formatDuration } from "../../../text/duration.ts";
import { holderText } from "../../../who/holder_text.ts";
import type { Asker } from "../asker.ts";
import { LEASE_WORDS, leaseFailure } from "./failure.ts";
import type { LeaseOptions } from "./options.ts";
import type { Claim, Lease, Ownership } from "./row.ts";
import { sightingOf } from "./sightings.ts";
import type { LeaseTable } from "./table.ts";

/** The lock that is tried by users who may not delete its row: one for all, so that it is the only one that stays. */
const LASTING = lockName("sera doctor");

/** How often to try again while another doctor tries that lock, and the pause between two tries in milliseconds. */
const TRIES = 10;
const PAUSE = 200;

/**
 * Tries a lease from its claim to its release, as two owners.
 *
 * @param asker A session for leases.
 * @param others Gives those of the other servers that do not have a lease.
 * @throws {LockUnavailableError} When the table cannot be used, or does not do as it should.
 */
export async function probeLease(
  asker: Asker,
  table: LeaseTable,
  options: LeaseOptions,
  others: OtherServers,
): Promise<Finding> {
  const { presence } = options;
  const mayForget = await table.forget(asker, presence.lock);
  const lock = mayForget ? presence.lock : LASTING;
  try {
    return await new Probe(asker, table, lock, options, others).run();
  } finally {
    if (mayForget) await table.forget(asker, lock).catch(unlessUnavailable);
  }
}

type OtherServers = (lock: string, mine: Ownership) => Promise<readonly string[]>;

class Probe {
  readonly #asker: Asker;
  readonly #table: LeaseTable;
  readonly #lock: string;
  readonly #options: LeaseOptions;
  readonly #others: OtherServers;

  constructor(asker: Asker, table: LeaseTable, lock: string, options: LeaseOptions, others: OtherServers) {
    this.#asker = asker;
    this.#table = table;
    this.#lock = lock;
    this.#options = options;
    this.#others = others;
  }

  async run(): Promise<Finding> {
    const began = performance.now();
    const first = await this.#acquire();
    if (!("fence" in first)) return first;
    const took = formatDuration(performance.now() - began);
    let without;
    try {
      await this.#refusesOthers(first);
      without = await this.#others(this.#lock, first);
    } finally {
      // Also after an error, as far as the server lets it.
      if (!await this.#release(first)) this.#isWrong("it does not release a lease");
    }
    const next = await this.#acquire();
    if (!("fence" in next)) return next;
    await this.#release(next);
    if (next.fence <= first.fence) this.#isWrong(`token ${next.fence} came after ${first.fence}`);
    const found = `test lease claimed in ${took}, second owner refused, renewed, released; its token grows`;
    if (without.length === 0) return { found };
    return {
      found: `${found}; but it was not seen on ${without.join(", ")}, which may keep leases of its own`,
      cure: "name servers that replicate from each other, and check that they do",
    };
  }

  /** Acquires the lease as a new owner; a finding if others hold it. */
  async #acquire(): Promise<Ownership | Finding> {
    const { lastRun } = this.#options;
    for (let tries = 1;; tries++) {
      const claim = this.#claimBy(crypto.getRandomValues(new Uint8Array(16)).toHex());
      // With an INSERT in any case: not every row will be there.
      const fence = await this.#table.insert(this.#asker, claim, lastRun) ??
        await this.#table.claim(this.#asker, claim, lastRun);
      if (fence !== undefined) return { owner: claim.owner, fence };
      const lease = await this.#table.read(this.#asker, this.#lock);
      if (lease && tries === TRIES) return heldByOthers(lease);
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }

  async #refusesOthers(mine: Ownership): Promise<void> {
    const { ttl } = this.#options.lease;
    const other = this.#claimBy(crypto.getRandomValues(new Uint8Array(16)).toHex());
    if (await this.#table.claim(this.#asker, other) !== undefined) this.#isWrong("two owners got the same lease");
    if (await this.#table.renew(this.#asker, this.#lock, mine, ttl) === undefined) {
      this.#isWrong("it does not renew a lease");
    }
    const { owner, fence } = await this.#table.read(this.#asker, this.#lock) ?? {};
    if (owner !== mine.owner || fence !== mine.fence) this.#isWrong("it does not keep what was written");
  }

  #claimBy(owner: string): Claim {
    const { presence: { host, pid, label }, lease: { ttl } } = this.#options;
    return { lock: this.#lock, owner, ttl, from: { slack: SHORTEST_MARGIN, ttls: 1 }, host, pid, label };
  }

  #release(mine: Ownership): Promise<boolean> {
    return this.#table.release(this.#asker, this.#lock, mine);
  }

  #isWrong(what: string): never {
    const cure = `define it as in ${LEASE_WORDS.definition}, and name another with ${LEASE_WORDS.flag}`;
    throw leaseFailure(this.#table.shown, { what, cure });
  }
}

function heldByOthers(lease: Lease): Finding {
  const who = holderText([sightingOf(lease)]);
  return { found: `not tried: another sera doctor holds the test lease${who && ` (${who})`}`, cure: "try again" };
}

function unlessUnavailable(error: unknown): void {
  if (!(error instanceof LockUnavailableError)) throw error;
}
