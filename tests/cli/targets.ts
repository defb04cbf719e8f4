/** Where locks may live: the same tests run against each. */

import { keySql } from "../backends/postgres/key_sql.ts";
import { lockName } from "../../lib/lock/lock_name.ts";
import { etcdUnavailable } from "../servers/etcd.ts";
import { mariaDbUnavailable } from "../servers/mariadb.ts";
import { mysql56Unavailable } from "../servers/mysql56.ts";
import type { MySqlServer } from "../servers/mysql_process.ts";
import { postgres18Unavailable } from "../servers/postgres18.ts";
import type { PostgresServer } from "../servers/postgres_process.ts";
import { forThisFile } from "../servers/for_this_file.ts";
import { lendEtcd, lendMariaDb, lendMySql56, lendPostgres18, lendSystemPostgres } from "../servers/pool.ts";
import { systemPostgresUnavailable } from "../servers/postgres_system.ts";
import { ledgerInFile, ledgerOnMySql, ledgerOnPostgres, type LedgerView, type TableView } from "./ledger_view.ts";
import { sideBySide } from "../side_by_side.ts";
import { EtcdTarget } from "./etcd_target.ts";
import { linux, type Need, testWith } from "./needs.ts";
import { Place } from "./place.ts";

/** A kind of server to run against. */
export interface Target<L extends LedgerView = LedgerView> {
  readonly name: string;
  /** Why it cannot be used here, if so. */
  readonly need: Need;
  /** Whether its ledger is a table. */
  readonly inTable: boolean;
  /** Whether a lock belongs to a session that the server has a number for. */
  readonly inSession: boolean;
  start(): Promise<StartedTarget<L>>;
  /** The same, where each lock is a lease; undefined where there are none. */
  readonly leased?: Target<L>;
}

/** A place on a server that runs, for one test. */
export interface StartedTarget<L extends LedgerView = LedgerView> extends AsyncDisposable {
  /** A place whose sera locks there. */
  readonly place: Place;
  /** The `server` setting. */
  readonly server: string;
  /** How many wait for the lock of this key at this moment. */
  waiters(key: string): Promise<number>;
  /** Ends the lease of this key's holder, which was killed: there, nothing but time would. Elsewhere its lock is free anyway. */
  endLease(key: string): Promise<void>;
  /** What an administrator sees of who holds and who waits. */
  sessions(): Promise<string>;
  /** The ledger of this test alone. */
  readonly ledger: L;
}

export const FILE: Target<TableView> = {
  name: "file",
  need: linux,
  inTable: true,
  inSession: false,
  start: startFile,
};

/** Every target by its name; none is started before it is made. */
const TARGETS: Readonly<Record<string, () => Target>> = {
  file: () => FILE,
  MariaDB: () => new ServerTarget("MariaDB", linux ?? mariaDbUnavailable, lendMariaDb, viewOfMySql),
  "MySQL 5.6": () => new ServerTarget("MySQL 5.6", linux ?? mysql56Unavailable, lendMySql56, viewOfMySql),
  PostgreSQL: () =>
    new ServerTarget("PostgreSQL", linux ?? systemPostgresUnavailable, lendSystemPostgres, viewOfPostgres),
  "PostgreSQL 18": () =>
    new ServerTarget("PostgreSQL 18", linux ?? postgres18Unavailable, lendPostgres18, viewOfPostgres),
  etcd: useEtcd,
};

/** Of the two versions of PostgreSQL, which the program's tests can hardly tell apart, each file of tests has one. */
function postgresOfThisFile(): string {
  const letters = new TextEncoder().encode(Deno.mainModule.split("/").at(-1));
  const isOdd = letters.reduce((sum, letter) => sum + letter, 0) % 2 === 1;
  return isOdd && postgres18Unavailable === undefined ? "PostgreSQL 18" : "PostgreSQL";
}

/**
 * Targets for the tests of one file: the servers are there before the first test, and given back after the last.
 *
 * @param names Which ones, where "with leases" after the name of a server makes leases of its locks. By default one of each
 *   kind.
 */
export function useTargets(...names: readonly string[]): readonly Target[] {
  const wanted = names.length > 0 ? names : ["file", "MariaDB", "MySQL 5.6", postgresOfThisFile(), "etcd"];
  const servers = new Map<string, Target>();
  return wanted.map((name) => {
    const [server = ""] = name.split(" with leases");
    const target = servers.get(server) ?? TARGETS[server]!();
    servers.set(server, target);
    return name === server ? target : target.leased!;
  });
}

/** An etcd of one member, for the tests of one file. */
export function useEtcd(): Target {
  return new EtcdTarget("etcd", linux ?? etcdUnavailable, lendEtcd);
}

/** Those whose ledger is a table. */
export function withTables(targets: readonly Target[]): readonly Target<TableView>[] {
  return targets.filter((target): target is Target<TableView> => target.inTable);
}

/** Defines a test on a target. */
export function testOn({ need }: Target, name: string, fn: () => Promise<void>): void {
  testWith([need], name, fn);
}

