/** A member of an etcd: starting, asking, hurting and stopping it. */

import type { ClientCertificate, ServerCertificate } from "./certificates.ts";
import { callEtcd, type EtcdAccess, type EtcdAnswer, ETCDCTL, etcdctlCommand, runEtcdctl } from "./etcd_client.ts";
import { suspend } from "./process_tree.ts";
import { findProgram, lastLines } from "./tool.ts";
import { startWatched, type Watched } from "./watched.ts";

/** Shared by a server of one member and a cluster. */
export interface Etcd extends AsyncDisposable {
  /** A `server` setting for it, with the plain user if there are users. */
  url(prefix?: string): string;
  /** One such setting for each member. */
  urls(prefix?: string): readonly string[];
  /** What lets a client in who may do everything. */
  readonly access: EtcdAccess;
  /** Sends a request to the gateway, with that access. Throws an error with the answer if it is none of success. */
  call(path: string, body?: unknown, signal?: AbortSignal): Promise<EtcdAnswer>;
  /** Runs etcdctl with that access, and returns its output. */
  etcdctl(...args: string[]): Promise<string>;
  /** The words that run etcdctl so, to be followed by its own arguments. */
  readonly etcdctlCommand: readonly string[];
  /** Ends it at once and removes its folders. May be called twice. */
  stop(): Promise<void>;
}

/** A private member, for one test or one test file; as a place for locks, it alone. */
export interface EtcdMember extends Etcd {
  readonly name: string;
  /** As `etcd --version` tells it: `3.4.23`. */
  readonly version: string;
  /** `127.0.0.1`, unless it runs on another node. */
  readonly host: string;
  readonly port: number;
  /** Whether it listens on `::1` as well, on the same port. */
  readonly ipv6: boolean;
  /** `http://127.0.0.1:PORT`, or with `https`. */
  readonly endpoint: string;
  /** The folder with the data and the log. */
  readonly folder: string;
  /** The process id; another one after `restart`. */
  readonly pid: number;
  /** Its log, from its start or, if it is lent, from then on. */
  readonly logFile: string;
  /** The last lines of its log. */
  log(): Promise<string>;
  /** SIGKILL; resolves when the process has gone. `restart` brings the member back. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): Promise<void>;
  /** SIGCONT. */
  resume(): void;
  /**
   * An orderly shutdown if it still runs, then a start on the same ports with the same data; resolves when it serves
   * clients, for which a majority of its cluster is needed.
   *
   * @param extraArgs Arguments in the place of the former ones of this kind.
   */
  restart(extraArgs?: readonly string[]): Promise<void>;
}

/** How an etcd differs from a plain one. */
export interface EtcdOptions {
  /** Let clients in over TLS alone, with this certificate. */
  tls?: ServerCertificate;
  /**
   * Ask clients for a certificate, such as this one, which the tests show. The server's own certificate must do for a
   * client as well: the gateway is one of the server behind it.
   */
  client?: ClientCertificate;
  /** More addresses of this machine for clients, such as that of a node's cable. */
  alsoOn?: readonly string[];
  /** Ask for a login: that of `root`, or of the plain user, who may read and write the keys below `sera/`. */
  auth?: true;
  /**
   * More arguments for each member, such as `--quota-backend-bytes=65536`, `--auth-token-ttl=2`,
   * `--auto-compaction-mode=revision`, `--auto-compaction-retention=10` or `--enable-grpc-gateway=false`.
   */
  extraArgs?: readonly string[];
}

/** A member's options. */
export interface MemberSetUp {
  readonly name: string;
  readonly folder: string;
  readonly host: string;
  readonly port: number;
  readonly ipv6: boolean;
  readonly options: EtcdOptions;
  /** The arguments that tell of its cluster. */
  readonly clusterArgs: readonly string[];
  /** Words to put before the program; they must become it with `exec`. */
  readonly launcher?: readonly string[] | undefined;
}

/** The superuser of a server that asks for a login. */
export const ROOT_USER = { name: "root", password: "root-secret" };
/** The user of such a server who may read and write below {@linkcode PREFIX}, and do nothing else. */
export const PLAIN_USER = { name: "sera", password: "secret" };
/** Where sera's keys are unless its server setting says otherwise. */
export const PREFIX = "sera/";

const program = findProgram("etcd");

/** Why no etcd can be started here, if so. */
export const etcdUnavailable: string | undefined = program && ETCDCTL
  ? undefined
  : `${program ? "etcdctl" : "etcd"} was not found: scripts/test installs it`;

/** Far more than a start takes, even on a busy machine with a slow disk. */
const START_DEADLINE_MS = 180_000;
const SHUTDOWN_DEADLINE_MS = 180_000;
const POLL_MS = 20;

/** Starts a member, and resolves when it serves clients. */
export async function startMember(setUp: MemberSetUp): Promise<EtcdMember> {
  return await describeMember(setUp, await startProcess(setUp, setUp.options.extraArgs));
}

