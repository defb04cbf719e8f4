import { LockUnavailableError, type Trouble } from "../../errors.ts";
import { type KeyValue, readRange, readTxn, type TxnAnswer } from "./answers.ts";
import { EtcdError } from "./errors.ts";
import { base64, type JsonObject } from "./json.ts";
import { readFitting } from "./read_fitting.ts";
import { LedgerKeys } from "./ledger_keys.ts";
import type { Caller, OwnKey } from "./own_key.ts";
import { Path, type Range, range, step, txn, when } from "./requests.ts";

/** How many values to read at a time: even with the longest texts they fit into the longest answer that is accepted. */
const READ_AT_ONCE = 100;

/** How many keys without values to read at a time, for the same reason. */
const KEYS_AT_ONCE = 2000;

/** The lock was lost before the ledger could be written. */
export class LedgerLockLostError extends LockUnavailableError {}

/** The outcome of a change. */
export interface Change {
  /** Whether all conditions were met, so that it was made. */
  readonly done: boolean;
  /** Whether the lock was held. */
  readonly isHeld: boolean;
  readonly revision: bigint;
  /** What was read instead. */
  readonly found: readonly KeyValue[];
}

/** Asks etcd for the ledger's keys, and changes them under the lock. */
export class LedgerStore {
  readonly keys: LedgerKeys;
  readonly #client: Caller;
  readonly #own: OwnKey | undefined;
  readonly #noAnswer: AbortSignal | undefined;

  /**
   * @param own The key that holds the lock; undefined to read only, and to forget what has expired.
   * @param noAnswer Fires when answers are no longer awaited.
   */
  constructor(client: Caller, own: OwnKey | undefined, noAnswer?: AbortSignal) {
    this.#client = client;
    this.#own = own;
    this.#noAnswer = noAnswer;
    this.keys = new LedgerKeys(client.address.prefix);
  }

  /** The revision in which the lock was acquired. */
  get token(): bigint {
    return this.#held.created;
  }

  /**
   * Sends a request.
   *
   * @throws {LockUnavailableError} When etcd refuses it, or cannot be asked.
   */
  async ask(path: string, body: JsonObject): Promise<JsonObject> {
    try {
      return await this.#client.call(path, body, { signal: this.#noAnswer });
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      throw this.failure({ what: error.why, cure: error.cure }, error);
    }
  }

  /** Reads several ranges at once. */
  async read(...ranges: readonly Range[]): Promise<TxnAnswer> {
    return readTxn(await this.ask(Path.txn, txn([], ranges.map((asked) => step.range(asked)))));
  }

  /**
   * Changes keys, if the lock is still held and the conditions are met.
   *
   * @param otherwise What to read if they are not.
   * @returns Whether they were, and the revision; if not, what was read instead.
   * @throws {LedgerLockLostError} When the lock is no longer held; then nothing was changed.
   */
  async change(conditions: readonly JsonObject[], steps: readonly JsonObject[], otherwise: Range): Promise<Change> {
    const change = await this.#change(conditions, steps, otherwise);
    if (!change.isHeld) throw this.#lost();
    return change;
  }

  /**
   * Like {@linkcode change}, but also releases the lock.
   *
   * @param isDone Whether what was read instead shows that an earlier, unanswered request has already done this.
   */
  async changeLast(
    conditions: readonly JsonObject[],
    steps: readonly JsonObject[],
    otherwise: Range,
    isDone: (found: readonly KeyValue[]) => boolean,
  ): Promise<Change> {
    const { key, beside = [], end } = this.#held;
    if (!end) return await this.change(conditions, steps, otherwise);
    end.state = "asked for";
    const change = await this.#change(
      conditions,
      [...steps, ...[key, ...beside].map((key) => step.deleteRange(key))],
      otherwise,
    );
    const isReleased = change.done || !change.isHeld && isDone(change.found);
    end.state = isReleased ? "done" : "not asked for";
    if (!change.isHeld && !isReleased) throw this.#lost();
    return change;
  }

  async #change(conditions: readonly JsonObject[], steps: readonly JsonObject[], otherwise: Range): Promise<Change> {
    const { key, created } = this.#held;
    const answer = readTxn(
      await this.ask(
        Path.txn,
        txn([when.created(key, "EQUAL", created), ...conditions], steps, [
          step.range({ key, keysOnly: true }),
          step.range(otherwise),
        ]),
      ),
    );
    const { succeeded: done, revision } = answer;
    if (done) return { done, isHeld: true, revision, found: [] };
    const isHeld = answer.range(0).keys[0]?.created === created;
    return { done, isHeld, revision, found: answer.range(1).keys };
  }

  #lost(): LedgerLockLostError {
    const { what, cure } = this.#trouble({
      what: "the lock is lost and its key is gone, so nothing was written",
      cure: "see sera status for who holds it now",
    });
    return new LedgerLockLostError(what, cure);
  }

  /** Changes keys that no lock protects, if the conditions are met. */
  async changeUnguarded(conditions: readonly JsonObject[], steps: readonly JsonObject[]): Promise<boolean> {
    return readTxn(await this.ask(Path.txn, txn(conditions, steps))).succeeded;
  }

  /**
   * A page of the keys with a prefix, in order.
   *
   * @param after The last key of the page before.
   * @param until The first key to exclude; by default all with the prefix are included.
   */
  async page(
    prefix: string,
    { after, until, limit = Infinity, keysOnly = false }: {
      readonly after?: string | undefined;
      readonly until?: string | undefined;
      readonly limit?: number;
      readonly keysOnly?: boolean;
    } = {},
  ): Promise<readonly KeyValue[]> {
    const max = Math.min(limit, keysOnly ? KEYS_AT_ONCE : READ_AT_ONCE);
    return await readFitting(max, async (count, keysOnlyNow) => {
      const found = await this.ask(Path.range, {
        ...range({ key: prefix, prefix: true, limit: count, keysOnly: keysOnly || keysOnlyNow }),
        ...after === undefined ? {} : { key: base64(`${after}\0`) },
        ...until === undefined ? {} : { range_end: base64(until) },
      });
      return readRange(found).keys;
    });
  }

  /** The keys with these names that exist, in the order of the names. */
  async values(names: readonly string[]): Promise<readonly KeyValue[]> {
    const found: KeyValue[] = [];
    for (let at = 0; at < names.length;) {
      const { keys, count } = await readFitting(READ_AT_ONCE, async (count, keysOnly) => {
        const part = names.slice(at, at + count);
        const answer = await this.read(...part.map((key) => ({ key, keysOnly })));
        return { keys: part.flatMap((_, index) => answer.range(index).keys), count };
      });
      found.push(...keys);
      at += count;
    }
    return found;
  }

  /** The error for a ledger that cannot be used. */
  failure(trouble: Trouble, error?: LockUnavailableError): LockUnavailableError {
    const { what, cure } = this.#trouble(trouble);
    return new LockUnavailableError(what, cure, {
      transient: error?.transient,
      why: trouble.what,
      where: this.#client.where,
      cause: error,
    });
  }

  #trouble({ what, cure }: Trouble): Trouble {
    return { what: `Cannot use the ledger on ${this.#client.where}: ${what}`, cure };
  }

  get #held(): OwnKey {
    if (this.#own) return this.#own;
    throw this.failure({ what: "it is read-only" });
  }
}
