// @ts-types="@types/pg"
import pg from "pg";
import type { Socket } from "node:net";
import { listening } from "../../waiting.ts";
import { guard } from "../network/frames.ts";
import type { DriverAnswer, DriverConnection } from "../sql/driver.ts";
import type { Row } from "../sql/row.ts";
import { POSTGRESQL } from "../sql/quoting.ts";
import type { Statement } from "../sql/statement.ts";
import { applicationName } from "./application_name.ts";
import { ConnectionError } from "../network/errors.ts";
import { describePostgresError, endsSession, UnsuitableServerError } from "./errors.ts";
import { PostgresFrames } from "./frames.ts";
import type { PostgresSessionOptions } from "./options.ts";
import type { PostgresHost, PostgresServer } from "./server.ts";
import { type Encryption, openSocket } from "./socket.ts";

/** The driver's connection. */
export type Client = pg.Client;

/**
 * Tries once to connect to a host and to log in.
 *
 * @param signal Aborts the attempt.
 * @throws As {@linkcode openSocket}, or the driver's error.
 */
export async function logInOnce(
  host: PostgresHost,
  server: PostgresServer,
  options: PostgresSessionOptions,
  encryption: Encryption,
  signal: AbortSignal,
): Promise<pg.Client> {
  const { socket } = await openSocket(host, server, encryption, signal);
  // The driver wants to connect by itself; this socket is already connected.
  Object.assign(socket, { connect: () => queueMicrotask(() => socket.emit("connect")) });
  const config: pg.ClientConfig & { readonly sslnegotiation: "postgres" } = {
    stream: () => socket,
    ssl: false,
    // Keeps the driver from reading libpq's variable.
    sslnegotiation: "postgres",
    user: server.user,
    database: server.database,
    password: () => {
      if (host.password === undefined) {
        throw new UnsuitableServerError(
          "the server asks for a password, and there is none",
          server.noPassword ?? "put it into the server setting or the password file",
        );
      }
      return host.password;
    },
    application_name: server.applicationName ?? applicationName(options.presence),
    client_encoding: "UTF8",
    // Sera reads all values as text.
    types: { getTypeParser: () => (text: unknown) => text },
  };
  const client = new pg.Client(config);
  // The driver would read these from the environment if they were empty in its config.
  const { connectionParameters } = client as unknown as { readonly connectionParameters: object };
  Object.assign(connectionParameters, { options: server.options, replication: undefined });
  client.on("error", (error) => {
    if (endsSession(error)) lastWords.set(client, error);
  });
  using _ = listening(signal, () => socket.destroy());
  try {
    signal.throwIfAborted();
    const connected = client.connect();
    watch(client, socket);
    await connected;
    return client;
  } catch (error) {
    socket.destroy();
    throw signal.aborted ? signal.reason : error;
  }
}

/** The server's error when it ended a session unasked, as a pooler does when its server is down. */
const lastWords = new WeakMap<pg.Client, unknown>();

/** The message checker of each client. */
const watching = new WeakMap<pg.Client, PostgresFrames>();

/**
 * Checks every message before the driver sees it; a bad one becomes an error of the socket. Call it after connect(),
 * which makes the driver listen to the socket.
 */
function watch(client: pg.Client, socket: Socket): void {
  const frames = new PostgresFrames();
  watching.set(client, frames);
  guard(socket, frames, (error) => socket.emit("error", error));
  const { connection } = client as unknown as { readonly connection: { query(sql: string): void } };
  const send = connection.query.bind(connection);
  connection.query = (sql) => {
    frames.statementSent();
    send(sql);
  };
}

/**
 * The process id that was sent at login; 0 if none was. A pooler makes one up, other than that of the server process.
 */
export function loginPidOf(client: pg.Client): number {
  return (client as unknown as { readonly processID: number | null }).processID ?? 0;
}

/** How many round trips the login took. */
export function loginTripsOf(client: pg.Client): number {
  return watching.get(client)!.loginTrips;
}

/**
 * Runs a statement and returns its rows.
 *
 * @param signal Aborts it, by ending the connection.
 * @throws {ConnectionError} When the server ended the session, with its message.
 * @throws The driver's error, or the signal's reason.
 */
export async function askOrAbort(
  client: pg.Client,
  statement: Statement,
  signal: AbortSignal,
): Promise<readonly Row[]> {
  using _ = listening(signal, () => socketOf(client).destroy());
  try {
    signal.throwIfAborted();
    return rowsOf(await client.query(statement.textFor(POSTGRESQL)));
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    // If the server's message came before the statement was sent, the driver says only that the connection has ended.
    const words = endsSession(error) ? error : lastWords.get(client);
    if (words === undefined) throw error;
    const { what, cure } = describePostgresError(words);
    throw new ConnectionError(what, cure);
  }
}

/**
 * Pipelining: sends statements before earlier ones are answered. Call this while none is being answered. Not through a
 * pooler: at the end of one answer it may give the server session to another client.
 */
export function enablePipelining(client: pg.Client): void {
  Object.assign(client, { pipeline: true });
}

/** A client as a session needs it. */
export function asDriver(client: pg.Client): DriverConnection {
  const query: DriverConnection["query"] = (statement, done) =>
    client.query(
      statement.textFor(POSTGRESQL),
      (error: unknown, result) => done(error, error ? [] : rowsOf(result)),
    );
  return {
    query,
    queryEach(statements, done, counts) {
      const answers: DriverAnswer[] = [];
      const socket = socketOf(client);
      socket.cork();
      for (const statement of statements) {
        query(statement, (error, rows) => {
          if (answers.push(error ? { error } : { rows }) === statements.length) done(answers);
        }, counts);
      }
      socket.uncork();
    },
    end: (done) => client.end(() => done()),
    destroy: () => socketOf(client).destroy(),
    socket: () => socketOf(client),
  };
}

/** The rows of all results: one result for each statement, although the driver's types say otherwise. */
function rowsOf(result: pg.QueryResult | pg.QueryResult[]): Row[] {
  return [result].flat().flatMap(({ rows }) => rows);
}

/** The connection's socket, which the driver's types do not show. */
export function socketOf(client: pg.Client): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream;
}
