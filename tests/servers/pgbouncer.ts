/** A private PgBouncer, from the programs of the system. */

import pg from "pg";
import { onFreePort } from "./free_port.ts";
import type { PostgresServer } from "./postgres_process.ts";
import { findProgram, lastLines } from "./tool.ts";
import { chownToNobody, unprivileged, unprivilegedUnavailable } from "./unprivileged.ts";
import { startWatched, type Watched } from "./watched.ts";

/** A private PgBouncer in front of one server. */
export interface PgBouncer extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** A URL for the server's plain user through it; `?` with parameters if there are any. */
  url(params?: string): string;
  /** Runs one command of its console, such as `SHOW POOLS`. */
  query(sql: string): Promise<Record<string, unknown>[]>;
  /** The last lines of its log. */
  log(): Promise<string>;
  /** Ends it at once and removes its folder. May be called twice. */
  stop(): Promise<void>;
}

const program = findProgram("pgbouncer");

/** Why {@linkcode startPgBouncer} cannot work here, if so. */
export const pgBouncerUnavailable: string | undefined = program
  ? unprivilegedUnavailable
  : "pgbouncer was not found: scripts/test installs it";

const HOST = "127.0.0.1";
const ADMIN = "admin";
const START_DEADLINE_MS = 180_000;
const POLL_MS = 20;
/** Far longer than one that runs takes to greet. */
const CONNECT_MS = 60_000;

/** Starts a PgBouncer, and resolves when it answers. `extra` are settings of its own that win over ours. */
export async function startPgBouncer(
  server: PostgresServer,
  poolMode: "session" | "transaction" | "statement",
  extra: Record<string, string> = {},
): Promise<PgBouncer> {
  if (!program || pgBouncerUnavailable) throw new Error(pgBouncerUnavailable);
  const folder = await Deno.makeTempDir({ prefix: "sera-pgbouncer-" });
  try {
    return await start(program, folder, server, { pool_mode: poolMode, ...extra });
  } catch (error) {
    await Deno.remove(folder, { recursive: true }).catch(() => {});
    throw error;
  }
}

async function start(
  program: string,
  folder: string,
  server: PostgresServer,
  extra: Record<string, string>,
): Promise<PgBouncer> {
  const { user, password, database } = server;
  const { port, started } = await onFreePort([HOST], async (port) => {
    await configure(folder, server, { listen_port: `${port}`, ...extra });
    return await startProcess(program, folder, (sql) => ask(port, password, sql));
  });
  const stop = async () => {
    await kill(started);
    await Deno.remove(folder, { recursive: true }).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  };
  return {
    port,
    pid: started.pid,
    url: (params = "") => `postgres://${user}:${password}@${HOST}:${port}/${database}${params && `?${params}`}`,
    query: (sql) => ask(port, password, sql),
    log: () => readLog(folder),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function configure(folder: string, server: PostgresServer, extra: Record<string, string>): Promise<void> {
  const { host, port, user, password, database } = server;
  const settings: Record<string, string> = {
    listen_addr: HOST,
    unix_socket_dir: "",
    auth_type: "scram-sha-256",
    auth_file: `${folder}/userlist.txt`,
    admin_users: ADMIN,
    ...extra,
  };
  // The password as it is, not hashed: with it PgBouncer logs in to the server as well.
  await Deno.writeTextFile(`${folder}/userlist.txt`, `"${user}" "${password}"\n"${ADMIN}" "${password}"\n`);
  await Deno.writeTextFile(
    `${folder}/pgbouncer.ini`,
    [
      "[databases]",
      `${database} = host=${host} port=${port} dbname=${database}`,
      "[pgbouncer]",
      ...Object.entries(settings).map(([name, value]) => `${name} = ${value}`),
      "",
    ].join("\n"),
  );
  await chownToNobody(folder);
}

async function startProcess(program: string, folder: string, query: PgBouncer["query"]): Promise<Watched> {
  const process = await startWatched({
    command: unprivileged([program, `${folder}/pgbouncer.ini`]),
    cwd: folder,
    log: logOf(folder),
    folders: [folder],
  });
  try {
    await answers(process, query);
  } catch (error) {
    await kill(process);
    throw new Error(`pgbouncer did not start: ${(error as Error).message}\n${await readLog(folder)}`);
  }
  return process;
}

async function kill(process: Watched): Promise<void> {
  process.signal("SIGKILL");
  await process.wait();
}

async function answers(process: Watched, query: PgBouncer["query"]): Promise<void> {
  const deadline = Date.now() + START_DEADLINE_MS;
  for (;;) {
    try {
      await query("SHOW VERSION");
      return;
    } catch (error) {
      if (process.ended) throw new Error("its process ended");
      if (Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function ask(port: number, password: string, sql: string): Promise<Record<string, unknown>[]> {
  const address = { host: HOST, port, user: ADMIN, password, database: "pgbouncer", ssl: false };
  const client = new pg.Client({ ...address, connectionTimeoutMillis: CONNECT_MS });
  // Without it an end of the connection ends the tests; the query's promise tells of it as well.
  client.on("error", () => {});
  try {
    await client.connect();
    return (await client.query(sql)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}

async function readLog(folder: string): Promise<string> {
  return lastLines(await Deno.readTextFile(logOf(folder)).catch(() => ""), 20);
}

function logOf(folder: string): string {
  return `${folder}/pgbouncer.log`;
}
