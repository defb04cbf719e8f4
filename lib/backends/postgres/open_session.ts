import { TimeLimit } from "../../waiting.ts";
import {
  ConfigError,
  lineOf,
  LockUnavailableError,
  type Trouble,
  UnfitServerError,
  UnsafeServerError,
} from "../../errors.ts";
import { formatDuration } from "../../text/duration.ts";
import { CLOSED, ConnectionError } from "../network/errors.ts";
import { withPortHint } from "../network/usual_ports.ts";
import { markOf } from "../sql/mark.ts";
import { type Client, socketOf } from "./driver.ts";
import {
  describePostgresError,
  isFinalRefusal,
  isTransientPostgresError,
  NotPrimaryError,
  sqlState,
  StandbyError,
  UnsuitableServerError,
  whereIs,
} from "./errors.ts";
import { answerTimeoutOf, DEFAULT_TIMEOUT } from "./limits.ts";
import { logIn } from "./login.ts";
import type { PostgresSessionOptions } from "./options.ts";
import type { PostgresHost, PostgresServer } from "./server.ts";
import { PostgresSession } from "./session.ts";
import { refuseReadOnly, refuseUnsuitable, setUp } from "./set_up.ts";

/**
 * Connects to the first host that accepts the login and fits the settings, and sets the session up.
 *
 * @param signal Aborts the attempt.
 * @throws {LockUnavailableError} When there is no such host.
 * @throws {ConfigError} When a file that TLS needs cannot be read.
 */
export async function openPostgresSession(
  server: PostgresServer,
  options: PostgresSessionOptions,
  signal: AbortSignal,
): Promise<PostgresSession> {
  const failures: Failure[] = [];
  for (const host of server.hosts) {
    try {
      return await openOn(host, server, options, signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof ConfigError) throw error;
      failures.push({ host, error });
      if (isFinalRefusal(error, options.leased)) break;
    }
  }
  const reasons = failures.map((failure) => `${whereIs(failure.host)}: ${lineOf(troubleOf(failure))}`);
  const last = failures.at(-1)!;
  const is = (kind: typeof UnsuitableServerError) => failures.some(({ error }) => error instanceof kind);
  const kind = is(StandbyError) ? UnsafeServerError : is(NotPrimaryError) ? UnfitServerError : LockUnavailableError;
  const transient = failures.every(({ error }) =>
    isTransientPostgresError(error) || error instanceof NotPrimaryError && server.hosts.length > 1
  );
  const where = [...reasons.slice(0, -1), whereIs(last.host)].join(", and at ");
  throw kind.on(`PostgreSQL at ${where}`, troubleOf(last), { transient });
}

/** Why one of several hosts cannot be used. */
interface Failure {
  readonly host: PostgresHost;
  readonly error: unknown;
}

function troubleOf({ host, error }: Failure): Trouble {
  const trouble = describePostgresError(error);
  // A server of another kind answers in no way that PostgreSQL does.
  const isRefusal = sqlState(error) !== undefined || error instanceof UnsuitableServerError;
  return isRefusal ? trouble : withPortHint(trouble, "PostgreSQL", host.address);
}

async function openOn(
  host: PostgresHost,
  server: PostgresServer,
  options: PostgresSessionOptions,
  signal: AbortSignal,
): Promise<PostgresSession> {
  const limit = server.connectTimeout ?? DEFAULT_TIMEOUT;
  using late = new TimeLimit(
    limit,
    () =>
      new ConnectionError(
        `no answer within ${formatDuration(Math.round(limit))}`,
        "check the server and the network, or a pooler's log",
      ),
  );
  const either = AbortSignal.any([signal, late.signal]);
  let client: Client | undefined;
  try {
    client = await logIn(host, server, options, either);
    const facts = await setUp(client, options, either);
    if (!options.leased) refuseUnsuitable(facts, server, options.allowUnsafeServer);
    else if (!options.observesOnly) refuseReadOnly(facts);
    const session = new PostgresSession(
      `PostgreSQL at ${whereIs(host)}`,
      client,
      facts,
      answerTimeoutOf(options),
      { host, leased: options.leased },
    );
    session.mark = markOf(options.presence);
    client.on("error", (error) => session.ended(error));
    client.on("end", () => session.ended(new ConnectionError(CLOSED.what, CLOSED.cure)));
    return session;
  } catch (error) {
    if (client) socketOf(client).destroy();
    throw error;
  }
}
