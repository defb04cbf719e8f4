import type { Socket } from "node:net";
import { type Connection, type ConnectionOptions, createConnection } from "mysql2";
import type { MySqlDsn } from "./server.ts";
import { LONGEST_TIMER } from "../../deadline.ts";
import { formatDuration } from "../../text/duration.ts";
import { LockUnavailableError } from "../../errors.ts";
import { isPlain } from "../../text/harmless.ts";
import { passwordPlugins, refuseNativePassword } from "./auth.ts";
import type { LeaseTerms } from "../../lock/lease.ts";
import type { MySqlOptions } from "./options.ts";
import { describeMySqlError, isTransient, whereIs } from "./errors.ts";
import { MySqlGuard } from "./guard.ts";
import { CLOSED, ConnectionError } from "../network/errors.ts";
import { askVariables, identityOf, refuseUnsafe, type ServerVariables } from "./topology.ts";
import { markOf } from "../sql/mark.ts";
import type { Presence } from "../../lock/presence.ts";
import { type DriverConnection, type Row, Session } from "../sql/session.ts";
import { MYSQL } from "../sql/spelling.ts";
import { administratorsSql, join, sql, variable, word } from "../sql/statement.ts";

/** How long a server may take to accept a connection, and to answer, when the DSN does not say, in milliseconds. */
const DEFAULT_TIMEOUT = 10_000;

/** How much of a label goes into the connection's attributes. */
const LONGEST_LABEL = 64;

/** One connection to a MySQL or MariaDB server, never replaced by another. */
export class MySqlSession extends Session {
  /** What the server has said of itself; nothing before it was asked. */
  variables: ServerVariables = new Map();
  /** What the server calls it, once it has been asked. */
  id: number | undefined;

  override get number(): number | undefined {
    return this.id;
  }

  override get serverMark(): string {
    return identityOf(this.variables).mark;
  }
}

/**
 * Connects to a MySQL or MariaDB server, and sets the session up as the DSN asks.
 *
 * @param signal Gives the attempt up.
 * @throws {LockUnavailableError} When the server cannot be reached, refuses, or is no place for a lock.
 * @throws {ConfigError} When the CA file, or whom the runtime trusts without one, is of no use.
 */
export async function openMySqlSession(
  dsn: MySqlDsn,
  { tlsCa, lease, presence, allowUnsafeServer }: MySqlOptions,
  signal: AbortSignal,
): Promise<MySqlSession> {
  const ca = dsn.tls === "off" ? undefined : await prepareTls(dsn, tlsCa);
  let login: Login;
  const lookAgain = () => connect(dsn, presence, ca, "look only", signal);
  const failed = (error: unknown) => wrap(dsn, error, signal, lookAgain);
  try {
    login = await connect(dsn, presence, ca, dsn.tls !== "off", signal);
  } catch (error) {
    if (!dsn.allowFallbackToPlaintext || (error as { code?: string }).code !== "HANDSHAKE_NO_SSL_SUPPORT") {
      throw await failed(error);
    }
    login = await connect(dsn, presence, ca, false, signal).catch(async (error) => {
      throw await failed(error);
    });
  }
  const { connection, guard } = login;
  const guide = { describe: describeMySqlError, isTransient };
  const session = new MySqlSession(whereIs(dsn), asDriver(login), guide, answerTimeout(dsn));
  // MySQL and MariaDB show nobody since when a session is there, but for the statement that runs.
  session.mark = markOf({ ...presence, connected: Date.now() });
  connection.on("error", (error) => session.ended(error));
  guard.tell((error) => session.ended(error));
  // The driver tells of a reset only the statement that runs.
  streamOf(connection).prependListener("error", (error) => session.ended(error));
  connection.on("end", () => session.ended(new ConnectionError(CLOSED)));
  try {
    await setUp(session, dsn, lease, signal);
    session.variables = await askVariables(session, signal);
    if (!allowUnsafeServer) refuseUnsafe(session.where, session.variables);
  } catch (error) {
    session.destroy();
    throw error;
  }
  return session;
}

/** A connection that was let in. */
interface Login {
  readonly connection: Connection;
  readonly guard: MySqlGuard;
}

