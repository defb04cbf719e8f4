import type { Socket } from "node:net";
import { type Connection, type ConnectionOptions, createConnection } from "mysql2";
import { aborted, type Cause, elapsed, firstOf, onEvent } from "../../waiting.ts";
import { formatDuration } from "../../text/duration.ts";
import type { Presence } from "../../lock/presence.ts";
import { ConnectionError } from "../network/errors.ts";
import type { DriverConnection } from "../sql/driver.ts";
import { MYSQL } from "../sql/quoting.ts";
import { passwordPlugins, refuseNativePassword } from "./auth.ts";
import { MySqlGuard } from "./guard.ts";
import { rowsIn } from "./rows_in.ts";
import type { MySqlDsn, MySqlHost } from "./server.ts";
import { maySendSeveral, queryEach, serverTakesSeveral } from "./multi_statements.ts";

/** The default timeout for connecting, and for an answer, in milliseconds. */
const DEFAULT_TIMEOUT = 10_000;

/** How many further lock names go into the connection's attributes. */
const MAX_ALSO = 4;

/** How many characters of a label go into the connection's attributes. */
const MAX_LABEL_LENGTH = 64;

/** A connection that has logged in. */
export interface Login {
  readonly connection: Connection;
  readonly guard: MySqlGuard;
  /** Whether several statements may go in one message. */
  readonly takesSeveral: boolean;
  /** How many round trips the login took after the greeting, TLS not included. */
  readonly trips: number;
}

/** A connection as a session needs it. */
export function asDriver({ connection, guard, takesSeveral }: Login): DriverConnection {
  return {
    query(statement, done, counts) {
      guard.statementSent();
      connection.query(
        statement.textFor(MYSQL),
        (error, result) => done(error, rowsIn(result, counts)),
      );
    },
    queryEach: takesSeveral ? (...asked) => queryEach(connection, guard, ...asked) : undefined,
    end: (done) => connection.end(() => done()),
    destroy: () => destroy(connection),
    socket: () => streamOf(connection),
  };
}

function destroy(connection: Connection): void {
  connection.destroy();
  // The driver waits for the server's end of the connection, which a paused socket never reports.
  if (streamOf(connection).isPaused()) streamOf(connection).destroy();
}

/**
 * Tries once to connect and to log in.
 *
 * @param ca PEM text of the CA to trust.
 * @param tls Whether to encrypt, unless the server has no TLS and the DSN allows plain text; "certificate only" does not log in,
 * and always fails with an error that contains the certificate.
 * @throws The driver's error, the guard's, or the signal's reason.
 */
export async function logIn(
  dsn: MySqlHost,
  presence: Presence,
  ca: string | undefined,
  tls: boolean | "certificate only",
  signal: AbortSignal,
): Promise<Login> {
  const useTls = tls ? (await import("./tls.ts")).useTls : undefined;
  signal.throwIfAborted();
  const connection = createConnection(connectionOptions(dsn, presence, tls !== false));
  // The driver may emit several errors for one failure, and one without a listener would end the process.
  connection.on("error", () => undefined);
  const guard = new MySqlGuard(connection, tls === true && dsn.allowFallbackToPlaintext ? "if offered" : tls !== false);
  useTls?.(connection, guard, {
    host: hostOf(dsn),
    ca,
    verify: dsn.tls === "verify",
    certificateOnly: tls === "certificate only",
  });
  if (!dsn.allowNativePasswords) refuseNativePassword(connection);
  try {
    await firstOf<void>(
      tooLate(dsn, connection),
      aborted(signal, ({ reason }) => {
        throw reason;
      }),
      (_, reject) => onEvent(connection, "error", (error) => failWithCause(error, reject)),
      (_, reject) => {
        guard.onFailure(reject);
      },
      (resolve) => onEvent(connection, "connect", () => resolve()),
    );
    const takesSeveral = maySendSeveral(dsn) && serverTakesSeveral(connection);
    return { connection, guard, takesSeveral, trips: tripsOf(connection, tls !== false) };
  } catch (error) {
    destroy(connection);
    throw error;
  }
}

/**
 * How many of the client's packets the server has waited for. The packets of a login are numbered, beginning with the
 * greeting's 0. If the server has cached the password, it sends an extra packet that the client does not answer.
 */
function tripsOf(connection: Connection, tls: boolean): number {
  const { sequenceId: next } = connection as unknown as { readonly sequenceId: number };
  return Math.floor((next - 1 - (tls ? 1 : 0)) / 2);
}

/** Fails with a connection's error. If that only says that it was closed, a more precise error may come first. */
function failWithCause(error: unknown, fail: (error: unknown) => void): void {
  // Deno 2.7 reports the close of a Unix socket before the error that caused it.
  if ((error as { code?: string }).code === "PROTOCOL_CONNECTION_LOST") queueMicrotask(() => fail(error));
  else fail(error);
}

/** Fails when the server cannot be reached, or does not answer, within the DSN's time limits. */
function tooLate(dsn: MySqlDsn, connection: Connection): Cause<never> {
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

/** The connection's socket, which the driver's types do not show. */
export function streamOf(connection: Connection): Socket {
  return (connection as unknown as { stream: Socket }).stream;
}

/** The host name that the server's certificate must have; for a Unix socket that is localhost. */
export function hostOf({ addresses: [address] }: MySqlHost): string {
  return address.transport === "tcp" ? address.host : "localhost";
}

function connectionOptions(dsn: MySqlHost, presence: Presence, tls: boolean): ConnectionOptions {
  const { addresses: [address] } = dsn;
  return {
    ...(address.transport === "unix" ? { socketPath: address.path } : { host: address.host, port: address.port }),
    user: dsn.user,
    password: dsn.password,
    database: dsn.database || undefined,
    compress: dsn.compress,
    connectAttributes: { ...attributesOf(presence), ...dsn.connectionAttributes },
    enableCleartextPlugin: dsn.allowCleartextPasswords,
    authPlugins: passwordPlugins(dsn),
    // Only makes the driver request TLS; useTls() does the rest.
    ssl: tls ? {} : undefined,
    // Off: logIn() has its own limits, and the driver's would include the login.
    connectTimeout: 0,
    // A server must not be able to request a local file.
    flags: ["-LOCAL_FILES"],
    multipleStatements: maySendSeveral(dsn),
    // Compiling a parser for such small results would cost more than it saves.
    disableEval: true,
  };
}

/** Shown by the server in `performance_schema.session_account_connect_attrs` for as long as the session lasts. */
function attributesOf({ lock, host, pid, label, slots, also }: Presence): Record<string, string> {
  return {
    program_name: "sera",
    sera_lock: lock,
    sera_host: host,
    sera_pid: String(pid),
    sera_connected: new Date().toISOString(),
    ...slots === undefined ? {} : { sera_slots: String(slots) },
    // The server keeps 512 bytes of all attributes together.
    sera_label: label.slice(0, MAX_LABEL_LENGTH),
    ...also === undefined || also.length === 0 ? {} : { sera_also: also.slice(0, MAX_ALSO).join() },
  };
}

/**
 * How long the server may take to answer, in milliseconds. A write timeout counts as well: whatever sera sends fits
 * into the kernel's buffer, so only the answer can be late.
 */
export function answerTimeout(dsn: MySqlDsn): number {
  const asked = Math.min(dsn.readTimeout ?? Infinity, dsn.writeTimeout ?? Infinity);
  return asked === Infinity ? DEFAULT_TIMEOUT : asked;
}
