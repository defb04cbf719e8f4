import { Deadline } from "../../../deadline.ts";
import { LockUnavailableError } from "../../../errors.ts";
import type { Session } from "../session.ts";
import type { Ownership } from "./row.ts";
import type { LeaseTable } from "./table.ts";

/** How long a server may take to replicate what another one has committed, and the pause between two reads; in ms. */
const LAG = 3000;
const PAUSE = 100;

/**
 * The servers that have no copy of a lease: they keep leases of their own, or have not replicated it yet. Servers that
 * cannot be asked are left out.
 *
 * @param opens Connect to each server of the setting.
 */
export async function serversWithout<S extends Session>(
  opens: readonly (() => Promise<S>)[],
  table: LeaseTable,
  lock: string,
  mine: Ownership,
): Promise<readonly string[]> {
  const without: string[] = [];
  for (const open of opens) {
    try {
      const session = await open();
      try {
        if (!await hasCopy(session, table, lock, mine)) without.push(session.where);
      } finally {
        await session.close();
      }
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
    }
  }
  return without;
}

async function hasCopy(session: Session, table: LeaseTable, lock: string, { owner }: Ownership): Promise<boolean> {
  for (const deadline = new Deadline(LAG);;) {
    const isLast = deadline.passed;
    if ((await table.read(session, lock))?.owner === owner) return true;
    if (isLast) return false;
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}
