/** The databases, in the words that the tests of faults need for all of them. */

import { keySql } from "./postgres/key_sql.ts";
import type { HeldLock } from "../../lib/lock/lock.ts";
import type { LockLostError } from "../../lib/errors.ts";
import { Together } from "../side_by_side.ts";
import type { MySqlServer } from "../servers/mysql_process.ts";
import type { PostgresServer } from "../servers/postgres_process.ts";
import * as postgresView from "./postgres/view.ts";
import * as mysqlView from "./mysql/view.ts";
import { sharedMariaDb, sharedMySql56, sharedPostgres, type SharedServer } from "./shared_server.ts";

/** How long a server may take to answer here, in milliseconds. MySQL's time is in the setting, PostgreSQL's in none. */
const ANSWER = 700;

/** A database that keeps locks. */
export interface FaultPlace {
  readonly label: string;
  /** Defines a test. */
  readonly test: SharedServer<MySqlServer | PostgresServer>["test"];
  /** Defines a test that is tried on all places at the same time: one that waits most of the time. */
  readonly testTogether: SharedServer<MySqlServer | PostgresServer>["test"];
  /** The `server` setting for a port that leads to the server, for tests on a fake clock: soon no answer is waited for. */
  setting(port: number): string;
  /** The same for tests in real time, where an answer may take long on a busy machine. */
  patient(port: number): string;
  /** How long an answer may take, in milliseconds; where the setting does not say so, what to open the backend with. */
  readonly answer: number;
  /** The ids of the sessions that wait for a lock, as the server counts them. */
  waiters(name: string): Promise<readonly number[]>;
  /** Resolves with the ids when so many wait for a lock. */
  waiting(name: string, count?: number): Promise<readonly number[]>;
  /** Whether no lock is held, according to the server. */
  isFree(name: string): Promise<boolean>;
  /** A client's release request. */
  releaseMessage(name: string): Uint8Array;
}

/** How many connections each has at the most. */
const LIMIT = 40;

/** MariaDB, MySQL 5.6 and PostgreSQL. */
export function faultPlaces(): FaultPlace[] {
  const together = new Together();
  return [
    mysqlPlace("MariaDB", sharedMariaDb(`--max-connections=${LIMIT}`), together),
    mysqlPlace("MySQL 5.6", sharedMySql56(`--max-connections=${LIMIT}`), together),
    postgresPlace(sharedPostgres(`--max-connections=${LIMIT}`), together),
  ];
}

function mysqlPlace(label: string, shared: SharedServer<MySqlServer>, together: Together): FaultPlace {
  return {
    label,
    test: (name, fn, options) => shared.test(name, fn, options),
    testTogether: (name, fn, options) => shared.testTogether(together, name, fn, options),
    setting: (port) => `sera:secret@tcp(127.0.0.1:${port})/?timeout=20s&readTimeout=${ANSWER}ms`,
    patient: (port) => `sera:secret@tcp(127.0.0.1:${port})/?timeout=60s&readTimeout=60s`,
    answer: ANSWER,
    waiters: async (name) => (await mysqlView.waiters(shared.server, name)).map(({ id }) => id),
    waiting: async (name, count) => (await mysqlView.waiting(shared.server, name, count)).map(({ id }) => id),
    isFree: async (name) => {
      const [row] = await shared.server.query(`SELECT IS_FREE_LOCK('${name}') AS free`);
      return Number(row?.free) === 1;
    },
    releaseMessage: (name) => {
      const sql = new TextEncoder().encode(`DO RELEASE_LOCK('${name}')`);
      // The length in three bytes, the number in the exchange, COM_QUERY.
      return new Uint8Array([sql.length + 1, 0, 0, 0, 3, ...sql]);
    },
  };
}

function postgresPlace(shared: SharedServer<PostgresServer>, together: Together): FaultPlace {
  return {
    label: "PostgreSQL",
    test: (name, fn, options) => shared.test(name, fn, options),
    testTogether: (name, fn, options) => shared.testTogether(together, name, fn, options),
    setting: (port) => `postgres://sera:secret@127.0.0.1:${port}/sera?connect_timeout=20&sslmode=disable`,
    patient: (port) => `postgres://sera:secret@127.0.0.1:${port}/sera?connect_timeout=60&sslmode=disable`,
    answer: ANSWER,
    waiters: async (name) => (await postgresView.waiters(shared.server, name)).map(({ pid }) => pid),
    waiting: async (name, count) => (await postgresView.waiting(shared.server, name, count)).map(({ pid }) => pid),
    isFree: async (name) => {
      const { row } = keySql(name);
      return (await shared.server.query(`SELECT FROM pg_locks WHERE ${row} AND granted`)).length === 0;
    },
    releaseMessage: (name) => {
      const sql = new TextEncoder().encode(`SELECT pg_advisory_unlock(${keySql(name).args})\0`);
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, sql.length + 4);
      return new Uint8Array(["Q".charCodeAt(0), ...length, ...sql]);
    },
  };
}

/** Far longer than any lease here, in milliseconds. */
const LOSS_TIMEOUT = 180_000;

/** A lock's loss. */
export interface Loss {
  /** When it was notified, on the clock of `performance.now()`. */
  readonly at: number;
  readonly reason: LockLostError;
}

/** Resolves when the lock is lost; fails when it is not. */
export function lossOf({ lost }: HeldLock): Promise<Loss> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not lost within ${LOSS_TIMEOUT / 1000} s`)), LOSS_TIMEOUT);
    const tell = () => {
      clearTimeout(timer);
      resolve({ at: performance.now(), reason: lost.reason });
    };
    if (lost.aborted) tell();
    else lost.addEventListener("abort", tell, { once: true });
  });
}

/** Reports the measured times, in milliseconds. */
export function report(what: string, times: Readonly<Record<string, number>>): void {
  if (!Deno.env.has("SERA_MEASURE")) return;
  const list = Object.entries(times).map(([name, time]) => `${name} ${Math.round(time)} ms`);
  console.log(`measured: ${what}: ${list.join(", ")}`);
}
