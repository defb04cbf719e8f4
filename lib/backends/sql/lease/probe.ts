import type { Finding } from "../../../doctor/report.ts";
import { LockUnavailableError } from "../../../errors.ts";
import { lockName } from "../../../lock/lock_name.ts";
import { MIN_MARGIN } from "../../../lock/expiry_watch.ts";
import { formatDuration } from "../../../text/duration.ts";
import { holderText } from "../../../who/holder_text.ts";
import type { Querier } from "../querier.ts";
import { LEASE_WORDS, leaseFailure } from "./failure.ts";
import type { LeaseOptions } from "./options.ts";
import type { Claim, Lease, Ownership } from "./row.ts";
import { sightingOf } from "./sightings.ts";
import type { LeaseTable } from "./table.ts";

/** The test lock of users who may not delete its row: always the same one, so that only one row is left behind. */
const FALLBACK = lockName("sera doctor");

/** How often to retry while another doctor uses that lock, and the pause in between in milliseconds. */
const ATTEMPTS = 10;
const PAUSE = 200;

/**
 * Tests a lease from claim to release, as two owners.
 *
 * @param querier A session for leases.
 * @param others Returns the other servers on which a lease cannot be seen.
 * @throws {LockUnavailableError} When the table cannot be used, or does not work as it should.
 */
export async function probeLease(
  querier: Querier,
  table: LeaseTable,
  options: LeaseOptions,
  others: OtherServers,
): Promise<Finding> {
  const { presence } = options;
  const mayForget = await table.forget(querier, presence.lock);
  const lock = mayForget ? presence.lock : FALLBACK;
  try {
    return await new Probe(querier, table, lock, options, others).run();
  } finally {
    if (mayForget) await table.forget(querier, lock).catch(unlessUnavailable);
  }
}

type OtherServers = (lock: string, mine: Ownership) => Promise<readonly string[]>;

class Probe {
  readonly #querier: Querier;
  readonly #table: LeaseTable;
  readonly #lock: string;
  readonly #options: LeaseOptions;
  readonly #others: OtherServers;

  constructor(querier: Querier, table: LeaseTable, lock: string, options: LeaseOptions, others: OtherServers) {
    this.#querier = querier;
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
      // Also after an error, if the server allows it.
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
    for (let attempts = 1;; attempts++) {
      const claim = this.#claimBy(crypto.getRandomValues(new Uint8Array(16)).toHex());
      // Always try the INSERT too, since real runs need it when there is no row.
      const fence = await this.#table.insert(this.#querier, claim, lastRun) ??
        await this.#table.claim(this.#querier, claim, lastRun);
      if (fence !== undefined) return { owner: claim.owner, fence };
      const lease = await this.#table.read(this.#querier, this.#lock);
      if (lease && attempts === ATTEMPTS) return heldByOthers(lease);
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }

  async #refusesOthers(mine: Ownership): Promise<void> {
    const { ttl } = this.#options.lease;
    const other = this.#claimBy(crypto.getRandomValues(new Uint8Array(16)).toHex());
    if (await this.#table.claim(this.#querier, other) !== undefined) this.#isWrong("two owners got the same lease");
    if (await this.#table.renew(this.#querier, this.#lock, mine, ttl) === undefined) {
      this.#isWrong("it does not renew a lease");
    }
    const { owner, fence } = await this.#table.read(this.#querier, this.#lock) ?? {};
    if (owner !== mine.owner || fence !== mine.fence) this.#isWrong("it does not keep what was written");
  }

  #claimBy(owner: string): Claim {
    const { presence: { host, pid, label }, lease: { ttl } } = this.#options;
    return { lock: this.#lock, owner, ttl, from: { slack: MIN_MARGIN, ttls: 1 }, host, pid, label };
  }

  #release(mine: Ownership): Promise<boolean> {
    return this.#table.release(this.#querier, this.#lock, mine);
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
