/** Where ledgers live, in the words that the tests need for all of them. */

import { DatabaseSync } from "node:sqlite";
import type { Row } from "../../lib/backends/sql/row.ts";
import { OtherClient } from "../backends/postgres/view.ts";
import type { Sanitizers, SharedServer } from "../backends/shared_server.ts";
import { connectMySql } from "../servers/mysql_client.ts";
import type { MySqlServer } from "../servers/mysql_process.ts";
import type { PostgresServer } from "../servers/postgres_process.ts";
import type { LedgerAddress } from "./holder.ts";

/** A new ledger for one test. */
export interface Bench extends LedgerAddress, AsyncDisposable {
  /** The table's name in SQL, for {@linkcode sql}. */
  readonly name: string;
  /** Runs a statement as an administrator. */
  sql(statement: string): Promise<readonly Row[]>;
}

/** A kind of place. */
export interface LedgerPlace {
  readonly label: string;
  /** Defines a test. */
  test(name: string, fn: () => Promise<void>, options?: Sanitizers): void;
  bench(): Promise<Bench>;
  /** Does what a restart of the ledger's machine does; no client may be connected. */
  restart(): Promise<void>;
}

/** An administrator's connection that stays open. */
export interface Admin extends AsyncDisposable {
  query(sql: string): Promise<unknown>;
}

/** A place on a database server. */
export interface DatabasePlace extends LedgerPlace {
  readonly kind: "mysql" | "postgres";
  /** A bench whose sessions are set up by these parameters of the server setting. */
  bench(params?: string): Promise<Bench>;
  /** Kills the server and starts it again. */
  crash(): Promise<void>;
  admin(): Promise<Admin>;
  /** All tables that sera's plain user might use, in the words of GRANT. */
  readonly everyTable: string;
  /** Makes a user who may log in and nothing else. */
  user(bench: Bench): Promise<{ readonly address: LedgerAddress; readonly grantee: string }>;
  /** Makes a schema in which sera's plain user may do everything. */
  schema(): Promise<string>;
  /** How to cancel a session's statement on the server, or to end the session. */
  cancel(session: number): string;
  terminate(session: number): string;
  /** The statements that keep everybody else from the table, and let them to it again. */
  wholeTable(name: string): { readonly take: readonly string[]; readonly giveBack: string };
  /** Parameters that make sessions begin transactions by themselves, or treat them in another way. */
  readonly transactional: readonly string[];
  /** How many sessions wait for a lock on a table or row. */
  blocked(): Promise<number>;
}

