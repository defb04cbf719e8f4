import type { Claim, Ownership } from "../../../lib/backends/sql/lease/row.ts";
import type { ObservedLease } from "../../../lib/lock/expiry_watch.ts";
import type { Agenda } from "./agenda.ts";
import type { Judge } from "./judge.ts";
import type { Flaw } from "./world.ts";

/** A node of the database. */
export class Node {
  /** How far its clock is off, in milliseconds. */
  offset = 0;
  isUp = true;
}

/** What of a claim the model goes by. */
export type ModelClaim = Pick<Claim, "owner" | "ttl" | "from">;

/**
 * The row of one lock, and what each statement does to it at once. (On several nodes certification sees to that.) Times
 * are those of the node that runs the statement.
 */
export class Server {
  owner: string | undefined;
  fence = 0n;
  /** When the row was changed last, in true time. */
  changed = 0;
  #beat = 0n;
  #ttl = 0;
  #expires = 0;
  #before: ObservedLease | undefined;
  readonly #agenda: Agenda;
  readonly #judge: Judge;
  readonly #flaw: Flaw | undefined;

  constructor(agenda: Agenda, judge: Judge, flaw: Flaw | undefined) {
    this.#agenda = agenda;
    this.#judge = judge;
    this.#flaw = flaw;
  }

  /** Returns the fencing token; undefined if the lease is another's. */
  claim(node: Node, { owner, ttl, from }: ModelClaim): bigint | undefined {
    const isMine = this.owner === owner;
    if (!isMine && this.owner !== undefined && !this.#mayTake(node, from)) return undefined;
    return this.take(node, { owner, ttl }, !isMine || this.#flaw === "takes a second number when it asks again");
  }

  /** Gives the lease to an owner, even if another has it. */
  take(node: Node, { owner, ttl }: Omit<ModelClaim, "from">, isNew: boolean): bigint {
    this.#before = this.read();
    if (isNew) this.fence++;
    this.owner = owner;
    this.#ttl = ttl;
    this.#touch(node);
    if (this.#flaw === "begins the beats anew") this.#beat = 0n;
    return this.fence;
  }

  /** Returns whether the lease was still theirs. */
  renew(node: Node, { owner, fence }: Ownership): boolean {
    if (this.owner !== owner || this.fence !== fence) return false;
    this.#before = this.read();
    this.#touch(node);
    return true;
  }

  release(node: Node, { owner, fence }: Ownership): void {
    if (this.#flaw !== "releases whoever owns it" && (this.owner !== owner || this.fence !== fence)) return;
    this.#before = this.read();
    this.owner = undefined;
    this.#touch(node);
  }

  /** @param lags Whether to show what there was before the last change. */
  read(lags = false): ObservedLease | undefined {
    if (lags) return this.#before;
    const { owner, fence } = this;
    return owner === undefined ? undefined : { owner, fence, beat: this.#beat, ttl: this.#ttl };
  }

  #mayTake(node: Node, from: Claim["from"]): boolean {
    if (from === "nobody") return false;
    if ("slack" in from) return this.#expires < this.#clock(node) - from.slack - from.ttls * this.#ttl;
    const { owner, fence, beat } = from.seen;
    if (this.#flaw === "takes over whatever is there") return true;
    const isSame = owner === this.owner && fence === this.fence;
    return isSame && (beat === this.#beat || this.#flaw === "takes over whatever the beat");
  }

  #touch(node: Node): void {
    this.#beat++;
    this.#expires = this.#clock(node) + this.#ttl;
    this.changed = this.#agenda.now;
    this.#judge.changed(this);
  }

  #clock(node: Node): number {
    return this.#agenda.now + node.offset;
  }
}
