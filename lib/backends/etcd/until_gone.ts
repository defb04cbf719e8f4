import { LockUnavailableError } from "../../errors.ts";
import { serverWords } from "../network/server_words.ts";
import { readWatch } from "./answers.ts";
import type { EtcdClient } from "./client.ts";
import type { JsonObject } from "./json.ts";
import { type Keys, Path, watch } from "./requests.ts";

/**
 * Waits until one of some keys is gone, or may be: who waits looks again then.
 *
 * @param revision When they were there.
 * @throws {LockUnavailableError} When the watch has ended.
 * @throws The signal's reason when it is aborted.
 */
export async function untilGone(
  client: EtcdClient,
  keys: Keys,
  revision: bigint,
  signal: AbortSignal,
): Promise<void> {
  const messages = client.stream(Path.watch, watch({ ...keys, from: revision + 1n, deletesOnly: true }), { signal });
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
