/** The queue for a lock: its keys in the order in which they were created. The oldest is the holder's. */

import { LockUnavailableError } from "../../errors.ts";
import { serverWords } from "../network/server_words.ts";
import { type KeyValue, readTxn, readWatch, type TxnAnswer } from "./answers.ts";
import type { CallOptions, EtcdClient } from "./client.ts";
import { type JsonObject, NonsenseError } from "./json.ts";
import { Path, step, txn, watch, when, whenNone } from "./requests.ts";

/** A key in a queue. */
export interface Queued {
  /** What all keys of the queue begin with. */
  readonly queue: string;
  readonly key: string;
  /** What begins the keys of runs of this lock that have not ended, where a ledger is kept. */
  readonly running?: string | undefined;
}

/** Where in its queue a key is. */
export interface Place {
  /** The revision in which the key was created. */
  readonly created: bigint;
  /** The key just before it; undefined if it is the first, so that the lock is its. */
  readonly before: KeyValue | undefined;
  /** When that was so. */
  readonly revision: bigint;
  /** Whether an earlier holder has left runs that have not ended; undefined if that was not asked. */
  readonly hasLeftRuns: boolean | undefined;
}

/**
 * Puts a key at the end of its queue, unless it is in it. May be repeated.
 *
 * @param lease The lease that the key ends with.
 * @param onlyFirst Whether to put it only if it becomes the first.
 * @returns Its place; undefined if it is not in the queue.
 * @throws {LockUnavailableError} When that is not known, or the lease has ended.
 */
export async function enterQueue(
  client: EtcdClient,
  queued: Queued,
  { value, lease, onlyFirst }: { readonly value: string; readonly lease: bigint; readonly onlyFirst: boolean },
  options: CallOptions,
): Promise<Place | undefined> {
  const { queue, key } = queued;
  const body = txn(
    [onlyFirst ? whenNone(queue) : when.created(key, "EQUAL", 0n)],
    [
      step.put(key, value, lease),
      step.range({ key: queue, prefix: true, sort: "newest first", limit: 2, keysOnly: true }),
      ...leftRuns(queued),
    ],
    [step.range({ key, keysOnly: true })],
  );
  const answer = readTxn(await client.call(Path.txn, body, options));
  if (answer.succeeded) {
    const [mine, before] = answer.range(1).keys;
    if (!mine) throw new NonsenseError("no key");
    return { created: mine.created, before, revision: answer.revision, hasLeftRuns: hasLeftRuns(queued, answer) };
  }
  // An earlier request was carried out.
  const [mine] = answer.range(0).keys;
  return mine && await findPlace(client, queued, mine.created, options);
}

/**
 * Looks where in its queue a key is. That it is there shows that its lease had not ended: etcd may tell a waiter of its
 * turn after that (etcd#11456).
 *
 * @param created The revision in which it was created.
 * @returns Its place; undefined if it is not in the queue any more.
 * @throws {LockUnavailableError} When that is not known.
 */
export async function findPlace(
  client: EtcdClient,
  queued: Queued,
  created: bigint,
  options: CallOptions,
): Promise<Place | undefined> {
  const { queue, key } = queued;
  const before = { key: queue, prefix: true, createdUpTo: created - 1n, sort: "newest first", limit: 1 } as const;
  const body = txn([], [
    step.range({ key, keysOnly: true }),
    step.range({ ...before, keysOnly: true }),
    ...leftRuns(queued),
  ]);
  const answer = readTxn(await client.call(Path.txn, body, options));
  const [mine] = answer.range(0).keys;
  if (mine?.created !== created) return undefined;
  const { revision } = answer;
  return { created, before: answer.range(1).keys[0], revision, hasLeftRuns: hasLeftRuns(queued, answer) };
}

/**
 * The last step of a look at a place, which asks for runs that have not ended: that saves the holder a request. It stays
 * true for as long as the lock is held, since nobody else begins a run.
 */
function leftRuns({ running }: Queued): readonly JsonObject[] {
  return running === undefined ? [] : [step.range({ key: running, prefix: true, countOnly: true })];
}

function hasLeftRuns({ running }: Queued, answer: TxnAnswer): boolean | undefined {
  return running === undefined ? undefined : answer.range(2).count > 0n;
}

/**
 * Waits until the key before this place is gone, or may be: who waits looks again then.
 *
 * @param queue What all keys of the queue begin with.
 * @throws {LockUnavailableError} When the watch has ended.
 * @throws The signal's reason when it is aborted.
 */
export async function untilGone(
  client: EtcdClient,
  queue: string,
  { before, revision }: Place,
  signal: AbortSignal,
): Promise<void> {
  const from = revision + 1n;
  // A key that is no text cannot be named.
  const what = before?.key === undefined ? { key: queue, prefix: true } : { key: before.key };
  const messages = client.stream(Path.watch, watch({ ...what, from, deletesOnly: true }), { signal });
  try {
    while (!isOver(client, (await messages.next()).value));
  } finally {
    // What comes next is urgent, and to end the stream is not.
    setTimeout(() => void messages.return(undefined as never));
  }
}

/** Whether a message of a watch says that a key is gone, or that it may be, since what has happened is compacted. */
function isOver(client: EtcdClient, message: JsonObject): boolean {
  const { events, canceled, compacted } = readWatch(message);
  if (canceled === undefined || compacted > 0n) return compacted > 0n || events.some(({ deleted }) => deleted);
  const what = `it ended a watch (${serverWords(canceled) || "no reason"})`;
  throw LockUnavailableError.on(client.where, { what, cure: "see its log" }, { transient: true });
}