async function startProcess(setUp: MemberSetUp, extraArgs: readonly string[] = []): Promise<Watched> {
  if (!program || etcdUnavailable) throw new Error(etcdUnavailable);
  const { name, folder, host, port, ipv6, options: { tls, client, alsoOn = [] }, launcher = [] } = setUp;
  const addresses = [host, ...ipv6 ? ["[::1]"] : [], ...alsoOn];
  const scheme = tls ? "https" : "http";
  const log = logOf(folder);
  const before = await Deno.stat(log).then(({ size }) => size, () => 0);
  const process = await startWatched({
    command: [
      ...launcher,
      program,
      `--name=${name}`,
      `--data-dir=${folder}/data`,
      `--listen-client-urls=${addresses.map((address) => `${scheme}://${address}:${port}`).join(",")}`,
      `--advertise-client-urls=${scheme}://${host}:${port}`,
      ...setUp.clusterArgs,
      // A test's server has nothing to lose: no waiting for the disk.
      "--unsafe-no-fsync",
      // The cheapest one: a password is as well kept as it has to be.
      "--bcrypt-cost=4",
      ...tls ? [`--cert-file=${tls.cert}`, `--key-file=${tls.key}`] : [],
      ...tls && client ? ["--client-cert-auth", `--trusted-ca-file=${tls.ca}`] : [],
      ...extraArgs,
    ],
    // The socket for other members of a server that has none is made in the folder that it runs in.
    cwd: folder,
    log,
    folders: [folder],
  });
  try {
    await serves(process, log, before);
  } catch (error) {
    process.signal("SIGKILL");
    await process.wait();
    throw new Error(`etcd did not start: ${(error as Error).message}\n${await readLog(folder)}`);
  }
  return process;
}

/** Resolves when the member says, in the part of the log after that many bytes, that it is ready for all there is. */
async function serves(process: Watched, log: string, before: number): Promise<void> {
  const deadline = Date.now() + START_DEADLINE_MS;
  for (;;) {
    const text = new TextDecoder().decode((await Deno.readFile(log)).subarray(before));
    // The second comes later when a cluster is new; until then nothing can be asked of users.
    if (text.includes("ready to serve client requests") && text.includes("enabled capabilities for version")) return;
    if (process.ended) throw new Error("its process ended");
    if (Date.now() > deadline) throw new Error("it is not ready");
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** The member whose process this is. */
export async function describeMember(setUp: MemberSetUp, first: Watched, lent = false): Promise<EtcdMember> {
  const { name, folder, host, port, ipv6, options: { tls, client, auth } } = setUp;
  let process = first;
  let extraArgs = setUp.options.extraArgs;
  const endpoint = `${tls ? "https" : "http"}://${host}:${port}`;
  const access = { ca: tls?.ca, client, user: auth && ROOT_USER };

  const url = (prefix?: string) => etcdUrl([`${host}:${port}`], setUp.options, prefix);
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
  return {
    name,
    version: await programVersion(),
    host,
    port,
    ipv6,
    endpoint,
    access,
    folder,
    get pid() {
      return process.pid;
    },
    url,
    urls: (prefix) => [url(prefix)],
    call: (path, body, signal) => callEtcd(endpoint, access, path, body, signal),
    etcdctl: (...args) => runEtcdctl([endpoint], access, args),
    etcdctlCommand: etcdctlCommand([endpoint], access),
    logFile: logOf(folder),
    log: () => readLog(folder),
    kill,
    async pause() {
      if (!process.ended) await suspend(process.pid);
    },
    resume: () => process.signal("SIGCONT"),
    async restart(others = extraArgs) {
      await shutDown();
      extraArgs = others;
      process = await startProcess(setUp, extraArgs);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** The `server` setting for endpoints that are `HOST:PORT` each. */
export function etcdUrl(endpoints: readonly string[], { tls, client, auth }: EtcdOptions, prefix = ""): string {
  const user = auth ? `${PLAIN_USER.name}:${PLAIN_USER.password}@` : "";
  const query = client ? `?${new URLSearchParams({ cert: client.cert, key: client.key })}` : "";
  return `${tls ? "etcds" : "etcd"}://${user}${endpoints.join(",")}/${prefix}${query}`;
}

/** Makes the two users, and asks for a login from then on. */
export async function enableAuth(member: EtcdMember): Promise<void> {
  const run = (...args: string[]) => runEtcdctl([member.endpoint], { ...member.access, user: undefined }, args);
  await run("user", "add", `${ROOT_USER.name}:${ROOT_USER.password}`);
  await run("user", "grant-role", ROOT_USER.name, "root");
  await run("role", "add", PLAIN_USER.name);
  await run("role", "grant-permission", PLAIN_USER.name, "readwrite", PREFIX, "--prefix");
  await run("user", "add", `${PLAIN_USER.name}:${PLAIN_USER.password}`);
  await run("user", "grant-role", PLAIN_USER.name, PLAIN_USER.name);
  await run("auth", "enable");
}

let version: string | undefined;

async function programVersion(): Promise<string> {
  if (version === undefined) {
    const { stdout } = await new Deno.Command(program ?? "etcd", { args: ["--version"] }).output();
    version = /Version: (\S+)/.exec(new TextDecoder().decode(stdout))?.[1] ?? "";
  }
  return version;
}

async function readLog(folder: string): Promise<string> {
  return lastLines(await Deno.readTextFile(logOf(folder)).catch(() => ""), 20);
}

function logOf(folder: string): string {
  return `${folder}/server.log`;
}
