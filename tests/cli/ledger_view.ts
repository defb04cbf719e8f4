/** What tests see of a ledger, besides what sera tells them, and what they change in it. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { MySqlServer } from "../servers/mysql_process.ts";
import type { PostgresServer } from "../servers/postgres_process.ts";
import type { Place } from "./place.ts";

type Row = Record<string, unknown>;

/** The ledger, wherever it is. */
export interface LedgerView {
  /** Everything that is in it, as text. */
  all(): Promise<string>;
  /** Makes all runs as old as if they had been so many milliseconds earlier. */
  age(milliseconds: number): Promise<void>;
}

/** The ledger's table. */
export interface TableView extends LedgerView {
  /** The `ledger-table` setting; in SQL it is the same. */
  readonly table: string;
  /** Runs one statement as an administrator. */
  query(sql: string): Promise<Row[]>;
}

/** A run, as `sera history --json` shows it. */
export interface ShownRun {
  readonly run_id: number;
  readonly lock: string;
  readonly slot: number;
  readonly key: string | null;
  readonly label: string;
  readonly host: string;
  readonly pid: number;
  readonly user: string;
  readonly started: string;
  readonly finished: string | null;
  readonly duration: number | null;
  readonly exit_code: number | null;
  readonly outcome: string;
}

/** What `sera history` shows, the newest first. */
export async function history(place: Place, ...args: string[]): Promise<ShownRun[]> {
  const { code, stdout, stderr } = await place.sera(["history", "--json", ...args]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  return JSON.parse(stdout).runs;
}

/** What became of the runs, the newest first. */
export async function outcomes(place: Place, ...args: string[]): Promise<string[]> {
  return (await history(place, ...args)).map(({ outcome }) => outcome);
}

/** The ledger in the plain user's database. */
export function ledgerOnMySql(server: MySqlServer, name: string): TableView {
  const table = `sera.${name}`;
  return {
    table,
    query: (sql) => server.query(sql),
    all: () => rowsOf(server, table),
    async age(milliseconds) {
      await server.query(setTimes(table, (time) => `${time} - INTERVAL ${milliseconds * 1000} MICROSECOND`));
    },
  };
}

/** The ledger in the plain user's database. */
export function ledgerOnPostgres(server: PostgresServer, table: string): TableView {
  return {
    table,
    query: (sql) => server.query(sql),
    all: () => rowsOf(server, table),
    async age(milliseconds) {
      await server.query(setTimes(table, (time) => `${time} - interval '${milliseconds} milliseconds'`));
    },
  };
}

/** The ledger beside the locks. */
export function ledgerInFile(path: string): TableView {
  const table = "sera_runs";
  const query = (sql: string) => {
    const database = new DatabaseSync(path);
    try {
      return Promise.resolve(database.prepare(sql).all() as Row[]);
    } finally {
      database.close();
    }
  };
  return {
    table,
    query,
    all: () => rowsOf({ query }, table),
    async age(milliseconds) {
      const shift = `'${-milliseconds / 1000} seconds'`;
      await query(setTimes(table, (time) => `strftime('%Y-%m-%d %H:%M:%f', ${time}, ${shift})`));
    },
  };
}

async function rowsOf(server: { query(sql: string): Promise<Row[]> }, table: string): Promise<string> {
  return JSON.stringify(await server.query(`SELECT * FROM ${table}`));
}

function setTimes(table: string, earlier: (column: string) => string): string {
  const times = ["started", "finished", "expires"].map((column) => `${column} = ${earlier(column)}`);
  return `UPDATE ${table} SET ${times.join(", ")}`;
}
