/** Several locks that are held together: all or none. */

import type { CallOptions, EtcdClient } from "./client.ts";
import { branchTaken, txnOf } from "./decision.ts";
import { MalformedAnswerError } from "./json.ts";
import { currentKeys } from "./current_keys.ts";
import type { Comer, Line, Place } from "./line.ts";
import { Queue, refuseSlots } from "./queue.ts";
import { Path, step, whenAll } from "./requests.ts";

/** How many locks one request takes: etcd takes 128 conditions. */
const MAX_LOCKS_PER_REQUEST = 40;

/** One of the locks. */
interface One {
  readonly line: Line;
  readonly comer: Comer;
}

/** A plain one. */
interface Plain extends One {
  readonly line: Queue;
}

/**
 * The queues for several locks, for one session. If all are free, one request takes them all. Otherwise it waits for one
 * after the other, always in the same order, so that two sessions never wait for each other.
 */
export class SeveralLines implements Line {
  readonly #client: EtcdClient;
  /** In the order in which they are asked for. */
  readonly #lines: readonly One[];
  /** The position of each lock among them, in the order in which the user named them; the main lock first. */
  readonly #order: readonly number[];
  /** The places in the queues that have been entered; only the last one may still be waiting. */
  #places: Place[] = [];
  /** Whether some were taken by an earlier request, so that their keys may be gone by now. */
  #isOld = false;
  #mayWait = false;

  private constructor(client: EtcdClient, lines: readonly One[], order: readonly number[]) {
    this.#client = client;
    this.#lines = lines;
    this.#order = order;
  }

  /**
   * @param comer Who comes, for the main lock.
   * @param main The queue for the main lock.
   * @param also The names of the other locks.
   */
  static of(comer: Comer, main: Line, also: readonly string[]): SeveralLines {
    const { lock } = comer;
    const rest = [...new Set(also)].filter((name) => name !== lock).map((name) => {
      const other = { ...comer, lock: name, value: comer.valueFor(name), ledger: undefined };
      return { line: new Queue(other), comer: other };
    });
    // Slots come last.
    const last = (line: Line) => line instanceof Queue ? 0 : 1;
    const lines = [{ line: main, comer }, ...rest].toSorted((a, b) =>
      last(a.line) - last(b.line) || (a.comer.lock < b.comer.lock ? -1 : 1)
    );
    const order = [lock, ...also].map((name) => lines.findIndex(({ comer }) => comer.lock === name));
    return new SeveralLines(comer.client, lines, order);
  }

  async enter(mayWait: boolean, options: CallOptions): Promise<Place | undefined> {
    this.#mayWait = mayWait;
    if (this.#places.length === 0 && await this.#takeAll(options)) return this.#whole();
    return await this.#proceed(options);
  }

  async find(_place: Place, options: CallOptions, gone: readonly string[] = []): Promise<Place | undefined> {
    this.#isOld = true;
    const last = this.#places.length - 1;
    const place = await this.#lines[last]!.line.find(this.#places[last]!, options, gone);
    if (!place) return undefined;
    this.#places[last] = place;
    return await this.#proceed(options);
  }

  /** Enters the remaining queues, up to the first one in which it has to wait. */
  async #proceed(options: CallOptions): Promise<Place | undefined> {
    for (const { line } of this.#lines.slice(this.#places.length)) {
      if (this.#places.at(-1)?.awaited) break;
      const place = await line.enter(this.#mayWait, options);
      if (!place) return undefined;
      this.#places.push(place);
    }
    const last = this.#places.at(-1)!;
    if (last.awaited) return last;
    return !this.#isOld || await this.#areThere(options) ? this.#whole() : undefined;
  }

  /** Takes all locks, if all are free and plain. Returns whether it has; then it knows the places. */
  async #takeAll(options: CallOptions): Promise<boolean> {
    const all = this.#lines.filter((one): one is Plain => one.line instanceof Queue);
    if (all.length < this.#lines.length || all.length > MAX_LOCKS_PER_REQUEST) return false;
    const { comer: main } = all[this.#order[0]!]!;
    const running = main.ledger?.inSlots("allRunning", main.lock);
    const decision = {
      when: all.flatMap(({ line }) => [whenAll.absent(line.all), whenAll.absent(line.slots)]),
      then: {
        is: "taken",
        steps: [
          ...all.map(({ comer: { value, lease }, line }) => step.put(line.key, value, lease)),
          ...running === undefined ? [] : [step.range({ ...running, countOnly: true })],
        ],
      },
      otherwise: {
        is: "not all",
        steps: all.flatMap(({ line }) => [
          step.range({ key: line.key, keysOnly: true }),
          step.range({ ...line.slots, limit: 1, keysOnly: true }),
        ]),
      },
    } as const;
    const { is, answer, revision } = branchTaken(decision, await this.#client.call(Path.txn, txnOf(decision), options));
    const place = ({ line: { key } }: Plain, created: bigint, hasLeftRuns?: boolean): Place => {
      return { key, created, awaited: undefined, revision, hasLeftRuns };
    };
    if (is === "taken") {
      const hasLeftRuns = running === undefined ? undefined : answer.range(all.length).count > 0n;
      this.#places = all.map((one) => place(one, revision, hasLeftRuns));
      return true;
    }
    // A previous attempt succeeded, although its answer was lost: it has put all keys.
    const own = all.map((_, index) => answer.range(2 * index).keys[0]?.created);
    if (own.every((created) => created !== undefined)) {
      this.#places = all.map((one, index) => place(one, own[index]!));
      return true;
    }
    all.forEach(({ line }, index) => refuseSlots(answer.range(2 * index + 1).keys, line.slots));
    return false;
  }

  /** Whether all keys are there. */
  async #areThere(options: CallOptions): Promise<boolean> {
    const found = await currentKeys(this.#client, this.#places, options);
    return this.#places.every(({ created }, index) => found[index]?.created === created);
  }

  #whole(): Place {
    const [main, ...also] = this.#order.map((index) => this.#places[index]);
    if (!main) throw new MalformedAnswerError("no key");
    return { ...main, also: also.flatMap((place) => place ?? []) };
  }
}
