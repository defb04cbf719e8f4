/** Shared by the private PostgreSQL servers: starting, querying, attacking and stopping them. */

import pg from "pg";
import { copyTemplate, templateFolders } from "./data_folder.ts";
import { hasIpv6, onFreePort } from "./free_port.ts";
import { continueTree, killTree, stopTree } from "./process_tree.ts";
import { lastLines, runTool } from "./tool.ts";
import { chownToNobody, unprivileged } from "./unprivileged.ts";
import type { Lent } from "./mysql_process.ts";
import { startWatched, type Watched, watchedElsewhere } from "./watched.ts";

/** A private server, for one test or one test file. */
export interface PostgresServer extends AsyncDisposable {
  readonly kind: "system" | "18";
  /** From `SHOW server_version`, without the packager's addition: `15.18`. */
  readonly version: string;
  /** `127.0.0.1`. */
  readonly host: string;
  readonly port: number;
  /** The folder of the unix socket, whose name has the port in it. */
  readonly socketFolder: string;
  /** Whether it listens on `::1` as well, on the same port. */
  readonly ipv6: boolean;
  /** A plain user, over TCP from this machine and over the socket. It owns the database and nothing else. */
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** The folder with the data, the socket and the log. */
  readonly folder: string;
  /** The process id of the postmaster, the parent of all the others; another one after `restart`. */
  readonly pid: number;
  /** A URL for `user` over TCP: `postgres://sera:secret@127.0.0.1:PORT/sera`, and `?` with parameters, if any. */
  url(params?: string): string;
  /** Runs SQL as the superuser `postgres`, over a connection of its own; gives the rows of the last statement. */
  query(sql: string, database?: string): Promise<Record<string, unknown>[]>;
  /** The server's log, from the start of the server or, if it is lent, from then on. */
  readonly logFile: string;
  /** The last lines of the server's log. */
  log(): Promise<string>;
  /** A crash: SIGKILL for all of its processes; resolves when they have gone. `restart` brings the server back. */
  kill(): Promise<void>;
  /** SIGSTOP for all of its processes: connections stay open and nothing answers. */
  pause(): Promise<void>;
  /** SIGCONT. */
  resume(): Promise<void>;
  /** An orderly shutdown if it still runs, then a start on the same port with the same data. */
  restart(): Promise<void>;
  /** Makes the server read its settings and files again, after these changes; resolves when they are in force. */
  reload(changes?: Pick<PostgresOptions, "hba" | "tls">): Promise<void>;
  /** Ends the server at once and removes its folder. May be called twice. */
  stop(): Promise<void>;
}

/** How the server differs from a plain one. */
export interface PostgresOptions {
  /** Lines for the front of pg_hba.conf, where the first one that fits a connection decides. */
  hba?: string[];
  /** Offer TLS with this certificate; without it the server has no TLS. */
  tls?: PostgresTls;
  /** More arguments for the server, such as `--idle-session-timeout=2s`. */
  extraArgs?: string[];
}

/** The files for TLS. `tests/servers/certificates.ts` makes them. */
export interface PostgresTls {
  cert: string;
  key: string;
  /** The authority whose certificates for clients are accepted; without it clients are not asked for one. */
  ca?: string;
}

/** How one kind of server is installed and started. */
export interface PostgresRecipe {
  kind: PostgresServer["kind"];
  /** The folder with the programs. */
  programs: string;
  /** Arguments of the server alone. */
  args: string[];
}

const HOST = "127.0.0.1";
const USER = "sera";
const PASSWORD = "secret";
const DATABASE = "sera";

/** Far more than a start takes, even on a busy machine with a slow disk. */
const START_DEADLINE_MS = 180_000;
const SHUTDOWN_DEADLINE_MS = 180_000;
const POLL_MS = 20;
/** Far more than a server that runs takes to greet. */
const CONNECT_MS = 60_000;

/** The user `postgres` may do everything and has no password: the folder of the socket keeps others away from it. */
const HBA = `
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
host all all ::1/128 scram-sha-256
`;
const HBA_SUPERUSER = `
local all postgres trust
local replication postgres trust
`;

/** Starts a server after its recipe, and resolves when it answers. `fill` makes its data, fresh if it is absent. */
export async function startServer(
  recipe: PostgresRecipe,
  options: PostgresOptions = {},
  fill = (dataFolder: string) => copyTemplate(`postgres-${recipe.kind}`, dataFolder, (made) => install(recipe, made)),
): Promise<PostgresServer> {
  const folder = await Deno.makeTempDir({ prefix: "sera-postgres-" });
  try {
    await fill(`${folder}/data`);
    await configure(folder, { hba: [], ...options });
    await chownToNobody(folder);
    return await describe(recipe, options, folder);
  } catch (error) {
    await Deno.remove(folder, { recursive: true }).catch(() => {});
    throw error;
  }
}

