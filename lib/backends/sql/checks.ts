import { formatDuration } from "../../text/duration.ts";
import { UnsafeServerError } from "../../errors.ts";
import { askOne } from "./answer.ts";
import type { Lock } from "../../lock/lock.ts";
import type { Session } from "./session.ts";
import { sql, type Statement } from "./statement.ts";
import { checkAddresses } from "../network/address_check.ts";
import { type RoundTrips, timeAnswers } from "../../doctor/round_trip.ts";
import { probeLock } from "../../doctor/probe_lock.ts";
import type { Finding, Report } from "../../doctor/report.ts";
import type { Address } from "../network/address.ts";
import { checkLeases, compareLeaseClocks, LEASE_CHECKS, type LeaseDatabase } from "./lease/checks.ts";
import { checkTls, type Connected, type TlsPolicy } from "../network/tls_check.ts";

/** The checks that differ between kinds of databases. Each may throw a `LockUnavailableError`. */
export interface Database<S extends Session> {
  readonly addresses: readonly Address[];
  readonly tls: TlsPolicy;
  /** Selects the server's time as `now`, in seconds since 1970. */
  readonly now: Statement;
  /** Connects as a run does. */
  open(allowUnsafeServer: boolean): Promise<S>;
  version(session: S): Promise<string>;
  /**
   * Whether locks are cluster-wide, which they are not on a replica, a cluster or a pool. May end the session.
   *
   * @returns The finding, and the session to continue with.
   */
  topology(session: S): Promise<{ readonly finding: Finding; readonly session: S }>;
  /** Whether the user may do what a lock needs. */
  privileges(session: S): Promise<Finding>;
  /** Whether the server has applied the settings of the session. */
  settings(session: S): Promise<Finding>;
  /** Which locks of others this user can see. */
  view(session: S): Promise<Finding>;
  /** How many round trips a run takes over such connections; undefined in the rare case that statements go one at a time. */
  roundTrips(session: S): Promise<RoundTrips | undefined>;
  /** Present if locks are rows. */
  readonly leases?: LeaseDatabase<S> | undefined;
}

const NAMES = [
  "address",
  "connection",
  "tls",
  "version",
  "topology",
  "privileges",
  "session",
  "visibility",
  "round-trip",
  "clock",
];

/** Clocks that differ by no more than this agree, in seconds; servers report whole seconds. */
const AGREE = 2;
/** Clocks that differ by more than this should be corrected, in seconds. */
const FAR_APART = 5;

/** What `sera status` can show where there are no session locks. */
const LEASES_SEEN: Finding = { found: "sera status can list all leases, but not who waits for one" };

/**
 * Checks a database, from the address of its host to a lock.
 *
 * @param makeLock Makes the lock for the locking test.
 */
export async function checkDatabase<S extends Session>(
  report: Report,
  database: Database<S>,
  allowUnsafeServer: boolean,
  makeLock: () => Promise<Lock>,
): Promise<void> {
  if (await report.check("address", () => checkAddresses(database.addresses))) {
    const uses = await checkConnection(report, database, allowUnsafeServer);
    if (uses === "leases alone") return;
    if (uses === "session locks") await report.check("lock", () => probeLock(makeLock, allowUnsafeServer));
  }
  report.skipRest([...NAMES, ...database.leases ? LEASE_CHECKS : [], "lock"]);
}

/** The checks in one connection. Returns what the server can be used for. */
async function checkConnection<S extends Session>(
  report: Report,
  database: Database<S>,
  allowUnsafeServer: boolean,
): Promise<"nothing" | "leases alone" | "session locks"> {
  const { leases } = database;
  let session: S | undefined;
  let refused: UnsafeServerError | undefined;
  const began = performance.now();
  await report.check("connection", async () => {
    try {
      session = await database.open(allowUnsafeServer);
    } catch (error) {
      if (!(error instanceof UnsafeServerError)) throw error;
      refused = error;
      session = await database.open(true);
    }
    const took = formatDuration(performance.now() - began);
    return { found: `${session.where}: connected and logged in within ${took}` };
  });
  if (!session) return "nothing";
  let current = session;
  try {
    await report.check("tls", () => checkTls(connectionOf(current), database.tls));
    await report.checkOptional("version", async () => ({ found: await database.version(current) }));
    const fit = await report.check("topology", async () => {
      if (refused) throw refused;
      const { finding, session } = await database.topology(current);
      current = session;
      return finding;
    });
    // If it cannot reconnect, the next check reports that.
    if (current.closed.aborted) current = await database.open(true).catch(() => current);
    const may = await report.check("privileges", () => database.privileges(current));
    await report.checkOptional("session", () => database.settings(current));
    await report.checkOptional(
      "visibility",
      () => !leases || leases.server.hasSessionLocks(current) ? database.view(current) : Promise.resolve(LEASES_SEEN),
    );
    await report.checkOptional(
      "round-trip",
      async () => timeAnswers(() => current.query(sql`SELECT 1`), await database.roundTrips(current)),
    );
    await report.checkOptional(
      "clock",
      () => leases ? compareLeaseClocks(leases, current) : compareClocks(current, database.now),
    );
    if (!fit || !may) return "nothing";
    const worked = !leases || await checkLeases(report, leases, current);
    if (leases && !leases.server.hasSessionLocks(current)) return "leases alone";
    return worked ? "session locks" : "nothing";
  } finally {
    // The next checks need sessions too, and the user or a pool may be limited to a few.
    await current.close({ untilGone: true });
  }
}

function connectionOf({ socket }: Session): Connected {
  return {
    encrypted: (socket as { readonly encrypted?: boolean }).encrypted ?? false,
    remote: socket.remoteAddress,
  };
}

/** For information only: locks do not depend on the wall clock. */
async function compareClocks(session: Session, now: Statement): Promise<Finding> {
  const before = Date.now();
  const server = (await askOne(session, now, ["now"])).number("now");
  const here = (before + Date.now()) / 2000;
  const apart = Math.abs(server - here);
  if (apart <= AGREE) return { found: `server and local clocks agree within ${AGREE}s` };
  const by = formatDuration(Math.round(apart) * 1000);
  const found = `the server's clock is ${by} ${server > here ? "ahead of" : "behind"} the local one`;
  if (apart <= FAR_APART) return { found };
  return {
    found,
    cure: "set both with NTP: locking is not affected, but cron uses the local clock, and --every the server's",
  };
}
