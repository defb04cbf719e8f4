/** Servers set up by the README's own lines, and a sera there that goes by the README's config file. */

import { etcdUnavailable, startEtcd } from "../servers/etcd.ts";
import { mariaDbUnavailable, startMariaDb } from "../servers/mariadb.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../servers/postgres_system.ts";
import { linux, type Need } from "../cli/needs.ts";
import { Place } from "../cli/place.ts";
import { SyslogDaemon } from "../cli/syslog_daemon.ts";
import { page, tableUnder } from "./markdown.ts";

const README = page("README.md");

/**
 * What stands on the page for a place of the reader's, and is another one here: hosts, ports, TLS, the socket of syslog
 * and the folder of programs. Nothing else of the page is changed.
 */
function here(text: string, { path, port }: Pick<SetUp, "path"> & { readonly port: number }): string {
  return text
    .replace("tcp(db.example.com:3306)", `tcp(127.0.0.1:${port})`)
    .replace("@db.example.com/postgres?sslmode=verify-full&sslrootcert=system", `@127.0.0.1:${port}/postgres`)
    .replace("etcds://", "etcd://")
    .replace("etcd1.example.com,etcd2.example.com,etcd3.example.com", `127.0.0.1:${port}`)
    .replace(/^file:$/, `file:${path}/locks`)
    .replace('"syslog": true', `"syslog": "${path}/log"`)
    .replaceAll("/usr/local/bin/", `${path}/bin/`);
}

/** A place where the README was followed. */
export interface SetUp extends AsyncDisposable {
  readonly place: Place;
  /** The folder of the place, which commands are run in. */
  readonly path: string;
  /** A line of the page, as it runs here. */
  line(text: string): string;
}

/** A kind of server in its initial state, and how it is set up according to the README. */
interface Bare extends AsyncDisposable {
  readonly port: number;
  /** Runs a statement as an administrator. */
  query(sql: string): Promise<unknown>;
}

/** One row of the README's table of places. */
export interface Kind {
  readonly name: string;
  readonly need: Need;
  /** How the row with its `server` begins. */
  readonly row: string;
  /** The heading line before its SQL. */
  readonly sql: RegExp | undefined;
  start(): Promise<Bare>;
}

export const KINDS: readonly Kind[] = [
  { name: "MariaDB", need: linux ?? mariaDbUnavailable, row: "[MySQL, MariaDB]", sql: /^On MySQL/, start: bareMariaDb },
  {
    name: "PostgreSQL",
    need: linux ?? systemPostgresUnavailable,
    row: "[PostgreSQL]",
    sql: /^On PostgreSQL/,
    start: barePostgres,
  },
  { name: "etcd", need: linux ?? etcdUnavailable, row: "[etcd]", sql: undefined, start: bareEtcd },
  { name: "file:", need: linux, row: "[files]", sql: undefined, start: nothing },
];

/** Without the database and the users that other tests find there. */
async function bareMariaDb(): Promise<Bare> {
  const server = await startMariaDb();
  await server.query("DROP DATABASE sera");
  for (const host of ["127.0.0.1", "::1", "localhost"]) await server.query(`DROP USER '${server.user}'@'${host}'`);
  return server;
}

/** Likewise. */
async function barePostgres(): Promise<Bare> {
  const server = await startSystemPostgres();
  await server.query("DROP DATABASE sera", "postgres");
  await server.query("DROP ROLE sera", "postgres");
  const query = (sql: string) => server.query(sql, "postgres");
  return { port: server.port, query, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** With users on: a role and a user `sera`, as docs/etcd.md makes them. */
async function bareEtcd(): Promise<Bare> {
  const etcd = await startEtcd({ auth: true });
  return { port: etcd.port, query: noSql, [Symbol.asyncDispose]: () => etcd[Symbol.asyncDispose]() };
}

function nothing(): Promise<Bare> {
  return Promise.resolve({ port: 0, query: noSql, [Symbol.asyncDispose]: () => Promise.resolve() });
}

function noSql(): Promise<never> {
  throw new Error("there is no SQL here");
}

/** Follows the README on a server of this kind. Dispose of it. */
export async function setUp(kind: Kind, commands: readonly string[]): Promise<SetUp> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await kind.start());
  for (const statement of kind.sql ? statementsAfter(kind.sql) : []) await server.query(statement);
  // A short ttl, so that a holder soon notices that it was asked.
  const place = stack.use(await Place.make(undefined, { SERA_TTL: "6s" }));
  stack.use(await SyslogDaemon.start(place));
  const { path } = place;
  const line = (text: string) => here(text, { path, port: server.port });
  const config = codeAfter(/^Write `\/etc\/sera\.json`/).replace(/"server": ".*"/, `"server": "${serverOf(kind)}"`);
  await Deno.writeTextFile(`${path}/sera.json`, line(config).replace(serverOf(kind), line(serverOf(kind))), {
    mode: 0o600,
  });
  const sera = await place.read("bin/sera");
  await place.write("bin/sera", sera.replace("exec", `unset SERA_SERVER; SERA_CONFIG='${path}/sera.json' exec`));
  for (const name of commands) {
    await place.script(`bin/${name}`, `echo ${name} >>'${path}/ran'\nwhile [ -e '${path}/busy' ]; do sleep 0.1; done`);
    await Deno.symlink(`bin/${name}`, `${path}/${name}`);
  }
  const kept = stack.move();
  return { place, path, line, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** The `server` setting of the README's table. */
function serverOf({ row }: Kind): string {
  const [, server] = tableUnder("## Install", README).find(([place]) => place!.startsWith(row))!;
  return /`([^`]+)`/.exec(server!)![1]!;
}

function statementsAfter(line: RegExp): string[] {
  return codeAfter(line).split("\n").filter((statement) => statement !== "");
}

/** The block of code that follows the line that begins so. */
function codeAfter(line: RegExp): string {
  const from = README.text.search(new RegExp(line.source, "m"));
  const [, block] = /\n\n((?: {4}.*\n)+)/.exec(README.text.slice(from))!;
  return block!.replaceAll(/^ {4}/gm, "");
}