/** Takes a plain server that was started after this recipe as if this process had started it, but for its end. */
export function borrow(recipe: PostgresRecipe, lent: Lent): Promise<PostgresServer> {
  return describe(recipe, {}, lent.folder, lent);
}

/** Makes a fresh data folder with the plain user and its database. */
async function install({ programs }: PostgresRecipe, dataFolder: string): Promise<void> {
  // The parent, too: the user must be able to pass through it.
  const parent = dataFolder.slice(0, dataFolder.lastIndexOf("/"));
  await chownToNobody(parent);
  const run = (command: string[], input?: string) => {
    const [program = "", ...args] = unprivileged(command);
    return runTool(program, args, { cwd: parent, env: ENV, ...input === undefined ? {} : { input } });
  };
  await run([
    `${programs}/initdb`,
    `--pgdata=${dataFolder}`,
    "--username=postgres",
    "--auth=reject",
    "--encoding=UTF8",
    // The only locale that is sure to be there.
    "--locale=C",
    // The smallest, for the sake of the copies.
    "--wal-segsize=1",
    "--no-sync",
  ]);
  await run(
    [`${programs}/postgres`, "--single", "-D", dataFolder, "-c", "fsync=off", "postgres"],
    `CREATE ROLE ${USER} LOGIN PASSWORD '${PASSWORD}'\nCREATE DATABASE ${DATABASE} OWNER ${USER}\n`,
  );
}

/** Writes the files that `reload` reads again. */
async function configure(folder: string, { hba, tls }: Pick<PostgresOptions, "hba" | "tls">): Promise<void> {
  const files: string[] = [];
  const write = async (name: string, content: string) => {
    const path = `${folder}/${name}`;
    await Deno.writeTextFile(path, content, { mode: 0o600 });
    files.push(path);
  };
  if (hba) await write("pg_hba.conf", `${HBA_SUPERUSER}${hba.join("\n")}\n${HBA}`);
  if (tls) {
    await write("server.crt", await Deno.readTextFile(tls.cert));
    await write("server.key", await Deno.readTextFile(tls.key));
    if (tls.ca) await write("ca.crt", await Deno.readTextFile(tls.ca));
  }
  if (files.length > 0) await chownToNobody(...files);
}

/** Messages in English. */
const ENV = { LC_ALL: "C" };

async function startProcess(
  recipe: PostgresRecipe,
  { tls, extraArgs = [] }: PostgresOptions,
  folder: string,
  port: number,
  ipv6: boolean,
): Promise<Watched> {
  const process = await startWatched({
    command: unprivileged([
      `${recipe.programs}/postgres`,
      "-D",
      `${folder}/data`,
      `--port=${port}`,
      `--listen-addresses=${ipv6 ? `${HOST},::1` : HOST}`,
      `--unix-socket-directories=${folder}`,
      `--hba-file=${folder}/pg_hba.conf`,
      "--shared-buffers=8MB",
      // Not in /dev/shm, where a killed server would leave it.
      "--dynamic-shared-memory-type=mmap",
      "--huge-pages=off",
      // A test's server has nothing to lose: no waiting for the disk.
      "--fsync=off",
      // Its workers would come and go among the sessions that a test looks at.
      "--autovacuum=off",
      // For a standby that starts from a copy.
      "--wal-keep-size=64MB",
      ...tls ? ["--ssl=on", `--ssl-cert-file=${folder}/server.crt`, `--ssl-key-file=${folder}/server.key`] : [],
      ...tls?.ca ? [`--ssl-ca-file=${folder}/ca.crt`] : [],
      ...recipe.args,
      ...extraArgs,
    ]),
    env: ENV,
    // It must be able to come back to the folder that it starts in.
    cwd: folder,
    log: logOf(folder),
    folders: [folder, ...templateFolders],
    // It ends its children and the kernel's shared memory, within a few seconds even if they are stopped.
    endSignal: "SIGQUIT",
  });
  try {
    await answers(process, folder, port);
  } catch (error) {
    await endAtOnce(process);
    throw new Error(`postgres ${recipe.kind} did not start: ${(error as Error).message}\n${await readLog(folder)}`);
  }
  return process;
}

