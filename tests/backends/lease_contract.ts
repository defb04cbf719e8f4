/** The contract of a lock, where it is a lease. */

import { until } from "../cli/wait.ts";
import { lockContract, type LockPlace } from "./lock_contract.ts";
import type { OpenOptions } from "./open.ts";
import { countPolling, type Noted } from "./polling.ts";

/** For holders that die, since others wait for the end of their leases, and for those that are to look at them soon. */
export const SHORT: OpenOptions = { lease: { ttl: 8000, grace: 1000 } };

let clients = 0;

/**
 * How a client's lease is opened: with a long one, for which a server that answers late is not given up. Each has a label of
 * its own, by which a server's log tells them apart.
 */
export function leaseOptions(schema?: string): OpenOptions {
  const leaseTable = schema === undefined ? { name: "contract_leases" } : { schema, name: "contract_leases" };
  return { leaseTable, label: `client${++clients}` };
}

/**
 * Defines the contract's tests for leases.
 *
 * @param schema The schema of the table, if the setting names none.
 */
export function leaseContract(place: Omit<LockPlace, "options" | "short">, schema?: string): void {
  lockContract({ ...place, options: () => leaseOptions(schema), short: SHORT });
}

/** Resolves when so many poll for a lock. */
export async function polling(count: number, noted: () => Promise<readonly Noted[]>): Promise<void> {
  await until(`${count} polling`, async () => countPolling(await noted()) === count);
}
