// @ts-types="@types/pg"
import pg from "pg";
import type { Socket } from "node:net";
import type { PostgresHost, PostgresServer } from "./server.ts";
import { LONGEST_TIMER } from "../../deadline.ts";
import { formatDuration } from "../../text/duration.ts";
import { ConfigError, LockUnavailableError, UnfitServerError, UnsafeServerError } from "../../errors.ts";
import { Answer } from "../sql/answer.ts";
import { applicationName } from "./application_name.ts";
import type { LeaseTerms } from "../../lock/lease.ts";
import { guard } from "../network/frames.ts";
import { CLOSED, ConnectionError } from "../network/errors.ts";
import {
  describePostgresError,
  isTransientInSession,
  isTransientPostgresError,
  NotPrimaryError,
  sqlState,
  StandbyError,
  TlsError,
  UnsuitableServerError,
  whereIs,
} from "./errors.ts";
import { PostgresFrames } from "./frames.ts";
import { markOf } from "../sql/mark.ts";
import type { PostgresSessionOptions } from "./options.ts";
import { type Encryption, openSocket } from "./socket.ts";
import { type DriverConnection, type Row, Session } from "../sql/session.ts";
import { POSTGRESQL } from "../sql/spelling.ts";
import { inMilliseconds } from "./sql.ts";
import { identifier, join, sql, type Statement, word } from "../sql/statement.ts";

/** How long a host may take until it has let us in, and to answer, when the settings do not say, in milliseconds. */
export const DEFAULT_TIMEOUT = 10_000;

/** What is known of a session. */
type Facts = Answer<"pid" | "born" | "standby" | "read_only" | "idle">;

/** What says whether the server will do. It may change in a session: by a promotion, or when settings are read again. */
export const FITNESS = sql`pg_is_in_recovery() AS standby, current_setting('transaction_read_only') AS read_only`;

/** What has to be known of a session. Times are text such as `1min`, so the server does the reckoning. */
const FACTS = sql`pg_backend_pid() AS pid, extract(epoch FROM pg_postmaster_start_time())::text AS born, ${FITNESS},
  ${inMilliseconds(sql`coalesce(current_setting('idle_session_timeout', true), '0')::interval`)} AS idle`;

/**
 * The settings of the session: no limits that would break a wait or a release off, and the lease, by which the server
 * frees the lock of a node that has vanished. A server may not know some, and not have TCP to set others for.
 */
export function sessionSettings({ ttl }: LeaseTerms): [name: string, value: string][] {
  // Not less: where only the count ends a session, that must not be before the TTL.
  const third = Math.ceil(ttl / 3000);
  return [
    ["statement_timeout", "0"],
    ["lock_timeout", "0"],
    ["idle_session_timeout", `${Math.ceil(ttl)}ms`],
    ["tcp_keepalives_idle", `${third}`],
    ["tcp_keepalives_interval", `${third}`],
    ["tcp_keepalives_count", "2"],
    ["tcp_user_timeout", `${Math.ceil(ttl)}ms`],
    ["client_connection_check_interval", `${Math.ceil(ttl / 3)}ms`],
  ];
}

/** One connection to a PostgreSQL server, never replaced by another. */
export class PostgresSession extends Session {
  /** The process that serves this session. */
  readonly pid: number;
  /** After how many idle milliseconds the server ends the session; `Infinity` if it does not. */
  readonly idleTimeout: number;
  /** Whether a pooler stands between: it speaks for itself, so its process is not the one that serves the session. */
  readonly pooled: boolean;
  readonly #client: pg.Client;
  readonly #facts: Facts;

  /** @internal For {@linkcode openPostgresSession}. */
  constructor(where: string, client: pg.Client, facts: Facts, answerTimeout: number) {
    super(where, asDriver(client), GUIDE, answerTimeout);
    this.#client = client;
    this.#facts = facts;
    this.pid = facts.whole("pid");
    this.idleTimeout = facts.number("idle") || Infinity;
    this.pooled = (client as unknown as { processID: number | null }).processID !== this.pid;
  }

  override get number(): number {
    return this.pid;
  }

  /** No two servers are likely to have been started in the same microsecond. */
  override get serverMark(): string {
    return this.#facts.text("born");
  }

  /** Calls back whenever the channel is notified from now on. A server without notifications is no error. */
  async listen(channel: string, notified: () => void, signal: AbortSignal): Promise<void> {
    this.#client.on("notification", (message) => {
      if (message.channel === channel) notified();
    });
    await this.attempt(sql`LISTEN ${identifier(channel)}`, signal);
  }

  /** Runs a statement that may fail without harm; what ends the connection is still an error. */
  async attempt(statement: Statement, signal?: AbortSignal): Promise<void> {
    try {
      await this.query(statement, { signal });
    } catch (error) {
      if (!(error instanceof LockUnavailableError) || this.closed.aborted) throw error;
    }
  }
}