/** Resolves when the server answers a query. */
async function answers(process: Watched, folder: string, port: number): Promise<void> {
  const deadline = Date.now() + START_DEADLINE_MS;
  for (;;) {
    try {
      await ask(folder, port, "SELECT 1", "postgres");
      return;
    } catch (error) {
      if (process.ended) throw new Error("its process ended");
      if (Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function describe(
  recipe: PostgresRecipe,
  options: PostgresOptions,
  folder: string,
  lent?: Lent,
): Promise<PostgresServer> {
  const ipv6 = hasIpv6();
  const start = (port: number) => startProcess(recipe, options, folder, port, ipv6);
  const { port, started } = lent === undefined
    ? await onFreePort(ipv6 ? [HOST, "::1"] : [HOST], start)
    : { port: lent.port, started: watchedElsewhere(lent.pid) };
  let process = started;
  const query = (sql: string, database = DATABASE) => ask(folder, port, sql, database);

  const kill = async () => {
    if (!process.ended) await killTree(process.pid);
    await process.wait();
  };
  const resume = async () => {
    if (!process.ended) await continueTree(process.pid);
  };
  const shutDown = async () => {
    await resume();
    process.signal("SIGINT");
    const timer = setTimeout(() => void killTree(process.pid), SHUTDOWN_DEADLINE_MS);
    await process.wait();
    clearTimeout(timer);
  };
  const stop = async () => {
    // Who lends it stops it, unless it is another one by now.
    if (lent !== undefined && process === started) return;
    await endAtOnce(process);
    await removeSharedMemory(folder);
    await Deno.remove(folder, { recursive: true }).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  };

  let version: string;
  try {
    const [row] = await query("SHOW server_version");
    version = String(row?.server_version).replace(/ .*/, "");
  } catch (error) {
    if (lent === undefined) await kill();
    throw error;
  }
  return {
    kind: recipe.kind,
    version,
    host: HOST,
    port,
    socketFolder: folder,
    ipv6,
    user: USER,
    password: PASSWORD,
    database: DATABASE,
    folder,
    get pid() {
      return process.pid;
    },
    url: (params = "") => `postgres://${USER}:${PASSWORD}@${HOST}:${port}/${DATABASE}${params && `?${params}`}`,
    query,
    logFile: logOf(folder),
    log: () => readLog(folder),
    kill,
    async pause() {
      if (!process.ended) await stopTree(process.pid);
    },
    resume,
    async restart() {
      await shutDown();
      process = await start(port);
    },
    async reload(changes = {}) {
      if (changes.tls && !options.tls) throw new Error("a server that starts without TLS has no place for it");
      await configure(folder, changes);
      const time = async () => (await query("SELECT pg_conf_load_time()::text AS time"))[0]?.time;
      const before = await time();
      process.signal("SIGHUP");
      // A new session has the settings and files of the postmaster, which reads them all before the next one.
      const deadline = Date.now() + SHUTDOWN_DEADLINE_MS;
      while (await time() === before) {
        if (Date.now() > deadline) {
          throw new Error(`postgres does not read its settings again\n${await readLog(folder)}`);
        }
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Ends the server without a checkpoint; it takes its children and its shared memory along. */
async function endAtOnce(process: Watched): Promise<void> {
  if (process.ended) return;
  await continueTree(process.pid);
  process.signal("SIGQUIT");
  const timer = setTimeout(() => void killTree(process.pid), SHUTDOWN_DEADLINE_MS);
  await process.wait();
  clearTimeout(timer);
}

/** A server that was killed leaves the segment of System V memory by which the next one knows that it has gone. */
async function removeSharedMemory(folder: string): Promise<void> {
  const file = await Deno.readTextFile(`${folder}/data/postmaster.pid`).catch(() => "");
  const id = /^ *\d+ +(\d+)$/m.exec(file)?.[1];
  // The server may have removed it before it died.
  if (id !== undefined) await runTool("ipcrm", ["--shmem-id", id]).catch(() => {});
}

async function ask(folder: string, port: number, sql: string, database: string): Promise<Record<string, unknown>[]> {
  const address = { host: folder, port, user: "postgres", database, ssl: false };
  const client = new pg.Client({ ...address, connectionTimeoutMillis: CONNECT_MS });
  // Without it an end of the connection ends the tests; the query's promise tells of it as well.
  client.on("error", () => {});
  try {
    await client.connect();
    const results = [await client.query(sql)].flat();
    return results.at(-1)?.rows ?? [];
  } finally {
    await client.end().catch(() => {});
  }
}

async function readLog(folder: string): Promise<string> {
  return lastLines(await Deno.readTextFile(logOf(folder)).catch(() => ""), 20);
}

function logOf(folder: string): string {
  return `${folder}/server.log`;
}
