/** Shared by the private servers of the MySQL family: starting, querying, attacking and stopping them. */

import { isThere } from "../../lib/system/if_there.ts";
import { copyTemplate, templateFolders } from "./data_folder.ts";
import { onFreePort } from "./free_port.ts";
import { connectMySql } from "./mysql_client.ts";
import { lastLines } from "./tool.ts";
import { suspend } from "./process_tree.ts";
import { startWatched, type Watched, watchedElsewhere } from "./watched.ts";

/** A private server, for one test or one test file. */
export interface MySqlServer extends AsyncDisposable {
  readonly kind: "mariadb" | "mysql56";
  /** As `SELECT VERSION()` tells it. */
  readonly version: string;
  /** `127.0.0.1`. */
  readonly host: string;
  readonly port: number;
  /** The path of the unix socket. */
  readonly socket: string;
  /** Whether it listens on `::1` as well, on the same port. */
  readonly ipv6: boolean;
  /** A plain user, over TCP from this machine and over the socket. It owns the database `sera` and nothing else. */
  readonly user: string;
  readonly password: string;
  /** The folder with the data, the socket and the log. */
  readonly folder: string;
  /** The process id of the server; another one after `restart`. */
  readonly pid: number;
  /** A Go DSN for `user` over TCP: `sera:secret@tcp(127.0.0.1:PORT)/?timeout=5s`. */
  dsn(params?: string): string;
  /** Runs one statement as root, over a connection of its own. */
  query(sql: string): Promise<Record<string, unknown>[]>;
  /** The server's log, from the start of the server or, if it is lent, from then on. */
  readonly logFile: string;
  /** The last lines of the server's log. */
  log(): Promise<string>;
  /** SIGKILL; resolves when the process has gone. `restart` brings the server back. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): Promise<void>;
  /** SIGCONT. */
  resume(): void;
  /**
   * An orderly shutdown if it still runs, then a start on the same port with the same data.
   *
   * @param extraArgs More arguments for this start alone; they win over those of the first one.
   */
  restart(extraArgs?: readonly string[]): Promise<void>;
  /** Ends the server at once and removes its folder. May be called twice. */
  stop(): Promise<void>;
}

/** How one kind of server is installed and started. */
export interface ServerRecipe {
  kind: MySqlServer["kind"];
  program: string;
  /** Words to put before the program when the server is started; they must become it with `exec`. */
  launcher?: string[] | undefined;
  /** Arguments that the making of the data folder and the server itself must agree on. */
  commonArgs: string[];
  /** Arguments of the server alone; later ones win. */
  args: string[];
  /** Variables added to the server's environment. */
  env?: Record<string, string>;
  /** Whether to listen on `::1` as well. */
  ipv6: boolean;
  /** Text files to add to the fresh data folder, by name. */
  dataFiles?: Readonly<Record<string, string>> | undefined;
  /** The plain user and its database come from another server later. */
  accountsArrive?: boolean | undefined;
  /** Makes a fresh data folder with a `root@localhost` that has no password. */
  install(dataFolder: string): Promise<void>;
}

const HOST = "127.0.0.1";
const USER = "sera";
const PASSWORD = "secret";

/** Far more than a start takes, even on a busy machine with a slow disk. */
const START_DEADLINE_MS = 180_000;
const SHUTDOWN_DEADLINE_MS = 180_000;
const POLL_MS = 20;
/** Far more than a server that runs takes to greet. */
const CONNECT_MS = 60_000;

/** Starts a server after its recipe, and resolves when it answers. */
export async function startServer(recipe: ServerRecipe): Promise<MySqlServer> {
  const folder = await Deno.makeTempDir({ prefix: `sera-${recipe.kind}-` });
  try {
    const addresses = recipe.ipv6 ? [HOST, "::1"] : [HOST];
    const { port, started } = await onFreePort(addresses, async (port) => {
      await makeData(recipe, `${folder}/data`);
      return await startProcess(recipe, folder, port);
    });
    return await describe(recipe, folder, port, started);
  } catch (error) {
    await Deno.remove(folder, { recursive: true }).catch(() => {});
    throw error;
  }
}

/**
 * Fresh data for each attempt: a Galera node that could not listen has already noted that it does not know where it
 * stands, and would found another cluster the next time.
 */
async function makeData(recipe: ServerRecipe, folder: string): Promise<void> {
  if (isThere(folder)) await Deno.remove(folder, { recursive: true });
  await copyTemplate(recipe.kind, folder, recipe.install);
  for (const [name, content] of Object.entries(recipe.dataFiles ?? {})) {
    await Deno.writeTextFile(`${folder}/${name}`, content);
  }
}

/** A server that another process has started, and lends to this one. */
export interface Lent {
  readonly folder: string;
  readonly port: number;
  readonly pid: number;
}

/** Takes a server that was started after this recipe as if this process had started it, but for its end. */
export function borrow(recipe: ServerRecipe, { folder, port, pid }: Lent): Promise<MySqlServer> {
  return describe(recipe, folder, port, watchedElsewhere(pid), true);
}