const GUIDE = { describe: describePostgresError, isTransient: isTransientInSession };

/**
 * Connects to the first host that lets us in and is what the settings ask for, and sets the session up.
 *
 * @param signal Gives the attempt up.
 * @throws {LockUnavailableError} When there is no such host.
 * @throws {ConfigError} When a file that TLS needs cannot be read.
 */
export async function openPostgresSession(
  server: PostgresServer,
  options: PostgresSessionOptions,
  signal: AbortSignal,
): Promise<PostgresSession> {
  const failures: { host: PostgresHost; error: unknown }[] = [];
  for (const host of server.hosts) {
    try {
      return await openOn(host, server, options, signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof ConfigError) throw error;
      failures.push({ host, error });
      // As libpq: who is refused by one host does not try the next one.
      if (sqlState(error) !== undefined && sqlState(error) !== "57P03") break;
    }
  }
  const reasons = failures.map(({ host, error }) => `${whereIs(host)}: ${describePostgresError(error)}`);
  const last = failures.at(-1)!;
  const is = (kind: typeof UnsuitableServerError) => failures.some(({ error }) => error instanceof kind);
  const kind = is(StandbyError) ? UnsafeServerError : is(NotPrimaryError) ? UnfitServerError : LockUnavailableError;
  const transient = failures.every(({ error }) =>
    isTransientPostgresError(error) || error instanceof NotPrimaryError && server.hosts.length > 1
  );
  const where = [...reasons.slice(0, -1), whereIs(last.host)].join(", and at ");
  throw kind.on(`PostgreSQL at ${where}`, { what: describePostgresError(last.error) }, { transient });
}

