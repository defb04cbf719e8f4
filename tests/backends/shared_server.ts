/** A server that all tests of a file share, or the reason why there is none. */

import type { Batches, Together } from "../side_by_side.ts";
import { etcdUnavailable, startEtcd } from "../servers/etcd.ts";
import { type EtcdCluster, startEtcdCluster } from "../servers/etcd_cluster.ts";
import type { EtcdMember } from "../servers/etcd_member.ts";
import { mariaDbUnavailable, startMariaDb } from "../servers/mariadb.ts";
import { mysql56Unavailable, startMySql56 } from "../servers/mysql56.ts";
import type { MySqlServer } from "../servers/mysql_process.ts";
import { postgres18Unavailable, startPostgres18 } from "../servers/postgres18.ts";
import type { PostgresServer } from "../servers/postgres_process.ts";
import { forThisFile } from "../servers/for_this_file.ts";
import { lendEtcd, lendMariaDb, lendMySql56, lendPostgres18, lendSystemPostgres } from "../servers/pool.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../servers/postgres_system.ts";

/** Which of Deno's sanitizers a test does without, for a reason that stands beside it. */
export type Sanitizers = Pick<Deno.TestDefinition, "sanitizeOps" | "sanitizeResources">;

/** For a test that starts a server anew: its process outlives the test. */
export const RESTARTS: Sanitizers = { sanitizeOps: false, sanitizeResources: false };

/** It is there before the first test of the file, and given back after the last one. */
export class SharedServer<S extends { stop(): Promise<void> }> {
  readonly #label: string;
  readonly #missing: string | undefined;
  readonly #server: () => S;

  /** @param missing Why it cannot be started, if so; then its tests are left out. */
  constructor(label: string, missing: string | undefined, start: () => Promise<S>) {
    this.#label = label;
    this.#missing = missing;
    if (missing !== undefined) console.log(`left out: the tests on ${label}: ${missing}`);
    this.#server = forThisFile(missing, start);
  }

  /** The server; there is none before the first test. */
  get server(): S {
    return this.#server();
  }

  /** Defines a test. */
  test(name: string, fn: (server: S) => Promise<void>, options: Sanitizers = {}): void {
    Deno.test({
      ...options,
      name: `${this.#label}: ${name}`,
      ignore: this.#missing !== undefined,
      fn: () => fn(this.server),
    });
  }

  /** Defines a test that is tried at the same time on all servers that have one of this name. */
  testTogether(
    together: Together,
    name: string,
    fn: (server: S) => Promise<void>,
    options: Sanitizers = {},
  ): void {
    if (this.#missing === undefined) together.test(this.#label, name, () => fn(this.server), options);
  }

  /** Defines a test that is tried at the same time as some others, on all servers that have one. */
  testInBatch(batches: Batches, name: string, fn: (server: S) => Promise<void>, traits = {}): void {
    if (this.#missing === undefined) batches.test(this.#label, name, () => fn(this.server), traits);
  }
}

/** A MariaDB for the tests of this file. */
export function sharedMariaDb(...extraArgs: string[]): SharedServer<MySqlServer> {
  return new SharedServer(
    "MariaDB",
    mariaDbUnavailable,
    () => extraArgs.length === 0 ? lendMariaDb() : startMariaDb({ extraArgs }),
  );
}

/** A MySQL 5.6 for the tests of this file. */
export function sharedMySql56(...extraArgs: string[]): SharedServer<MySqlServer> {
  return new SharedServer(
    "MySQL 5.6",
    mysql56Unavailable,
    () => extraArgs.length === 0 ? lendMySql56() : startMySql56({ extraArgs }),
  );
}

/** The system's PostgreSQL for the tests of this file. */
export function sharedPostgres(...extraArgs: string[]): SharedServer<PostgresServer> {
  return new SharedServer(
    "PostgreSQL",
    systemPostgresUnavailable,
    () => extraArgs.length === 0 ? lendSystemPostgres() : startSystemPostgres({ extraArgs }),
  );
}

/** A PostgreSQL 18 for the tests of this file. */
export function sharedPostgres18(...extraArgs: string[]): SharedServer<PostgresServer> {
  return new SharedServer(
    "PostgreSQL 18",
    postgres18Unavailable,
    () => extraArgs.length === 0 ? lendPostgres18() : startPostgres18({ extraArgs }),
  );
}

/** An etcd of one member for the tests of this file. */
export function sharedEtcd(...extraArgs: string[]): SharedServer<EtcdMember> {
  return new SharedServer(
    "etcd",
    etcdUnavailable,
    () => extraArgs.length === 0 ? lendEtcd() : startEtcd({ extraArgs }),
  );
}

/** An etcd of three members for the tests of this file. */
export function sharedEtcdCluster(...extraArgs: string[]): SharedServer<EtcdCluster> {
  return new SharedServer("etcd, three members", etcdUnavailable, () => startEtcdCluster({ extraArgs }));
}