/** A name that no other test has. */
function freshWord(prefix: string): string {
  return `${prefix}_${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;
}

/** Files. */
export const FILE: LedgerPlace = {
  label: "file",
  test: (name, fn) => Deno.test(`file: ${name}`, fn),
  bench: fileBench,
  // Nothing of a file is kept anywhere else.
  restart: () => Promise.resolve(),
};

/** A ledger in a folder of its own. */
export async function fileBench(): Promise<Bench & { readonly folder: string; readonly path: string }> {
  const folder = await Deno.makeTempDir({ prefix: "sera-ledger-" });
  const path = `${folder}/ledger.sqlite`;
  return {
    folder,
    path,
    server: `file:${folder.replaceAll("\\", "/")}`,
    table: { name: "sera_runs" },
    name: "sera_runs",
    sql(statement) {
      const database = new DatabaseSync(path, { timeout: 10_000 });
      try {
        return Promise.resolve(database.prepare(statement).all() as Row[]);
      } finally {
        database.close();
      }
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** MariaDB or MySQL. */
export function mySqlPlace(shared: SharedServer<MySqlServer>, label: string): DatabasePlace {
  const setting = (user: string, params: string) =>
    `${user}:secret@tcp(127.0.0.1:${shared.server.port})/sera?timeout=5s${params && `&${params}`}`;
  return {
    kind: "mysql",
    label,
    test: (name, fn, options) => shared.test(name, fn, options),
    bench: (params = "") => {
      const table = { name: freshWord("runs") };
      const name = `sera.${table.name}`;
      const { query: sql } = shared.server;
      return Promise.resolve({ server: setting("sera", params), table, name, sql, ...droppedAfter(name, sql) });
    },
    restart: () => shared.server.restart(),
    crash: () => crash(shared.server),
    async admin() {
      const connection = await connectMySql({
        socketPath: shared.server.socket,
        user: "root",
        database: "sera",
      });
      return { query: (sql) => connection.query(sql), [Symbol.asyncDispose]: () => connection.end() };
    },
    everyTable: "sera.*",
    async user({ table }) {
      const user = freshWord("u");
      const grantee = `'${user}'@'127.0.0.1'`;
      await shared.server.query(`CREATE USER ${grantee} IDENTIFIED BY 'secret'`);
      return { address: { server: setting(user, ""), table }, grantee };
    },
    async schema() {
      const schema = freshWord("s");
      await shared.server.query(`CREATE DATABASE ${schema}`);
      await shared.server.query(`GRANT ALL ON ${schema}.* TO 'sera'@'127.0.0.1'`);
      return schema;
    },
    cancel: (session) => `KILL QUERY ${session}`,
    terminate: (session) => `KILL ${session}`,
    wholeTable: (name) => ({ take: [`LOCK TABLES ${name} WRITE`], giveBack: "UNLOCK TABLES" }),
    transactional: ["", "autocommit=0", "tx_isolation=%27SERIALIZABLE%27"],
    async blocked() {
      const [row] = await shared.server.query(
        `SELECT (SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for%lock%')
           + (SELECT variable_value FROM information_schema.global_status
              WHERE variable_name = 'Innodb_row_lock_current_waits') AS count`,
      );
      return Number(row!.count);
    },
  };
}

/** PostgreSQL. */
export function postgresPlace(shared: SharedServer<PostgresServer>, label: string): DatabasePlace {
  return {
    kind: "postgres",
    label,
    test: (name, fn, options) => shared.test(name, fn, options),
    bench: (params = "") => {
      const table = { name: freshWord("runs") };
      const { query: sql } = shared.server;
      const server = shared.server.url(params);
      return Promise.resolve({ server, table, name: table.name, sql, ...droppedAfter(table.name, sql) });
    },
    restart: () => shared.server.restart(),
    crash: () => crash(shared.server),
    admin: () => OtherClient.connect(shared.server),
    everyTable: "ALL TABLES IN SCHEMA public",
    async user({ table }) {
      const grantee = freshWord("u");
      await shared.server.query(`CREATE ROLE ${grantee} LOGIN PASSWORD 'secret'`);
      return { address: { server: shared.server.url().replace("//sera:", `//${grantee}:`), table }, grantee };
    },
    async schema() {
      const schema = freshWord("s");
      await shared.server.query(`CREATE SCHEMA ${schema} AUTHORIZATION sera`);
      return schema;
    },
    cancel: (session) => `SELECT pg_cancel_backend(${session})`,
    terminate: (session) => `SELECT pg_terminate_backend(${session})`,
    wholeTable: (name) => ({ take: ["BEGIN", `LOCK TABLE ${name} IN ACCESS EXCLUSIVE MODE`], giveBack: "COMMIT" }),
    transactional: ["", "options=-c%20default_transaction_isolation%3Dserializable"],
    async blocked() {
      const [row] = await shared.server.query(
        "SELECT COUNT(*) AS count FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename <> 'postgres'",
      );
      return Number(row!.count);
    },
  };
}

/** What many tests leave behind would slow the later ones down. */
function droppedAfter(name: string, sql: (statement: string) => Promise<unknown>): AsyncDisposable {
  return { [Symbol.asyncDispose]: async () => void await sql(`DROP TABLE IF EXISTS ${name}`) };
}

async function crash(server: MySqlServer | PostgresServer): Promise<void> {
  await server.kill();
  await server.restart();
}
