import type { Socket } from "node:net";
import { type Connection, type ConnectionOptions, createConnection } from "mysql2";
import { aborted, type Cause, elapsed, firstOf, onEvent } from "../../waiting.ts";
import { formatDuration } from "../../text/duration.ts";
import type { Presence } from "../../lock/presence.ts";
import { ConnectionError } from "../network/errors.ts";
import type { DriverConnection, Row } from "../sql/session.ts";
import { MYSQL } from "../sql/spelling.ts";
import { passwordPlugins, refuseNativePassword } from "./auth.ts";
import { MySqlGuard } from "./guard.ts";
import type { MySqlDsn } from "./server.ts";

/** How long a server may take to accept a connection, and to answer, when the DSN does not say, in milliseconds. */
const DEFAULT_TIMEOUT = 10_000;

/** How much of a label goes into the connection's attributes. */
const LONGEST_LABEL = 64;

/** A connection that was let in. */
export interface Login {
  readonly connection: Connection;
  readonly guard: MySqlGuard;
}

/** A connection as a session needs it. */
export function asDriver({ connection, guard }: Login): DriverConnection {
  return {
    query(statement, done) {
      guard.asked();
      connection.query(
        statement.textFor(MYSQL),
        (error, rows) => done(error, Array.isArray(rows) ? rows as Row[] : []),
      );
    },
    end: (done) => connection.end(() => done()),
    destroy: () => destroy(connection),
    socket: () => streamOf(connection),
  };
}

function destroy(connection: Connection): void {
  connection.destroy();
  // The driver waits for the server to end it too, which is not heard where nothing is read any more.
  if (streamOf(connection).isPaused()) streamOf(connection).destroy();
}

/**
 * One attempt to connect and to log in. Rejects with the driver's error, or the guard's.
 *
 * @param tls Whether to encrypt; with "look only" nobody logs in, and it ends in the error that holds the certificate.
 */
export async function logIn(
  dsn: MySqlDsn,
  presence: Presence,
  ca: string | undefined,
  tls: boolean | "look only",
  signal: AbortSignal,
): Promise<Login> {
  const useTls = tls ? (await import("./tls.ts")).useTls : undefined;
  signal.throwIfAborted();
  const connection = createConnection(connectionOptions(dsn, presence, tls !== false));
  // The driver may report more than one error for one failure, and an unheard one would end the process.
  connection.on("error", () => undefined);
  const guard = new MySqlGuard(connection, tls !== false);
  useTls?.(connection, guard, {
    host: hostOf(dsn),
    ca,
    verify: dsn.tls === "verify",
    lookOnly: tls === "look only",
  });
  if (!dsn.allowNativePasswords) refuseNativePassword(connection);
  try {
    await firstOf<void>(
      inTime(dsn, connection),
      aborted(signal, ({ reason }) => {
        throw reason;
      }),
      (_, reject) => onEvent(connection, "error", (error) => soon(error, reject)),
      (_, reject) => {
        guard.tell(reject);
      },
      (resolve) => onEvent(connection, "connect", () => resolve()),
    );
    return { connection, guard };
  } catch (error) {
    destroy(connection);
    throw error;
  }
}

/** Fails with a connection's error; where it was closed, not before it could say why. */
function soon(error: unknown, fail: (error: unknown) => void): void {
  // Deno 2.7 says of a unix socket that it was closed before it says why.
  if ((error as { code?: string }).code === "PROTOCOL_CONNECTION_LOST") queueMicrotask(() => fail(error));
  else fail(error);
}

/** Fails when a server cannot be reached, or does not answer, in its time. */
function inTime(dsn: MySqlDsn, connection: Connection): Cause<never> {
  const limit = (time: number, what: string) =>
    elapsed<never>(time, () => {
      throw new ConnectionError(`${what} within ${formatDuration(time)}`, "check the address and the firewall");
    });
  return (resolve, reject) => {
    let stop = limit(dsn.connectTimeout ?? DEFAULT_TIMEOUT, "cannot be reached")(resolve, reject);
    const stopListening = onEvent(streamOf(connection), "connect", () => {
      stop?.();
      stop = limit(answerTimeout(dsn), "accepts the connection, but does not answer")(resolve, reject);
    });
    return () => {
      stop?.();
      stopListening();
    };
  };
}

/** The socket below; the driver's types do not show it. */
export function streamOf(connection: Connection): Socket {
  return (connection as unknown as { stream: Socket }).stream;
}

/** What a certificate has to be for. A socket's server is on this machine. */
export function hostOf({ address }: MySqlDsn): string {
  return address.transport === "tcp" ? address.host : "localhost";
}

function connectionOptions(dsn: MySqlDsn, presence: Presence, tls: boolean): ConnectionOptions {
  const { address } = dsn;
  return {
    ...(address.transport === "unix" ? { socketPath: address.path } : { host: address.host, port: address.port }),
    user: dsn.user,
    password: dsn.password,
    database: dsn.database || undefined,
    compress: dsn.compress,
    connectAttributes: { ...attributesOf(presence), ...dsn.connectionAttributes },
    enableCleartextPlugin: dsn.allowCleartextPasswords,
    authPlugins: passwordPlugins(dsn),
    // Only says that TLS is wanted, see useTls().
    ssl: tls ? {} : undefined,
    // Ours, see logIn(): the driver's own would count the login in.
    connectTimeout: 0,
    // A server must not be able to ask for a file.
    flags: ["-LOCAL_FILES"],
    // Results are one number; compiling a parser for them would cost more than it saves.
    disableEval: true,
  };
}

/** What the server shows of the session as long as it lasts, in `performance_schema.session_account_connect_attrs`. */
function attributesOf({ lock, host, pid, label }: Presence): Record<string, string> {
  return {
    program_name: "sera",
    sera_lock: lock,
    sera_host: host,
    sera_pid: String(pid),
    sera_connected: new Date().toISOString(),
    // The server keeps 512 bytes of all attributes together.
    sera_label: label.slice(0, LONGEST_LABEL),
  };
}

/**
 * A server that takes longer to answer than this is not waited for. Sending is bounded by the same time: what sera sends
 * always fits into the kernel's buffer, so that only the answer can be late.
 */
export function answerTimeout(dsn: MySqlDsn): number {
  const asked = Math.min(dsn.readTimeout ?? Infinity, dsn.writeTimeout ?? Infinity);
  return asked === Infinity ? DEFAULT_TIMEOUT : asked;
}
