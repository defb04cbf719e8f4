import { lineOf, LockUnavailableError, UnsafeServerError } from "../../errors.ts";
import { formatDuration } from "../../text/duration.ts";
import { TimeLimit } from "../../waiting.ts";
import { shownAddress } from "../network/address.ts";
import { LoginRefusedError } from "./auth.ts";
import { whereIs } from "./errors.ts";
import type { MySqlDsn, MySqlHost } from "./server.ts";
import { errorNumber } from "./table_errors.ts";

/** Error numbers below this are the system's, not a server's. */
const FIRST_OF_SERVERS = 1000;

/**
 * Tries the servers of a DSN in order, until one can be used. Skips servers that cannot be reached, are starting, stopping
 * or full, are read-only or cut off from their cluster, or are not trusted. As in libpq, a refusal ends the search: the next
 * server would refuse the same login, and repeating a wrong password locks accounts.
 *
 * @param open Tries one server until its signal fires.
 * @param signal Aborts the search.
 * @param limit Milliseconds after which the signal aborts it.
 * @throws {LockUnavailableError} When none can be used.
 * @throws The signal's reason, or what else `open` throws.
 */
export async function firstUsable<T>(
  dsn: MySqlDsn,
  open: (host: MySqlHost, signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
  limit: number,
): Promise<T> {
  const hosts = dsn.addresses.map((address): MySqlHost => ({ ...dsn, addresses: [address] }));
  const [first] = hosts;
  if (hosts.length === 1) return await open(first!, signal);
  const failures: Failure[] = [];
  for (const host of hosts) {
    try {
      // Divide the time, so that a server that does not answer leaves some for the next.
      return await within(limit / hosts.length, host, open, signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (!(error instanceof LockUnavailableError)) throw error;
      failures.push({ host, error });
      if (isRefusal(error)) break;
    }
  }
  throw combined(failures);
}

async function within<T>(
  share: number,
  host: MySqlHost,
  open: (host: MySqlHost, signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  if (share === Infinity) return await open(host, signal);
  using late = new TimeLimit(share, () => {
    const what = `not connected within ${formatDuration(Math.round(share))}`;
    return LockUnavailableError.on(whereIs(host), { what, cure: "check the server and the network" }, {
      transient: true,
    });
  });
  return await open(host, AbortSignal.any([signal, late.signal]));
}

/** Why one of several servers cannot be used. */
interface Failure {
  readonly host: MySqlHost;
  readonly error: LockUnavailableError;
}

/** Whether the server itself has refused, for good. */
function isRefusal(error: LockUnavailableError): boolean {
  if (error.transient || error instanceof UnsafeServerError) return false;
  return error.cause instanceof LoginRefusedError || (errorNumber(error.cause) ?? 0) >= FIRST_OF_SERVERS;
}

/**
 * Combines the errors. The result is transient if each of them is; finding only replicas counts as transient, since a
 * failover may be in progress.
 */
function combined(failures: readonly Failure[]): LockUnavailableError {
  const { host, error } = failures.at(-1)!;
  const before = failures.slice(0, -1).map(({ host, error: { why, cure } }) =>
    `${shownAddress(host.addresses[0])}: ${lineOf({ what: why, cure })}`
  );
  const where = [...before, shownAddress(host.addresses[0])].join(", and at ");
  const kind = failures.some(({ error }) => error instanceof UnsafeServerError)
    ? UnsafeServerError
    : LockUnavailableError;
  const transient = failures.every(({ error }) => error.transient || error instanceof UnsafeServerError);
  return kind.on(`MySQL at ${where}`, { what: error.why, cure: error.cure }, { transient, cause: error.cause });
}
