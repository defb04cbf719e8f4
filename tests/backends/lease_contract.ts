/** The contract of a lock, where it is a lease. */

import { until } from "../cli/wait.ts";
import { lockContract, type LockPlace } from "./lock_contract.ts";
import type { OpenOptions } from "./open.ts";

/** A statement that a server has noted, with whoever sent it. */
export interface Noted {
  readonly client: string;
  readonly sql: string;
}

/** Short, since the contract waits for the leases of those who died, but long enough for a slow machine. */
const TERMS = { ttl: 8000, grace: 1000 };

let clients = 0;

/** How a client's lease is opened. Each has a label of its own, by which a server's log tells them apart. */
function leaseOptions(schema?: string): OpenOptions {
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

/**
 * Resolves when so many poll for a lock: their last statement about it has only read its row.
 *
 * @param noted The statements in which the lock's name is, in order.
 */
export async function polling(count: number, noted: () => Promise<readonly Noted[]>): Promise<void> {
  await until(`${count} polling`, async () => {
    const last = new Map((await noted()).map(({ client, sql }) => [client, sql]));
    return [...last.values()].filter((sql) => !/\b(?:INSERT|UPDATE)\b/.test(sql)).length === count;
  });
}
