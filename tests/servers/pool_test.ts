import assert from "node:assert/strict";
import { mariaDbRecipe, mariaDbUnavailable } from "./mariadb.ts";
import { mySql56Recipe, mysql56Unavailable } from "./mysql56.ts";
import { stateOfMySql, stateOfPostgres } from "./cleaning.ts";
import { borrow as borrowMySql, type Lent, type MySqlServer } from "./mysql_process.ts";
import { type Kind, Pool } from "./pool.ts";
import { postgres18Unavailable, recipe18 } from "./postgres18.ts";
import { borrow as borrowPostgres, type PostgresServer } from "./postgres_process.ts";
import { systemPostgresUnavailable, systemRecipe } from "./postgres_system.ts";

type Server = MySqlServer | PostgresServer;

interface Case {
  readonly kind: Kind;
  readonly missing: string | undefined;
  borrow(lent: Lent): Promise<Server>;
  /** What is compared. */
  state(server: Server): Promise<string>;
  /** What a new server's user finds in its database. */
  readonly tables: string;
  /** What is removed. */
  readonly leaves: readonly string[];
  /** What makes a server another one. */
  readonly spoils: readonly string[];
}

const MYSQL = {
  state: stateOfMySql,
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
  state: stateOfPostgres,
  tables: "SELECT relname AS name FROM pg_class WHERE relname LIKE 'left%'",
  leaves: ["CREATE TABLE left_behind (id INT)", "CREATE DATABASE other"],
  spoils: ["CREATE ROLE other", "ALTER ROLE sera SET statement_timeout = 77", "GRANT pg_monitor TO sera"],
};

const CASES: readonly Case[] = [
  { ...MYSQL, kind: "mariadb", missing: mariaDbUnavailable, borrow: (lent) => borrowMySql(mariaDbRecipe(), lent) },
  { ...MYSQL, kind: "mysql56", missing: mysql56Unavailable, borrow: (lent) => borrowMySql(mySql56Recipe(), lent) },
  {
    ...POSTGRES,
    kind: "postgres",
    missing: systemPostgresUnavailable,
    borrow: (lent) => borrowPostgres(systemRecipe(), lent),
  },
  {
    ...POSTGRES,
    kind: "postgres18",
    missing: postgres18Unavailable,
    borrow: async (lent) => borrowPostgres(await recipe18(), lent),
  },
];

async function makePool(stack: AsyncDisposableStack): Promise<Pool> {
  const folder = await Deno.makeTempDir({ prefix: "sera-pool-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  return stack.use(new Pool(`${folder}/pool`));
}

for (const { kind, missing, borrow, tables, leaves, spoils, state } of CASES) {
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
    const states = [await state(server)];
    for (const statement of spoils) {
      await server.query(statement);
      states.push(await state(server));
    }
    assert.equal(new Set(states).size, states.length, Deno.inspect(spoils));
    assert.notEqual((await pool.lend(kind, 2)).pid, lent.pid);
  });
}
