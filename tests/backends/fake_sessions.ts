/** Fake servers that serve a whole session, with a lock that is free or held. */

import type { Lock } from "../../lib/lock/lock.ts";
import type { LeaseTerms } from "../../lib/lock/lease.ts";
import { MySqlLock } from "../../lib/backends/mysql/lock.ts";
import { PostgresLock } from "../../lib/backends/postgres/lock.ts";
import type { Answer, AnswerRow, Tamper } from "./fake_server.ts";
import { FakeMySql } from "./mysql/fake_server.ts";
import { FakePostgres, PID } from "./postgres/fake_server.ts";
import { plainSession } from "./open.ts";
import { parseMySql, parsePostgres } from "./parse.ts";

/** A fake server, and the `server` setting that leads to it. */
export interface FakeServer extends Disposable {
  readonly setting: string;
  /** The statements that it was asked, in order. */
  readonly statements: readonly string[];
  /** How many clients are connected. */
  readonly clients: number;
}

/** A kind of fake server. */
export interface FakeKind {
  readonly name: "MySQL" | "PostgreSQL";
  /** How many frames it sends until a lock has been taken, looked at once and given back. */
  readonly frames: number;
  /**
   * Starts one.
   *
   * @param free Whether it gives the lock.
   * @param heard Called with each statement before it is answered.
   */
  start(free: boolean, tamper?: Tamper, heard?: (sql: string) => void): FakeServer;
  /**
   * Opens the backend for a lock.
   *
   * @param limit How long the server is waited for, in milliseconds.
   */
  open(server: Pick<FakeServer, "setting">, lease: LeaseTerms, limit: number): Promise<Lock>;
}

/** The words of the question for the lock, of the look at it, and of its release. */
export const WORDS = {
  MySQL: { question: "GET_LOCK(", look: "IS_USED_LOCK(", release: "RELEASE_LOCK(" },
  PostgreSQL: { question: "pg_try_advisory_lock(", look: "pg_locks", release: "pg_advisory_unlock(" },
};

/** The values for the requested columns when the lock is free; otherwise 0 or `f`. */
const MYSQL_VALUES: AnswerRow = { got: 1, mine: 1, released: 1, id: 1, server: "//", idle: 30, state: "", asker: 0 };
const POSTGRES_VALUES: AnswerRow = {
  ...{ got: "t", mine: "t", released: "t", now: 1_764_000_000_000 },
  ...{ seat: 1, told: "" },
  ...{ set_config: "", pid: PID, standby: "f", read_only: "off", idle: 0, asker: 0, other: 0 },
};
const TRUTHS = ["got", "mine", "released"];

/** The row that a statement asks for. */
function rowFor(sql: string, values: AnswerRow, free: boolean, no: string | number): Answer {
  const asked = [...sql.matchAll(/\bAS (\w+)/g)].map(([, name]) => name!);
  const names = [...(sql.includes("set_config(") ? ["set_config"] : []), ...asked];
  return Object.fromEntries(names.map((name) => [name, !free && TRUTHS.includes(name) ? no : values[name] ?? no]));
}

/** The answer of a kind of server to a statement when it grants every lock, or none. */
export function answerOf(kind: FakeKind, sql: string, free = true): Answer {
  if (kind === FAKE_POSTGRES) return rowFor(sql, POSTGRES_VALUES, free, "f");
  return sql.startsWith("SELECT") ? rowFor(sql, MYSQL_VALUES, free, 0) : {};
}

export const FAKE_MYSQL: FakeKind = {
  name: "MySQL",
  frames: 32,
  start(free, tamper, heard) {
    const answer = (sql: string) => {
      heard?.(sql);
      return answerOf(FAKE_MYSQL, sql, free);
    };
    const server = new FakeMySql(answer, undefined, tamper);
    return {
      setting: server.dsn,
      statements: server.statements,
      get clients() {
        return server.clients;
      },
      [Symbol.dispose]: () => server[Symbol.dispose](),
    };
  },
  async open({ setting }, lease, limit) {
    const dsn = await parseMySql(setting);
    return new MySqlLock({ ...dsn, connectTimeout: limit, readTimeout: limit }, { ...plainSession, lease });
  },
};

export const FAKE_POSTGRES: FakeKind = {
  name: "PostgreSQL",
  frames: 24,
  start(free, tamper, heard) {
    const answer = (sql: string) => {
      heard?.(sql);
      return answerOf(FAKE_POSTGRES, sql, free);
    };
    const server = new FakePostgres(answer, tamper);
    return {
      setting: server.url,
      statements: server.statements,
      get clients() {
        return server.clients;
      },
      [Symbol.dispose]: () => server[Symbol.dispose](),
    };
  },
  async open({ setting }, lease, limit) {
    const server = await parsePostgres(setting);
    const options = { ...plainSession, lease, answerTimeout: limit };
    return new PostgresLock({ ...server, connectTimeout: limit }, options);
  },
};
