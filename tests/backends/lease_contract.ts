/** The contract of a lock, where it is a lease. */

import { until } from "../cli/wait.ts";
import { lockContract, type LockPlace } from "./lock_contract.ts";
import type { OpenOptions } from "./open.ts";
import { countPolling, type Noted } from "./polling.ts";

/** Short, since the contract waits for the leases of those who died, but long enough for a slow machine. */
const TERMS = { ttl: 8000, grace: 1000 };

let clients = 0;

/** How a client's lease is opened. Each has a label of its own, by which a server's log tells them apart. */
export function leaseOptions(schema?: string): OpenOptions {
  const leaseTable = schema === undefined ? { name: "contract_leases" } : { schema, name: "contract_leases" };
  return { lease: TERMS, leaseTable, label: `client${++clients}` };
}

/**
 * Defines the contract's tests for leases.
 *
 * @param schema The schema of the table, if the setting names none.
 */
export function leaseContract(place: Omit<LockPlace, "options">, schema?: string): void {
  lockContract({ ...place, options: () => leaseOptions(schema) });
}

/** Resolves when so many poll for a lock. */
export async function polling(count: number, noted: () => Promise<readonly Noted[]>): Promise<void> {
  await until(`${count} polling`, async () => countPolling(await noted()) === count);
}
