/** A private MariaDB, from the programs of the system. */

import type { ServerCertificate } from "./certificates.ts";
import { hasIpv6 } from "./free_port.ts";
import { asRoot, type MySqlServer, type ServerRecipe, startServer } from "./mysql_process.ts";
import { findProgram, lastLines, runTool } from "./tool.ts";

/** How the server differs from a plain one. */
export interface MariaDbOptions {
  /** Offer TLS with this certificate; without it the server has no TLS. */
  tls?: ServerCertificate;
  /** More arguments for the server, such as `--wait-timeout=2`. */
  extraArgs?: string[];
  /** Words to put before the server's program; they must become it with `exec`. */
  launcher?: string[];
  /** Text files to add to the fresh data folder, by name. */
  dataFiles?: Readonly<Record<string, string>>;
  /** The plain user and its database come from another server later, which copies to this one. */
  accountsArrive?: boolean;
  /** Variables added to the server's environment. */
  env?: Record<string, string>;
}

const server = findProgram("mariadbd");
const installer = findProgram("mariadb-install-db");

/** Why {@linkcode startMariaDb} cannot work here, if so. */
export const mariaDbUnavailable: string | undefined = server && installer
  ? undefined
  : `${server ? "mariadb-install-db" : "mariadbd"} was not found: scripts/test installs it`;

/**
 * The settings that fix the files of a fresh data folder, made small for the sake of the copies. Native asynchronous
 * input and output is refused in many containers.
 */
const COMMON_ARGS = ["--no-defaults", "--innodb-log-file-size=4M", "--innodb-use-native-aio=0"];

/** Starts a private MariaDB, and resolves when it answers. */
export function startMariaDb(options: MariaDbOptions = {}): Promise<MySqlServer> {
  return startServer(mariaDbRecipe(options));
}

/** How such a server is started. */
export function mariaDbRecipe(options: MariaDbOptions = {}): ServerRecipe {
  if (!server || mariaDbUnavailable) throw new Error(mariaDbUnavailable);
  const { tls } = options;
  return {
    kind: "mariadb",
    program: server,
    launcher: options.launcher,
    commonArgs: COMMON_ARGS,
    args: [
      "--aria-pagecache-buffer-size=8M",
      ...tls ? [`--ssl-cert=${tls.cert}`, `--ssl-key=${tls.key}`, `--ssl-ca=${tls.ca}`] : ["--skip-ssl"],
      ...options.extraArgs ?? [],
    ],
    ipv6: hasIpv6(),
    dataFiles: options.dataFiles,
    accountsArrive: options.accountsArrive,
    ...options.env ? { env: options.env } : {},
    install,
  };
}

/**
 * The last change that a killed Galera node has in its data, as `UUID:NUMBER`. From there on it can be given what it has
 * missed; a server that starts without it asks for everything.
 *
 * @param args What makes the server a node.
 */
export async function recoveredPosition({ folder }: MySqlServer, args: readonly string[]): Promise<string> {
  const { stderr } = await new Deno.Command(server!, {
    args: [
      ...COMMON_ARGS,
      `--datadir=${folder}/data`,
      `--tmpdir=${folder}`,
      `--socket=${folder}/recovering.sock`,
      "--skip-networking",
      "--innodb-buffer-pool-size=8M",
      "--innodb-fast-shutdown=2",
      ...args,
      "--wsrep-recover",
      ...asRoot(),
    ],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  const log = new TextDecoder().decode(stderr);
  const position = /WSREP: Recovered position:? (\S+:\d+)/.exec(log)?.[1];
  if (position === undefined) throw new Error(`no position was found in ${folder}:\n${lastLines(log, 15)}`);
  return position;
}

function install(dataFolder: string): Promise<void> {
  return runTool(installer!, [
    ...COMMON_ARGS,
    `--datadir=${dataFolder}`,
    // A server that starts removes the temporary tables that it finds, also those of others.
    `--tmpdir=${dataFolder}`,
    "--auth-root-authentication-method=normal",
    "--skip-test-db",
    // Without it the script wants to find the machine's own name in the DNS.
    "--force",
    // No --user, not even as root: the script would change the owner of the system's PAM plugin.
  ]);
}
