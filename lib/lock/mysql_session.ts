import { type Connection, type ConnectionOptions, createConnection } from "mysql2";
import type { MySqlDsn } from "../config/mysql_dsn.ts";
import { LONGEST_TIMER } from "../deadline.ts";
import { formatDuration } from "../duration.ts";
import { ConfigError, LockUnavailableError, messageOf } from "../errors.ts";
import { passwordPlugins, refuseNativePassword } from "./mysql_auth.ts";
import { describeMySqlError, isTransient, whereIs } from "./mysql_errors.ts";

/** How long a server may take to accept a connection, and to answer, when the DSN does not say, in milliseconds. */
const DEFAULT_TIMEOUT = 10_000;

/** How long saying goodbye to the server may take, in milliseconds; it notices the end of the connection anyway. */
const GOODBYE = 1000;

/** A row of a result. */
export type Row = Readonly<Record<string, unknown>>;

/** One connection to a MySQL or MariaDB server, never replaced by another. */
export class MySqlSession {
  /** Where it leads, for messages. */
  readonly where: string;
  readonly #connection: Connection;
  readonly #answerTimeout: number;
  readonly #closed = new AbortController();

  private constructor(connection: Connection, dsn: MySqlDsn) {
    this.#connection = connection;
    this.where = whereIs(dsn);
    this.#answerTimeout = answerTimeout(dsn);
    connection.on("error", (error) => this.#end(error));
    connection.on("end", () => this.#end(new Error("the server closed the connection")));
  }

  /**
   * Connects, and sets the session up as the DSN asks.
   *
   * @param tlsCa PEM file with the CA that signed the server's certificate.
   * @param signal Gives the attempt up.
   * @throws {LockUnavailableError} When the server cannot be reached or refuses.
   * @throws {ConfigError} When the CA file cannot be read.
   */
  static async open(dsn: MySqlDsn, tlsCa: string | undefined, signal: AbortSignal): Promise<MySqlSession> {
    const ca = dsn.tls === "verify" && tlsCa !== undefined ? readCa(tlsCa) : undefined;
    let connection: Connection;
    try {
      connection = await connect(dsn, ca, dsn.tls !== "off", signal);
    } catch (error) {
      if (!dsn.allowFallbackToPlaintext || (error as { code?: string }).code !== "HANDSHAKE_NO_SSL_SUPPORT") {
        throw wrap(dsn, error, signal);
      }
      connection = await connect(dsn, ca, false, signal).catch((error) => {
        throw wrap(dsn, error, signal);
      });
    }
    const session = new MySqlSession(connection, dsn);
    try {
      await session.#setUp(dsn, signal);
    } catch (error) {
      session.destroy();
      throw error;
    }
    return session;
  }

  /** Fires once when the connection has ended for any reason; the reason is an Error. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /**
   * Runs one statement.
   *
   * @param serverTime How long the server is expected to take by itself, in milliseconds, before its time to answer begins.
   * @param signal Gives the statement up, and the connection with it.
   * @returns The first row, an empty one if there is none.
   * @throws {LockUnavailableError} When the statement fails or is not answered.
   */
  query(sql: string, { serverTime = 0, signal }: { serverTime?: number; signal?: AbortSignal } = {}): Promise<Row> {
    return new Promise<Row>((resolve, reject) => {
      const settle = (action: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abandon);
        this.closed.removeEventListener("abort", ended);
        action();
      };
      const ended = () => settle(() => reject(this.#wrap(this.closed.reason)));
      const abandon = () => {
        settle(() => reject(signal!.reason));
        this.destroy();
      };
      const timer = setTimeout(
        () => this.destroy(`no answer for ${formatDuration(this.#answerTimeout)}; see to the server and the network`),
        Math.min(serverTime + this.#answerTimeout, LONGEST_TIMER),
      );
      if (this.closed.aborted) return ended();
      if (signal?.aborted) return abandon();
      this.closed.addEventListener("abort", ended, { once: true });
      signal?.addEventListener("abort", abandon, { once: true });

      this.#connection.query(sql, (error, rows) => {
        if (error) settle(() => reject(this.#wrap(error)));
        else settle(() => resolve((Array.isArray(rows) ? rows[0] as Row : undefined) ?? {}));
      });
    });
  }

  /** Says goodbye to the server and ends the connection; a server that does not answer is not waited for. */
  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, GOODBYE);
      this.#connection.end(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.destroy();
  }

  /** Ends the connection at once; the server notices and takes back what was asked for. */
  destroy(reason = "the connection was given up"): void {
    this.#end(new Error(reason));
    this.#connection.destroy();
  }

  #end(error: unknown): void {
    if (!this.#closed.signal.aborted) this.#closed.abort(new Error(describeMySqlError(error)));
  }

  #wrap(error: unknown): LockUnavailableError {
    const reason = `${this.where}: ${describeMySqlError(error)}`;
    return new LockUnavailableError(
      `Cannot lock on ${reason}`,
      isTransient(error) && !this.#closed.signal.aborted,
      reason,
    );
  }

  async #setUp(dsn: MySqlDsn, signal: AbortSignal): Promise<void> {
    await this.#setNames(dsn, signal);
    const assignments = Object.entries(dsn.sessionVariables).map(([name, value]) => `${name}=${value}`);
    if (assignments.length > 0) await this.query(`SET ${assignments.join(", ")}`, { signal });
  }

