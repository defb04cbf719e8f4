import { LockUnavailableError } from "../../errors.ts";
import { serverWords } from "../network/server_words.ts";
import { readWatch } from "./answers.ts";
import type { EtcdClient } from "./client.ts";
import type { JsonObject } from "./json.ts";
import { type Keys, Path, watch } from "./requests.ts";

/**
 * Waits until one of some keys is gone, or may be gone: the caller then looks again.
 *
 * @param revision A revision in which they existed.
 * @returns Which of them are gone, as far as that is known.
 * @throws {LockUnavailableError} When the watch has ended.
 * @throws The signal's reason when it is aborted.
 */
export async function untilGone(
  client: EtcdClient,
  keys: Keys,
  revision: bigint,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const messages = client.stream(Path.watch, watch({ ...keys, from: revision + 1n, deletesOnly: true }), { signal });
  try {
    for (;;) {
      const gone = goneIn(client, (await messages.next()).value);
      if (gone) return gone;
    }
  } finally {
    // The caller's next request is urgent; ending the stream is not.
    setTimeout(() => void messages.return(undefined as never));
  }
}

/** The keys that a watch reports as gone; none if etcd has compacted these events, so that any may be gone. */
function goneIn(client: EtcdClient, message: JsonObject): readonly string[] | undefined {
  const { events, canceled, compacted } = readWatch(message);
  if (compacted > 0n) return [];
  const gone = events.filter(({ deleted }) => deleted);
  if (gone.length > 0) return gone.flatMap(({ key: { key } }) => key ?? []);
  if (canceled === undefined) return undefined;
  const what = `it ended a watch (${serverWords(canceled) || "no reason"})`;
  throw LockUnavailableError.on(client.where, { what, cure: "see its log" }, { transient: true });
}
