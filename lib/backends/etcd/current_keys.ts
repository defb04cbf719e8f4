import { type KeyValue, readRange, readTxn } from "./answers.ts";
import type { CallOptions, EtcdClient } from "./client.ts";
import { Path, range, step, txn } from "./requests.ts";

/** How many keys are looked at in one request: etcd takes 128 steps. */
const MAX_KEYS_PER_REQUEST = 100;

/**
 * Looks at keys, without their values.
 *
 * @returns For each of them what there is; undefined if it is not there.
 * @throws {LockUnavailableError} When etcd cannot be asked.
 */
export async function currentKeys(
  client: EtcdClient,
  keys: readonly { readonly key: string }[],
  options: CallOptions,
): Promise<readonly (KeyValue | undefined)[]> {
  const [only, ...more] = keys;
  if (only && more.length === 0) {
    return [readRange(await client.call(Path.range, range({ key: only.key, keysOnly: true }), options)).keys[0]];
  }
  const found: (KeyValue | undefined)[] = [];
  for (let at = 0; at < keys.length; at += MAX_KEYS_PER_REQUEST) {
    const some = keys.slice(at, at + MAX_KEYS_PER_REQUEST);
    const body = txn([], some.map(({ key }) => step.range({ key, keysOnly: true })));
    const answer = readTxn(await client.call(Path.txn, body, options));
    found.push(...some.map((_, index) => answer.range(index).keys[0]));
  }
  return found;
}
