import { LockUnavailableError, type Trouble } from "../../errors.ts";
import { type KeyValue, readRange, readTxn, type TxnAnswer } from "./answers.ts";
import { EtcdError } from "./errors.ts";
import { base64, int64, type JsonObject, object } from "./json.ts";
import { LedgerKeys } from "./ledger_keys.ts";
import type { Caller, OwnKey } from "./own_key.ts";
import { Path, type Range, range, step, txn, when } from "./requests.ts";

/** How many values are read at a time: with the longest texts they still fit into the longest answer that is accepted. */
const READ_AT_ONCE = 100;

/** How many keys without values are read at a time, by the same measure. */
const KEYS_AT_ONCE = 2000;

/** The lock was lost before the ledger could be written. */
export class LedgerLockLostError extends LockUnavailableError {}

/** An answer, and in which term of the leader it was given: a new leader lets all leases begin again. */
export interface Answer extends TxnAnswer {
  readonly term: bigint;
}

/** Asks etcd for the ledger's keys, and changes them under the lock. */
export class LedgerStore {
  readonly keys: LedgerKeys;
  readonly #client: Caller;
  readonly #own: OwnKey | undefined;
  readonly #noAnswer: AbortSignal | undefined;

  /**
   * @param own The key that holds the lock; undefined to read only, and to forget what has expired.
   * @param noAnswer Fires when an answer is no longer waited for.
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
  async read(...ranges: readonly Range[]): Promise<Answer> {
    return readAnswer(await this.ask(Path.txn, txn([], ranges.map((asked) => step.range(asked)))));
  }

  /**
   * Changes keys, if the lock is still held and the conditions hold.
   *
   * @param otherwise What to read if they do not.
   * @returns Whether they held, in which revision; if not, what was read instead.
   * @throws {LedgerLockLostError} When the lock is no longer held; then nothing was changed.
   */
  async change(
    conditions: readonly JsonObject[],
    steps: readonly JsonObject[],
    otherwise: Range,
  ): Promise<{ readonly done: boolean; readonly revision: bigint; readonly found: readonly KeyValue[] }> {
    const { key, created } = this.#held;
    const answer = readAnswer(
      await this.ask(
        Path.txn,
        txn([when.created(key, "EQUAL", created), ...conditions], steps, [
          step.range({ key, keysOnly: true }),
          step.range(otherwise),
        ]),
      ),
    );
    const { succeeded: done, revision } = answer;
    if (done) return { done, revision, found: [] };
    if (answer.range(0).keys[0]?.created === created) return { done, revision, found: answer.range(1).keys };
    const { what, cure } = this.#trouble({
      what: "the lock is lost, its key is gone, so nothing was written",
      cure: "see sera status who has it now",
    });
    throw new LedgerLockLostError(what, cure);
  }

  /** Changes keys that no lock guards, if the conditions hold. */
  async changeUnguarded(conditions: readonly JsonObject[], steps: readonly JsonObject[]): Promise<boolean> {
    return readTxn(await this.ask(Path.txn, txn(conditions, steps))).succeeded;
  }

  /**
   * A page of the keys that begin so, in their order.
   *
   * @param after The last key of the page before.
   * @param until The first key that is no longer meant; by default all are that begin so.
   */
  async page(
    prefix: string,
    { after, until, limit = Infinity, keysOnly = false }: {
      readonly after?: string | undefined;
      readonly until?: string;
      readonly limit?: number;
      readonly keysOnly?: boolean;
    } = {},
  ): Promise<readonly KeyValue[]> {
    const most = Math.min(limit, keysOnly ? KEYS_AT_ONCE : READ_AT_ONCE);
    return await this.#fitting(most, async (count, keysOnlyNow) => {
      const found = await this.ask(Path.range, {
        ...range({ key: prefix, prefix: true, limit: count, keysOnly: keysOnly || keysOnlyNow }),
        ...after === undefined ? {} : { key: base64(`${after}\0`) },
        ...until === undefined ? {} : { range_end: base64(until) },
      });
      return readRange(found).keys;
    });
  }

  /** The keys of these names that are there, in the order of the names. */
  async values(names: readonly string[]): Promise<readonly KeyValue[]> {
    const found: KeyValue[] = [];
    for (let at = 0; at < names.length;) {
      const { keys, count } = await this.#fitting(READ_AT_ONCE, async (count, keysOnly) => {
        const part = names.slice(at, at + count);
        const answer = await this.read(...part.map((key) => ({ key, keysOnly })));
        return { keys: part.flatMap((_, index) => answer.range(index).keys), count };
      });
      found.push(...keys);
      at += count;
    }
    return found;
  }

  /**
   * Reads fewer at a time when others have written values so long that they do not fit into one answer, and a single one
   * that does not without its value.
   */
  async #fitting<T>(most: number, read: (count: number, keysOnly: boolean) => Promise<T>): Promise<T> {
    for (let count = most;; count = Math.ceil(count / 2)) {
      try {
        return await read(count, false);
      } catch (error) {
        if (!isTooLong(error)) throw error;
        if (count === 1) return await read(1, true);
      }
    }
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
    throw this.failure({ what: "it is only to be read" });
  }
}

/** Whether an answer was longer than what is accepted. */
function isTooLong(error: unknown): boolean {
  return error instanceof LockUnavailableError && error.why.includes("more than 1 MiB");
}

function readAnswer(json: JsonObject): Answer {
  return { ...readTxn(json), term: int64(object(json, "header"), "raft_term") };
}
