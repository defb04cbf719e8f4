import { Moment } from "../../lock/lease.ts";
import { readGrant, readKeepAlive } from "./answers.ts";
import type { CallOptions, EtcdClient } from "./client.ts";
import { Code, EtcdError } from "./errors.ts";
import { field, int64, type JsonObject, MalformedAnswerError, object } from "./json.ts";
import { grant, leaseRequest, Path } from "./requests.ts";

/** What became of a renewal: when the request for it was sent; undefined if the lease has ended. */
export type Renewed = Moment | undefined;

/** How to ask for a renewal. */
export interface RenewOptions extends Omit<CallOptions, "asking" | "late"> {
  /** As in {@linkcode CallOptions}. */
  readonly late?: ((renewed: Promise<Renewed>) => void) | undefined;
}

/**
 * A lease of etcd: its keys are deleted when it is revoked, or was not renewed for its TTL. sera chooses its number, so that
 * a request for it can be repeated, and the lease revoked even if the answer was lost.
 */
export class EtcdLease {
  readonly id: bigint = randomId();
  readonly #client: EtcdClient;
  /** In whole seconds, as etcd counts. */
  readonly #seconds: number;
  #granted: number | undefined;
  #confirmed = new Moment();

  /** @param ttl After how long without a renewal it may end, in milliseconds; etcd may make it last longer. */
  constructor(client: EtcdClient, ttl: number) {
    this.#client = client;
    this.#seconds = Math.ceil(ttl / 1000);
  }

  /** After how long without a renewal etcd ends it, in milliseconds. */
  get ttl(): number {
    return this.#granted ?? 1000 * this.#seconds;
  }

  /** When the last request was sent whose answer showed that it lasts for its TTL from then on; at first when it was made. */
  get confirmed(): Moment {
    return this.#confirmed;
  }

  /**
   * Asks for it. May be repeated.
   *
   * @returns Whether it is there; false if it has ended in the meantime.
   * @throws {LockUnavailableError} When that is not known.
   */
  async grant({ signal, timeout }: CallOptions): Promise<boolean> {
    let sent = new Moment();
    try {
      const answer = await this.#client.call(Path.grant, grant(this.#seconds, this.id), {
        signal,
        timeout,
        asking: () => sent = new Moment(),
      });
      this.#granted = 1000 * Number(readGrant(answer).seconds);
    } catch (error) {
      // A previous attempt succeeded, possibly some time ago.
      if (isRefusal(error, Code.precondition, "lease already exists")) {
        return await this.renew({ signal, timeout }) !== undefined;
      }
      throw error;
    }
    this.#confirmed = sent;
    return true;
  }

  /**
   * Renews it.
   *
   * @returns When the request was sent whose answer shows that it lasts for its TTL from then on; undefined if it has ended.
   * @throws {LockUnavailableError} When that is not known.
   */
  async renew({ late, ...options }: RenewOptions): Promise<Renewed> {
    let sent = new Moment();
    const answer = await this.#client.call(Path.keepAlive, leaseRequest(this.id), {
      ...options,
      asking: () => sent = new Moment(),
      late: late && ((answer) => {
        const then = sent;
        late(answer.then((answer) => this.#renewed(answer, then)));
      }),
    });
    return this.#renewed(answer, sent);
  }

  /** @param sent When the request was sent. */
  #renewed(answer: JsonObject, sent: Moment): Renewed {
    // etcd reports an ended lease by leaving its TTL out; nothing else may be taken for that.
    if (field(answer, "result") === undefined || int64(object(answer, "result"), "ID") !== this.id) {
      throw new MalformedAnswerError("a renewal of another lease");
    }
    if (readKeepAlive(answer) <= 0n) return undefined;
    // Of two renewals at the same time, the older one may be answered last.
    if (sent.age < this.#confirmed.age) this.#confirmed = sent;
    return sent;
  }

  /**
   * Ends it, and the keys with it.
   *
   * @returns Whether it was there, as far as known: false also if another request was carried out that got no answer.
   * @throws {LockUnavailableError} When that is not known.
   */
  async revoke(options: CallOptions): Promise<boolean> {
    try {
      await this.#client.call(Path.revoke, leaseRequest(this.id), options);
      return true;
    } catch (error) {
      if (isLeaseGone(error)) return false;
      throw error;
    }
  }
}

/** Whether etcd refuses something since the lease has ended. */
export function isLeaseGone(error: unknown): boolean {
  return isRefusal(error, Code.notFound, "requested lease not found");
}

function isRefusal(error: unknown, code: number, words: string): boolean {
  return error instanceof EtcdError && error.code === code && error.words.includes(words);
}

/** A number that no other lease has: from 1 to 2^63 - 1, at random. */
function randomId(): bigint {
  const [bits] = crypto.getRandomValues(new BigUint64Array(1));
  return bits! >> 1n || 1n;
}
