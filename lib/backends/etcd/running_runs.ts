import { readTxn } from "./answers.ts";
import type { EtcdClient } from "./client.ts";
import { idIn, LedgerKeys } from "./ledger_keys.ts";
import { Path, step, txn } from "./requests.ts";

/** How many locks are asked about at once; etcd takes 128. */
const AT_ONCE = 100;

/**
 * The runs of the current holders, by the name of the lock, or of the slot that is held. A run's number is at least its
 * holder's fencing token, so a run with a lower number was left by an earlier holder that died.
 *
 * @throws {LockUnavailableError} When etcd cannot be asked.
 */
export async function runningRuns(
  client: EtcdClient,
  holders: readonly { readonly lock: string; readonly token: bigint }[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, bigint>> {
  const keys = new LedgerKeys(client.address.prefix);
  const running = new Map<string, bigint>();
  for (let at = 0; at < holders.length; at += AT_ONCE) {
    const some = holders.slice(at, at + AT_ONCE);
    const ranges = some.map(({ lock }) =>
      step.range({ key: keys.running(lock), prefix: true, limit: 1, keysOnly: true })
    );
    const answer = readTxn(await client.call(Path.txn, txn([], ranges), { signal }));
    some.forEach(({ lock, token }, index) => {
      const id = idIn(answer.range(index).keys[0]?.key);
      if (id !== undefined && id >= token) running.set(lock, id);
    });
  }
  return running;
}