  /** Takes the first of the character sets that the server knows, as the Go driver does. */
  async #setNames({ charsets, collation }: MySqlDsn, signal: AbortSignal): Promise<void> {
    const collate = collation === undefined ? "" : ` COLLATE '${collation}'`;
    const candidates = charsets.length > 0 || collation === undefined ? charsets : [collation.split("_")[0]!];
    let failure: unknown;
    for (const charset of candidates) {
      try {
        await this.query(`SET NAMES '${charset}'${collate}`, { signal });
        return;
      } catch (error) {
        if (!(error instanceof LockUnavailableError) || this.#closed.signal.aborted) throw error;
        failure ??= error;
      }
    }
    if (failure) throw failure;
  }
}

/** One attempt to connect and to log in. Rejects with the driver's error. */
async function connect(
  dsn: MySqlDsn,
  ca: string | undefined,
  tls: boolean,
  signal: AbortSignal,
): Promise<Connection> {
  const useTls = tls ? (await import("./mysql_tls.ts")).useTls : undefined;
  signal.throwIfAborted();
  const connection = createConnection(connectionOptions(dsn, tls));
  useTls?.(connection, { host: hostOf(dsn), ca, verify: dsn.tls === "verify" });
  if (!dsn.allowNativePasswords) refuseNativePassword(connection);
  return await new Promise<Connection>((resolve, reject) => {
    const settle = (action: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abandon);
      connection.removeListener("error", heard);
      action();
    };
    const failed = (error: unknown) => {
      // The driver may report more than one error for one failure, and an unheard one would end the process.
      settle(() => reject(error));
      connection.on("error", () => undefined);
      connection.destroy();
    };
    // Deno 2.7 says of a unix socket that it was closed before it says why.
    const heard = (error: unknown) =>
      (error as { code?: string }).code === "PROTOCOL_CONNECTION_LOST"
        ? queueMicrotask(() => failed(error))
        : failed(error);
    const abandon = () => failed(signal.reason);
    const startTimer = (limit: number, what: string) =>
      setTimeout(() => failed(new Error(`${what} within ${formatDuration(limit)}`)), Math.min(limit, LONGEST_TIMER));

    let timer = startTimer(dsn.connectTimeout ?? DEFAULT_TIMEOUT, "cannot be reached");
    streamOf(connection).once("connect", () => {
      clearTimeout(timer);
      timer = startTimer(answerTimeout(dsn), "accepts the connection, but does not answer");
    });
    signal.addEventListener("abort", abandon, { once: true });
    connection.on("error", heard);
    connection.once("connect", () => settle(() => resolve(connection)));
  });
}

/** The socket below; the driver's types do not show it. */
function streamOf(connection: Connection): { once(event: "connect", listener: () => void): void } {
  return (connection as unknown as { stream: ReturnType<typeof streamOf> }).stream;
}

/** What a certificate has to be for. A socket's server is on this machine. */
function hostOf({ address }: MySqlDsn): string {
  return address.transport === "tcp" ? address.host : "localhost";
}

function connectionOptions(dsn: MySqlDsn, tls: boolean): ConnectionOptions {
  const { address } = dsn;
  return {
    ...(address.transport === "unix" ? { socketPath: address.path } : { host: address.host, port: address.port }),
    user: dsn.user,
    password: dsn.password,
    database: dsn.database || undefined,
    compress: dsn.compress,
    connectAttributes: { program_name: "sera", ...dsn.connectionAttributes },
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

/**
 * A server that takes longer to answer than this is not waited for. Sending is bounded by the same time: what sera sends
 * always fits into the kernel's buffer, so that only the answer can be late.
 */
function answerTimeout(dsn: MySqlDsn): number {
  const asked = Math.min(dsn.readTimeout ?? Infinity, dsn.writeTimeout ?? Infinity);
  return asked === Infinity ? DEFAULT_TIMEOUT : asked;
}

function readCa(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new ConfigError(`Cannot read the CA file: ${path}: ${messageOf(error)}`);
  }
}

/** Turns the driver's error into one that says where, what and what to do; a signal's reason stays what it is. */
function wrap(dsn: MySqlDsn, error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  return new LockUnavailableError(`Cannot lock on ${whereIs(dsn)}: ${describeMySqlError(error)}`, isTransient(error));
}