async function openOn(
  host: PostgresHost,
  server: PostgresServer,
  options: PostgresSessionOptions,
  signal: AbortSignal,
): Promise<PostgresSession> {
  const limit = server.connectTimeout ?? DEFAULT_TIMEOUT;
  const late = new AbortController();
  const timer = setTimeout(
    () =>
      late.abort(
        new ConnectionError(`no answer within ${formatDuration(Math.round(limit))}; check the server and the network`),
      ),
    Math.min(limit, LONGEST_TIMER),
  );
  const either = AbortSignal.any([signal, late.signal]);
  let client: pg.Client | undefined;
  try {
    client = await logIn(host, server, options, either);
    const facts = await setUp(client, options.lease, either);
    refuseUnsuitable(facts, server, options.allowUnsafeServer);
    const session = new PostgresSession(
      `PostgreSQL at ${whereIs(host)}`,
      client,
      facts,
      options.answerTimeout ?? DEFAULT_TIMEOUT,
    );
    session.mark = markOf(options.presence);
    client.on("error", (error) => session.ended(error));
    client.on("end", () => session.ended(new ConnectionError(CLOSED)));
    return session;
  } catch (error) {
    if (client) socketOf(client).destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Logs in as sslmode says: with encryption, without, or with the one after the other. */
async function logIn(
  host: PostgresHost,
  server: PostgresServer,
  options: PostgresSessionOptions,
  signal: AbortSignal,
): Promise<pg.Client> {
  const attempt = (encryption: Encryption) => logInOnce(host, server, options, encryption, signal);
  if (host.address.transport === "unix" || server.sslmode === "disable") return await attempt("none");
  const [first, second]: [Encryption, Encryption?] = server.sslmode === "prefer"
    ? ["offered", "none"]
    : server.sslmode === "allow"
    ? ["none", "required"]
    : ["required"];
  try {
    return await attempt(first);
  } catch (error) {
    if (second === undefined || signal.aborted || !mayDependOnEncryption(error)) throw error;
    try {
      return await attempt(second);
    } catch (secondError) {
      if (signal.aborted) throw secondError;
      throw second === "none" ? moreTelling(error, secondError) : moreTelling(secondError, error);
    }
  }
}

/**
 * What the encrypted attempt was told is nearer to what is wrong; if it came to none, then only where pg_hba.conf may
 * want one.
 */
function moreTelling(encrypted: unknown, plain: unknown): unknown {
  return !(encrypted instanceof TlsError) || encrypted.offered && sqlState(plain) === "28000" ? encrypted : plain;
}

/** pg_hba.conf may let a role in with encryption only, or without only. */
function mayDependOnEncryption(error: unknown): boolean {
  return error instanceof TlsError || (sqlState(error)?.startsWith("28") ?? false);
}

async function logInOnce(
  host: PostgresHost,
  server: PostgresServer,
  options: PostgresSessionOptions,
  encryption: Encryption,
  signal: AbortSignal,
): Promise<pg.Client> {
  const { socket } = await openSocket(host, server, encryption, signal);
  // The driver connects by itself; this one is connected.
  Object.assign(socket, { connect: () => queueMicrotask(() => socket.emit("connect")) });
  const config: pg.ClientConfig & { readonly sslnegotiation: "postgres" } = {
    stream: () => socket,
    ssl: false,
    // So that the driver does not look at libpq's variables by itself.
    sslnegotiation: "postgres",
    user: server.user,
    database: server.database,
    password: () => {
      if (host.password === undefined) {
        throw new UnsuitableServerError(
          `the server asks for a password, and there is none; ${
            server.noPassword ?? "put it into the server setting or the password file"
          }`,
        );
      }
      return host.password;
    },
    application_name: server.applicationName ?? applicationName(options.presence),
    client_encoding: "UTF8",
    // All that is asked for is read as text.
    types: { getTypeParser: () => (text: unknown) => text },
  };
  const client = new pg.Client(config);
  // These it looks up in the environment even where they are given as empty.
  const { connectionParameters } = client as unknown as { readonly connectionParameters: object };
  Object.assign(connectionParameters, { options: server.options, replication: undefined });
  client.on("error", () => undefined);
  const aborted = () => socket.destroy();
  signal.addEventListener("abort", aborted, { once: true });
  try {
    signal.throwIfAborted();
    const connected = client.connect();
    watch(client, socket);
    await connected;
    return client;
  } catch (error) {
    socket.destroy();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener("abort", aborted);
  }
}

/** Keeps from the driver what is wrong, and tells it so. It listens to the socket from when it connects. */
function watch(client: pg.Client, socket: Socket): void {
  const frames = new PostgresFrames();
  guard(socket, frames, (error) => socket.emit("error", error));
  const { connection } = client as unknown as { readonly connection: { query(sql: string): void } };
  const send = connection.query.bind(connection);
  connection.query = (sql) => {
    frames.asked();
    send(sql);
  };
}

/** Changes the settings, and asks what has to be known, in one go; one by one where the server refuses a setting. */
async function setUp(client: pg.Client, lease: LeaseTerms, signal: AbortSignal): Promise<Facts> {
  const ask = (statement: Statement) => askOrAbort(client, statement, signal);
  const facts = (rows: readonly Row[], ...others: "set_config"[]) =>
    new Answer(
      rows,
      ["pid", "born", "standby", "read_only", "idle", ...others],
      (what) => new UnsuitableServerError(what),
    );
  const settings = sessionSettings(lease).map(([name, value]) => sql`set_config(${word(name)}, ${word(value)}, false)`);
  try {
    return facts(await ask(sql`SELECT ${join(settings)}, ${FACTS}`), "set_config");
  } catch (error) {
    if (sqlState(error) === undefined) throw error;
    for (const setting of settings) {
      await ask(sql`SELECT ${setting}`).catch((error) => {
        if (sqlState(error) === undefined) throw error;
      });
    }
    return facts(await ask(sql`SELECT ${FACTS}`));
  }
}

async function askOrAbort(client: pg.Client, statement: Statement, signal: AbortSignal): Promise<readonly Row[]> {
  const aborted = () => socketOf(client).destroy();
  signal.addEventListener("abort", aborted, { once: true });
  try {
    signal.throwIfAborted();
    return rowsOf(await client.query(statement.textFor(POSTGRESQL)));
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener("abort", aborted);
  }
}

/**
 * @param facts What {@linkcode FITNESS} gives.
 * @throws {NotPrimaryError} When the server will not do, or not any more.
 */
export function refuseUnsuitable(
  facts: Answer<"standby" | "read_only">,
  { targetSessionAttrs }: Pick<PostgresServer, "targetSessionAttrs">,
  allowUnsafeServer: boolean,
): void {
  if (facts.truth("standby") && !allowUnsafeServer) {
    throw new StandbyError(
      "the server is a standby, and a lock there excludes nobody elsewhere; name the primary, or " +
        "allow it with --allow-unsafe-server",
    );
  }
  if (targetSessionAttrs === "read-write" && facts.text("read_only") !== "off") {
    throw new NotPrimaryError("the session is read-only, and target_session_attrs=read-write asks for another");
  }
}

function asDriver(client: pg.Client): DriverConnection {
  return {
    query: (statement, done) =>
      client.query(
        statement.textFor(POSTGRESQL),
        (error: unknown, result) => done(error, error ? [] : rowsOf(result)),
      ),
    end: (done) => client.end(() => done()),
    destroy: () => socketOf(client).destroy(),
    socket: () => socketOf(client),
  };
}

/** The types know of one result only; there is one for each statement. */
function rowsOf(result: pg.QueryResult | pg.QueryResult[]): Row[] {
  return [result].flat().flatMap(({ rows }) => rows);
}

/** The socket below; the driver's types do not show it. */
function socketOf(client: pg.Client): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream;
}
