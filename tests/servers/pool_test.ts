import assert from "node:assert/strict";
import { borrowEtcd, etcdUnavailable } from "./etcd.ts";
import type { EtcdMember } from "./etcd_member.ts";
import { mariaDbRecipe, mariaDbUnavailable } from "./mariadb.ts";
import { mySql56Recipe, mysql56Unavailable } from "./mysql56.ts";
import { stateOfEtcd, stateOfMySql, stateOfPostgres } from "./cleaning.ts";
import { borrow as borrowMySql, type Lent, type MySqlServer } from "./mysql_process.ts";
import { type Kind, Pool } from "./pool.ts";
import { postgres18Unavailable, recipe18 } from "./postgres18.ts";
import { borrow as borrowPostgres } from "./postgres_process.ts";
import { systemPostgresUnavailable, systemRecipe } from "./postgres_system.ts";

/** A server that was lent. */
interface Server extends Pick<MySqlServer, "logFile" | "kill" | "stop"> {
  /** Runs a statement, and returns the rows. */
  query(statement: string): Promise<unknown[]>;
  /** The compared state. */
  state(): Promise<string>;
}

interface Case {
  readonly kind: Kind;
  readonly missing: string | undefined;
  borrow(lent: Lent): Promise<Server>;
  /** Lists what is left behind in the server. */
  readonly tables: string;
  /** What to remove. */
  readonly leaves: readonly string[];
  /** What makes a server another one. */
  readonly spoils: readonly string[];
}

const MYSQL = {
  tables: "SELECT table_name AS name FROM information_schema.tables WHERE table_schema NOT IN " +
    "('mysql', 'information_schema', 'performance_schema', 'sys')",
  leaves: [
    "CREATE TABLE sera.left_behind (id INT)",
    "CREATE DATABASE other",
    "CREATE TABLE other.left_behind (id INT)",
  ],
  spoils: ["CREATE USER other", "SET GLOBAL wait_timeout = 77", "GRANT PROCESS ON *.* TO sera@localhost"],
};

const POSTGRES = {
  tables: "SELECT relname AS name FROM pg_class WHERE relname LIKE 'left%'",
  leaves: ["CREATE TABLE left_behind (id INT)", "CREATE DATABASE other"],
  spoils: ["CREATE ROLE other", "ALTER ROLE sera SET statement_timeout = 77", "GRANT pg_monitor TO sera"],
};

const CASES: readonly Case[] = [
  {
    ...MYSQL,
    kind: "mariadb",
    missing: mariaDbUnavailable,
    borrow: async (lent) => serverOf(await borrowMySql(mariaDbRecipe(), lent), stateOfMySql),
  },
  {
    ...MYSQL,
    kind: "mysql56",
    missing: mysql56Unavailable,
    borrow: async (lent) => serverOf(await borrowMySql(mySql56Recipe(), lent), stateOfMySql),
  },
  {
    ...POSTGRES,
    kind: "postgres",
    missing: systemPostgresUnavailable,
    borrow: async (lent) => serverOf(await borrowPostgres(systemRecipe(), lent), stateOfPostgres),
  },
  {
    ...POSTGRES,
    kind: "postgres18",
    missing: postgres18Unavailable,
    borrow: async (lent) => serverOf(await borrowPostgres(await recipe18(), lent), stateOfPostgres),
  },
  {
    kind: "etcd",
    missing: etcdUnavailable,
    borrow: async (lent) => serverOf(withQuery(await borrowEtcd(lent)), stateOfEtcd),
    tables: "get --keys-only --from-key a",
    leaves: ["put left 1", "lease grant 600"],
    spoils: ["user add other:secret", "role add other"],
  },
];

function serverOf<S extends Omit<Server, "state">>(server: S, state: (server: S) => Promise<string>): Server {
  return {
    logFile: server.logFile,
    kill: () => server.kill(),
    stop: () => server.stop(),
    query: (statement) => server.query(statement),
    state: () => state(server),
  };
}

/** An etcd whose statements are those of etcdctl. */
function withQuery(server: EtcdMember): EtcdMember & Pick<Server, "query"> {
  const query = async (statement: string) =>
    (await server.etcdctl(...statement.split(" "))).split("\n").filter((line) => line !== "");
  return Object.assign(server, { query });
}

async function makePool(stack: AsyncDisposableStack): Promise<Pool> {
  const folder = await Deno.makeTempDir({ prefix: "sera-pool-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  return stack.use(new Pool(`${folder}/pool`));
}

for (const { kind, missing, borrow, tables, leaves, spoils } of CASES) {
  const ignore = missing !== undefined;

  Deno.test({ name: `${kind} is lent again without what was left in it, as long as it lives`, ignore }, async () => {
    await using stack = new AsyncDisposableStack();
    const pool = await makePool(stack);
    const first = await pool.lend(kind, 1);
    const server = await borrow(first);
    for (const statement of leaves) await server.query(statement);
    assert.deepEqual(await pool.lend(kind, 1), first, "as long as it is the same borrower");
    assert.notEqual((await server.query(tables)).length, 0);
    await Deno.writeTextFile(server.logFile, "left behind", { append: true });
    await server.stop();
    assert.deepEqual(await pool.lend(kind, 2), first);
    assert.doesNotMatch(await Deno.readTextFile(server.logFile), /left/);
    assert.deepEqual(await (await borrow(first)).query(tables), []);
    await server.kill();
    assert.notEqual((await pool.lend(kind, 3)).pid, first.pid, "killed");
  });

  Deno.test({ name: `${kind} is not lent again when it is not what it was`, ignore }, async () => {
    await using stack = new AsyncDisposableStack();
    const pool = await makePool(stack);
    const lent = await pool.lend(kind, 1);
    const server = await borrow(lent);
    // Each for itself makes it another one.
    const states = [await server.state()];
    for (const statement of spoils) {
      await server.query(statement);
      states.push(await server.state());
    }
    assert.equal(new Set(states).size, states.length, Deno.inspect(spoils));
    assert.notEqual((await pool.lend(kind, 2)).pid, lent.pid);
  });
}