function asDriver({ connection, guard }: Login): DriverConnection {
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

async function setUp(session: Session, dsn: MySqlDsn, lease: LeaseTerms, signal: AbortSignal): Promise<void> {
  await setNames(session, dsn, signal);
  const assignments = Object.entries(dsn.sessionVariables).map(([name, value]) =>
    sql`${variable(name)}=${administratorsSql(value)}`
  );
  // Last, for it is what frees the lock of a node that has vanished. Whole seconds.
  assignments.push(sql`wait_timeout=${Math.ceil(lease.ttl / 1000)}`);
  await session.query(sql`SET ${join(assignments)}`, { signal }).catch((error: unknown) => {
    // A signal's reason stays what it is.
    if (!(error instanceof LockUnavailableError) || signal.aborted) throw error;
    // Servers repeat values, of which some may be secrets.
    throw reworded(error, withoutValues);
  });
}

function withoutValues(message: string): string {
  return message.replace(
    /\b(near|value of) '(.*)'/s,
    (all, words: string, value: string) => isPlain(value) ? all : `${words} '...'`,
  );
}

/** Takes the first of the character sets that the server knows, as the Go driver does. */
async function setNames(session: Session, { charsets, collation }: MySqlDsn, signal: AbortSignal): Promise<void> {
  const collate = collation === undefined ? sql`` : sql` COLLATE ${word(collation)}`;
  const candidates = charsets.length > 0 || collation === undefined ? charsets : [collation.split("_")[0]!];
  let failure: LockUnavailableError | undefined;
  for (const charset of candidates) {
    try {
      await session.query(sql`SET NAMES ${word(charset)}${collate}`, { signal });
      return;
    } catch (error) {
      if (!(error instanceof LockUnavailableError) || session.closed.aborted) throw error;
      failure ??= error;
    }
  }
  if (failure) throw charsets.length > 0 ? failure : ofCollation(failure);
}

/** The character set was taken from the collation, which is what was written. */
function ofCollation(failure: LockUnavailableError): LockUnavailableError {
  return reworded(failure, (text) => text.replace("correct charset in", "correct collation in"));
}

function reworded({ what, cure, reason, transient, where }: LockUnavailableError, change: (text: string) => string) {
  return new LockUnavailableError(change(what), cure && change(cure), { reason: change(reason), transient, where });
}

/**
 * One attempt to connect and to log in. Rejects with the driver's error, or the guard's.
 *
 * @param tls Whether to encrypt; with "look only" nobody logs in, and it ends in the error that holds the certificate.
 */
async function connect(
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
  return await new Promise<Login>((resolve, reject) => {
    const settle = (action: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abandon);
      connection.removeListener("error", heard);
      action();
    };
    const failed = (error: unknown) => {
      settle(() => reject(error));
      destroy(connection);
    };
    // Deno 2.7 says of a unix socket that it was closed before it says why.
    const heard = (error: unknown) =>
      (error as { code?: string }).code === "PROTOCOL_CONNECTION_LOST"
        ? queueMicrotask(() => failed(error))
        : failed(error);
    const abandon = () => failed(signal.reason);
    const startTimer = (limit: number, what: string) =>
      setTimeout(
        () =>
          failed(new ConnectionError(`${what} within ${formatDuration(limit)}; check the address and the firewall`)),
        Math.min(limit, LONGEST_TIMER),
      );

    let timer = startTimer(dsn.connectTimeout ?? DEFAULT_TIMEOUT, "cannot be reached");
    streamOf(connection).once("connect", () => {
      clearTimeout(timer);
      timer = startTimer(answerTimeout(dsn), "accepts the connection, but does not answer");
    });
    signal.addEventListener("abort", abandon, { once: true });
    connection.on("error", heard);
    guard.tell(failed);
    connection.once("connect", () => settle(() => resolve({ connection, guard })));
  });
}

/** The socket below; the driver's types do not show it. */
function streamOf(connection: Connection): Socket {
  return (connection as unknown as { stream: Socket }).stream;
}

/** What a certificate has to be for. A socket's server is on this machine. */
function hostOf({ address }: MySqlDsn): string {
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
    // Ours, see connect(): the driver's own would count the login in.
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
function answerTimeout(dsn: MySqlDsn): number {
  const asked = Math.min(dsn.readTimeout ?? Infinity, dsn.writeTimeout ?? Infinity);
  return asked === Infinity ? DEFAULT_TIMEOUT : asked;
}

/** Decides whom to trust, and reads the CA if one is named. */
async function prepareTls(dsn: MySqlDsn, tlsCa: string | undefined): Promise<string | undefined> {
  const [{ trustByItself }, { readCertificates }] = await Promise.all([
    import("../network/trusted.ts"),
    import("../network/tls_files.ts"),
  ]);
  const isChecked = dsn.tls === "verify";
  trustByItself(isChecked && tlsCa === undefined ? "its own" : "nobody");
  if (!isChecked || tlsCa === undefined) return undefined;
  return await readCertificates({ path: tlsCa, what: "CA file", setting: "tls-ca" });
}

/** Turns the driver's error into one that says where, what and what to do; a signal's reason stays what it is. */
async function wrap(
  dsn: MySqlDsn,
  error: unknown,
  signal: AbortSignal,
  lookAgain: () => Promise<unknown>,
): Promise<unknown> {
  if (signal.aborted) return signal.reason;
  const why = (error as { code?: string }).code === "HANDSHAKE_SSL_ERROR"
    ? await describeHandshake(dsn, error, lookAgain)
    : describeMySqlError(error);
  return LockUnavailableError.on(whereIs(dsn), { what: why }, { transient: isTransient(error) });
}

async function describeHandshake(
  dsn: MySqlDsn,
  error: unknown,
  lookAgain: () => Promise<unknown>,
): Promise<string> {
  const { describeTlsFailure } = await import("../network/tls_trouble.ts");
  const verify = dsn.tls === "verify";
  return await describeTlsFailure(error, { host: hostOf(dsn), verify, setting: "tls-ca", lookAgain });
}