/** Defines a test that is tried on all targets at the same time: one that waits most of the time. */
export function testOnAll(targets: readonly Target[], name: string, fn: (target: Target) => Promise<void>): void {
  const there = targets.filter(({ name: target, need }) => {
    if (need !== undefined) console.log(`left out: ${name} on ${target}: ${need}`);
    return need === undefined;
  });
  const cases = Object.fromEntries(there.map((target) => [target.name, () => fn(target)]));
  Deno.test({ name, ignore: there.length === 0, fn: () => sideBySide(cases) });
}

/** A target's description of its server. */
type View = Pick<StartedTarget, "server" | "waiters" | "sessions"> & {
  /** The ledger in a table of this name. */
  ledgerIn(table: string): TableView;
};

class ServerTarget<S extends { stop(): Promise<void> }> implements Target<TableView> {
  readonly inTable = true;
  readonly inSession = true;
  readonly #server: () => S;
  #started = 0;

  constructor(
    readonly name: string,
    readonly need: Need,
    launch: () => Promise<S>,
    readonly view: (server: S) => View,
  ) {
    this.#server = forThisFile(need, launch);
  }

  start(): Promise<StartedTarget<TableView>> {
    return this.#start(() => ({}));
  }

  get leased(): Target<TableView> {
    const { need, inTable } = this;
    const start = () =>
      this.#start((ledger) => ({ SERA_LEASE: "true", SERA_LEASE_TABLE: ledger.replace("runs", "leases") }));
    return { name: `${this.name} with leases`, need, inTable, inSession: false, start };
  }

  /** @param variables What every sera there finds in its environment, by the ledger's table. */
  async #start(variables: (ledger: string) => Record<string, string>): Promise<StartedTarget<TableView>> {
    const { server, waiters, sessions, ledgerIn } = this.view(this.#server());
    const ledger = ledgerIn(`runs_${++this.#started}`);
    const place = await Place.make(server, { ...variables(ledger.table), SERA_LEDGER_TABLE: ledger.table });
    const dispose = () => place[Symbol.asyncDispose]();
    return { place, server, waiters, endLease: nothing, sessions, ledger, [Symbol.asyncDispose]: dispose };
  }
}

function viewOfMySql(server: MySqlServer): View {
  return {
    server: server.dsn(),
    async waiters(key) {
      const asking = `SELECT GET_LOCK(''${lockName(key)}''%`;
      const [row] = await server.query(
        `SELECT COUNT(*) AS count FROM information_schema.processlist WHERE info LIKE '${asking}'`,
      );
      return Number(row!.count);
    },
    sessions: () => tablesOf(server, "information_schema.processlist", "performance_schema.session_connect_attrs"),
    ledgerIn: (table) => ledgerOnMySql(server, table),
  };
}

function viewOfPostgres(server: PostgresServer): View {
  return {
    server: server.url(),
    waiters: (key) => waitersOnPostgres(server, lockName(key)),
    sessions: () => tablesOf(server, "pg_stat_activity"),
    ledgerIn: (table) => ledgerOnPostgres(server, table),
  };
}

/** How many sessions asked for the lock last and do not have it; who gives it back asks for something else. */
export async function waitersOnPostgres(server: PostgresServer, name: string): Promise<number> {
  const { args, row } = keySql(name);
  const asking = `pg_try_advisory_lock(${args})`.replaceAll("'", "''");
  const [found] = await server.query(
    `SELECT COUNT(*) AS count FROM pg_stat_activity AS session
     WHERE application_name LIKE 'sera %' AND position('${asking}' IN query) > 0
       AND NOT EXISTS (SELECT FROM pg_locks WHERE ${row} AND granted AND pid = session.pid)`,
  );
  return Number(found!.count);
}

async function startFile(): Promise<StartedTarget<TableView>> {
  const place = await Place.make();
  return {
    place,
    server: place.server,
    waiters: (key) => Promise.resolve(waitersForFile(`${place.locks}/${lockName(key)}.lock`)),
    endLease: nothing,
    sessions: () => Promise.resolve(locksIn(place.locks)),
    ledger: ledgerInFile(`${place.locks}/ledger.sqlite`),
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  };
}

function nothing(): Promise<void> {
  return Promise.resolve();
}

/** The contents of the lock files. */
function locksIn(folder: string): string {
  return [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".lock"))
    .map(({ name }) => Deno.readTextFileSync(`${folder}/${name}`)).join("\n");
}

/** The kernel lists who waits for a lock with an arrow. proc(5), /proc/locks */
export function waitersForFile(path: string): number {
  const { ino } = Deno.statSync(path);
  const lines = Deno.readTextFileSync("/proc/locks").split("\n");
  return lines.filter((line) => line.includes("-> FLOCK") && line.includes(`:${ino} `)).length;
}

async function tablesOf(server: MySqlServer | PostgresServer, ...tables: string[]): Promise<string> {
  return JSON.stringify(await Promise.all(tables.map((table) => server.query(`SELECT * FROM ${table}`))));
}
