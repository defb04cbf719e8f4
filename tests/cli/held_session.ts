/** Servers that take a lock away while a command runs, as an administrator, a crash or a network does. */

import { keySql } from "../backends/postgres/key_sql.ts";
import type { Together } from "../side_by_side.ts";
import { lockName } from "../../lib/lock/lock_name.ts";
import { mariaDbUnavailable, startMariaDb } from "../servers/mariadb.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../servers/postgres_system.ts";
import { linux, type Need, testWith } from "./needs.ts";

/** A server whose sessions can be ended. */
export interface HeldSessions extends AsyncDisposable {
  /** The `server` setting. */
  readonly server: string;
  /** Ends the session that holds the lock of this key, and frees the lock with it. False if it is free. */
  cutHolder(key: string): Promise<boolean>;
  /** Ends every session of the plain user that does not hold this lock: those that wait for it. False when none does. */
  cutWaiters(key: string): Promise<boolean>;
  /** How many sessions of the plain user do not hold this lock: those that wait for it. */
  countWaiters(key: string): Promise<number>;
  /** What tells the last statement of the session that holds this lock from those before it. */
  lastStatement(key: string): Promise<unknown>;
  /** Ends one of the plain user's sessions, whether it holds a lock or waits. */
  cutAnyone(): Promise<void>;
  /** Runs one statement as an administrator. */
  query(sql: string): Promise<unknown[]>;
  /** A crash: nothing answers any more. `restart` brings the server back. */
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/** A kind of server. */
export interface HeldSessionsTarget {
  readonly name: string;
  /** Why it cannot be used here, if so. */
  readonly need: Need;
  start(): Promise<HeldSessions>;
}

/** For a test in which the server is started again: the old process ends in it, and the new one outlives it. */
export const RESTARTS = { sanitizeOps: false, sanitizeResources: false };

/** One server of each family. */
export const SESSION_TARGETS: readonly HeldSessionsTarget[] = [
  { name: "MariaDB", need: linux ?? mariaDbUnavailable, start: startMySql },
  { name: "PostgreSQL", need: linux ?? systemPostgresUnavailable, start: startPostgres },
];

/** Servers for the tests of one file: started before the first test and stopped after the last. */
export function useHeldSessions(): readonly SharedHeldSessions[] {
  return SESSION_TARGETS.map((target) => new SharedHeldSessions(target));
}

/** A server that the tests of a file share. */
export class SharedHeldSessions {
  readonly name: string;
  readonly #need: Need;
  #started: HeldSessions | undefined;

  constructor({ name, need, start }: HeldSessionsTarget) {
    this.name = name;
    this.#need = need;
    Deno.test.beforeAll(async () => {
      if (need === undefined) this.#started = await start();
    });
    Deno.test.afterAll(async () => {
      await this.#started?.[Symbol.asyncDispose]();
    });
  }

  /** The server, within a test. */
  get sessions(): HeldSessions {
    return this.#started!;
  }

  /** Defines a test on the server. */
  test(name: string, fn: () => Promise<void>, options: typeof RESTARTS | Record<never, never> = {}): void {
    testWith([this.#need], `${name} on ${this.name}`, fn, options);
  }

  /** Defines a test that is tried at the same time on all servers that have one of this name. */
  testTogether(
    together: Together,
    name: string,
    fn: () => Promise<void>,
    options: typeof RESTARTS | Record<never, never> = {},
  ): void {
    if (this.#need === undefined) together.test(this.name, name, fn, options);
    else console.log(`left out: ${name} on ${this.name}: ${this.#need}`);
  }
}

async function startMySql(): Promise<HeldSessions> {
  // A crash of the server, not of the machine, is to lose nothing that it has acknowledged.
  const server = await startMariaDb({ extraArgs: ["--innodb-flush-log-at-trx-commit=2"] });
  /** It is no error if the session has gone by now. */
  const end = (id: unknown) => server.query(`KILL CONNECTION ${id}`).catch(() => undefined);
  return {
    server: server.dsn(),
    async cutHolder(key) {
      const [row] = await server.query(`SELECT IS_USED_LOCK('${lockName(key)}') AS id`);
      if (row?.id === null) return false;
      await end(row?.id);
      return true;
    },
    async cutWaiters(key) {
      const found = await server.query(
        `SELECT id AS id FROM information_schema.processlist
         WHERE user = '${server.user}' AND id <> IS_USED_LOCK('${lockName(key)}')`,
      );
      for (const { id } of found) await end(id);
      return found.length > 0;
    },
    async countWaiters(key) {
      const [row] = await server.query(
        `SELECT COUNT(*) AS count FROM information_schema.processlist
         WHERE user = '${server.user}' AND id <> IS_USED_LOCK('${lockName(key)}')`,
      );
      return Number(row!.count);
    },
    async lastStatement(key) {
      const [row] = await server.query(
        `SELECT query_id AS statement FROM information_schema.processlist WHERE id = IS_USED_LOCK('${lockName(key)}')`,
      );
      return row?.statement;
    },
    async cutAnyone() {
      const [row] = await server.query(
        `SELECT id AS id FROM information_schema.processlist WHERE user = '${server.user}' ORDER BY RAND() LIMIT 1`,
      );
      if (row) await end(row.id);
    },
    query: (sql) => server.query(sql),
    kill: () => server.kill(),
    restart: () => server.restart(),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

async function startPostgres(): Promise<HeldSessions> {
  const server = await startSystemPostgres();
  return {
    server: server.url(),
    async cutHolder(key) {
      const { row } = keySql(lockName(key));
      const ended = await server.query(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE ${row} AND granted`);
      return ended.length > 0;
    },
    async cutWaiters(key) {
      const { row } = keySql(lockName(key));
      const ended = await server.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${server.user}'
           AND pid NOT IN (SELECT pid FROM pg_locks WHERE ${row} AND granted)`,
      );
      return ended.length > 0;
    },
    async countWaiters(key) {
      const { row } = keySql(lockName(key));
      const [found] = await server.query(
        `SELECT COUNT(*) AS count FROM pg_stat_activity WHERE usename = '${server.user}'
           AND pid NOT IN (SELECT pid FROM pg_locks WHERE ${row} AND granted)`,
      );
      return Number(found!.count);
    },
    async lastStatement(key) {
      const { row } = keySql(lockName(key));
      const [found] = await server.query(
        `SELECT query_start::text AS statement FROM pg_stat_activity
         WHERE pid = (SELECT pid FROM pg_locks WHERE ${row} AND granted)`,
      );
      return found?.statement;
    },
    async cutAnyone() {
      await server.query(
        `SELECT pg_terminate_backend(pid) FROM
           (SELECT pid FROM pg_stat_activity WHERE usename = '${server.user}' ORDER BY random() LIMIT 1) AS one`,
      );
    },
    query: (sql) => server.query(sql),
    kill: () => server.kill(),
    restart: () => server.restart(),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