async function startProcess(recipe: ServerRecipe, folder: string, port: number): Promise<Watched> {
  const process = await startWatched({
    command: [
      ...recipe.launcher ?? [],
      recipe.program,
      ...recipe.commonArgs,
      `--datadir=${folder}/data`,
      // A server that starts removes the temporary tables that it finds, also those of others.
      `--tmpdir=${folder}/data`,
      `--tmpdir=${folder}`,
      `--socket=${socketOf(folder)}`,
      `--pid-file=${folder}/server.pid`,
      `--port=${port}`,
      `--bind-address=${recipe.ipv6 ? `${HOST},::1` : HOST}`,
      // Fixed, so that a client is known by its address, and so that no test waits for a DNS server.
      "--skip-name-resolve",
      "--performance-schema=ON",
      "--innodb-buffer-pool-size=8M",
      "--key-buffer-size=1M",
      // A test's server has nothing to lose: no waiting for the disk.
      "--innodb-flush-log-at-trx-commit=0",
      "--innodb-fast-shutdown=2",
      ...recipe.args,
      ...asRoot(),
    ],
    env: recipe.env,
    log: logOf(folder),
    folders: [folder, ...templateFolders],
  });
  try {
    await answers(process, folder);
  } catch (error) {
    process.signal("SIGKILL");
    await process.wait();
    throw new Error(`${recipe.kind} did not start: ${(error as Error).message}\n${await whyItFailed(folder)}`);
  }
  return process;
}

/** Resolves when the server answers a query. */
async function answers(process: Watched, folder: string): Promise<void> {
  const deadline = Date.now() + START_DEADLINE_MS;
  for (;;) {
    try {
      // From a table: what needs none is answered also by a node that is still on its way into its cluster.
      await ask(folder, "SELECT 1 FROM mysql.user LIMIT 1");
      return;
    } catch (error) {
      if (process.ended) throw new Error("its process ended");
      if (Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function describe(
  recipe: ServerRecipe,
  folder: string,
  port: number,
  first: Watched,
  lent = false,
): Promise<MySqlServer> {
  let process = first;
  const query = (sql: string) => ask(folder, sql);

  const kill = async () => {
    process.signal("SIGKILL");
    await process.wait();
  };
  const shutDown = async () => {
    // A paused process would keep SIGTERM for later.
    process.signal("SIGCONT");
    process.signal("SIGTERM");
    const timer = setTimeout(() => process.signal("SIGKILL"), SHUTDOWN_DEADLINE_MS);
    await process.wait();
    clearTimeout(timer);
  };
  const stop = async () => {
    // Who lends it stops it, unless it is another one by now.
    if (lent && process === first) return;
    await kill();
    await Deno.remove(folder, { recursive: true }).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  };

  let version: string;
  try {
    version = String((await query("SELECT VERSION() AS version"))[0]?.version);
    if (!recipe.accountsArrive && !lent) await prepareAccounts(query);
  } catch (error) {
    if (!lent) await kill();
    throw error;
  }
  return {
    kind: recipe.kind,
    version,
    host: HOST,
    port,
    socket: socketOf(folder),
    ipv6: recipe.ipv6,
    user: USER,
    password: PASSWORD,
    folder,
    get pid() {
      return process.pid;
    },
    dsn: (params = "timeout=5s") => `${USER}:${PASSWORD}@tcp(${HOST}:${port})/?${params}`,
    query,
    logFile: logOf(folder),
    log: () => readLog(folder),
    kill,
    async pause() {
      if (!process.ended) await suspend(process.pid);
    },
    resume: () => process.signal("SIGCONT"),
    async restart(extraArgs = []) {
      await shutDown();
      process = await startProcess({ ...recipe, args: [...recipe.args, ...extraArgs] }, folder, port);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Makes the plain user, and leaves root to those who can reach the socket. */
async function prepareAccounts(query: MySqlServer["query"]): Promise<void> {
  // Column aliases, since the name of a column comes back as the server spells it.
  const others = await query(
    "SELECT user AS user, host AS host FROM mysql.user WHERE user <> 'root' OR host <> 'localhost'",
  );
  for (const { user, host } of others) {
    // MariaDB has accounts of its own that it needs.
    if (user === "" || user === "root") await query(`DROP USER '${user}'@'${host}'`);
  }
  await query("CREATE DATABASE sera");
  // Not '%': other machines must not get in.
  for (const host of [HOST, "::1", "localhost"]) {
    await query(`CREATE USER '${USER}'@'${host}' IDENTIFIED BY '${PASSWORD}'`);
    await query(`GRANT ALL ON sera.* TO '${USER}'@'${host}'`);
  }
}

async function ask(folder: string, sql: string): Promise<Record<string, unknown>[]> {
  const connection = await connectMySql({ socketPath: socketOf(folder), user: "root", connectTimeout: CONNECT_MS });
  try {
    const [rows] = await connection.query(sql);
    return Array.isArray(rows) ? rows as Record<string, unknown>[] : [];
  } finally {
    await connection.end();
  }
}

/** The servers refuse to run as root unless told to. */
export function asRoot(): string[] {
  return Deno.uid() === 0 ? ["--user=root"] : [];
}

async function readLog(folder: string): Promise<string> {
  return lastLines(await Deno.readTextFile(logOf(folder)).catch(() => ""), 20);
}

/** The end of the log, and what {@linkcode onFreePort} looks for: Galera says much more after it. */
async function whyItFailed(folder: string): Promise<string> {
  const log = await Deno.readTextFile(logOf(folder)).catch(() => "");
  const taken = log.split("\n").filter((line) => /address already in use/i.test(line));
  return [...taken, lastLines(log, 20)].join("\n");
}

function socketOf(folder: string): string {
  return `${folder}/mysql.sock`;
}

function logOf(folder: string): string {
  return `${folder}/server.log`;
}
