import type { Finding, Report, Warning } from "../../../doctor/report.ts";
import type { TableName } from "../../../ledger/table_name.ts";
import type { Session } from "../session.ts";
import type { Statement } from "../statement.ts";
import { compareClocks } from "./clocks.ts";
import { serversWithout } from "./copies.ts";
import { findMixedUse } from "./mixed_use.ts";
import type { LeaseOptions } from "./options.ts";
import { probeLease } from "./probe.ts";
import type { Ownership } from "./row.ts";
import type { LeaseServer } from "./server.ts";

/** The checks of leases, in order. */
export const LEASE_CHECKS = ["durability", "lease", "plain-locks"];

/** What `sera doctor` needs to check leases on a kind of database. */
export interface LeaseDatabase<S extends Session> {
  readonly server: LeaseServer<S>;
  readonly options: LeaseOptions;
  /** The ledger's table, which may be missing. */
  readonly ledger: TableName;
  /** Selects the server's time as `now`, in seconds since 1970 with fractions. */
  readonly now: Statement;
  /** Connect to each server of the setting, for reading only. */
  readonly opens: readonly (() => Promise<S>)[];
  /** Whether the server could forget what it has committed. */
  durability(session: S): Promise<Finding>;
}

/**
 * Checks leases. Returns whether a run could get one.
 *
 * @param session A session for leases.
 */
export async function checkLeases<S extends Session>(
  report: Report,
  { server, options, ledger, opens, durability }: LeaseDatabase<S>,
  session: S,
): Promise<boolean> {
  const others = (...lease: [lock: string, mine: Ownership]) =>
    serversWithout(opens.length > 1 ? opens : [], server.table, ...lease);
  await report.checkOptional("durability", () => durability(session));
  const works = await report.check("lease", () => probeLease(session, server.table, options, others));
  if (works) await report.checkOptional("plain-locks", () => findMixedUse(server, session, ledger));
  report.skipRest(LEASE_CHECKS);
  return works;
}

/** Compares the clocks that leases depend on. Each of several servers is asked in a connection of its own. */
export function compareLeaseClocks<S extends Session>(
  { server, options, now, opens }: LeaseDatabase<S>,
  session: S,
): Promise<Finding> {
  // The existing session, since the user may be limited to a few.
  const here = { where: session.where, queryAll: session.queryAll.bind(session), close: () => Promise.resolve() };
  return compareClocks(opens.length > 1 ? opens : [() => Promise.resolve(here)], {
    now,
    ttl: options.lease.ttl,
    isTrusted: !server.hasSessionLocks(session),
  });
}

/** Combines warnings into one finding, which is fine if there are none. */
export function worstOf(warnings: readonly Warning[], fine: string): Finding {
  if (warnings.length === 0) return { found: fine };
  return {
    found: warnings.map(({ found }) => found).join("; "),
    cure: warnings.map(({ cure }) => cure).join(", and "),
  };
}
