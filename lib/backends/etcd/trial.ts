import type { Finding } from "../../doctor/report.ts";
import { pathOr } from "../../text/redaction.ts";
import type { EtcdClient } from "./client.ts";
import { EtcdLease } from "./lease.ts";
import { allOf, keyOf } from "./names.ts";
import { Path, step, txn } from "./requests.ts";

/** How long the trial's key stays if it cannot be deleted, in milliseconds. */
const TTL = 5000;

/**
 * Tries to write, read and delete a key of a lock, with a lease.
 *
 * @param name The lock's name.
 * @throws {LockUnavailableError} When that is not allowed.
 */
export async function tryPrivileges(client: EtcdClient, name: string): Promise<Finding> {
  const { prefix } = client.address;
  const lease = new EtcdLease(client, TTL);
  const key = keyOf(prefix, name, lease.id);
  await lease.grant({});
  try {
    await client.call(Path.txn, txn([], [step.put(key, "", lease.id)]), {});
    // The same range that a run reads.
    await client.call(Path.txn, txn([], [step.range(allOf(prefix, name)), step.deleteRange(key)]), {});
  } finally {
    await lease.revoke({});
  }
  return { found: `a key below ${pathOr(prefix)} was written, read and deleted` };
}
