import { etcdUnavailable, startEtcd } from "../../tests/servers/etcd.ts";
import type { EtcdMember } from "../../tests/servers/etcd_member.ts";
import { mariaDbUnavailable, startMariaDb } from "../../tests/servers/mariadb.ts";
import type { MySqlServer } from "../../tests/servers/mysql_process.ts";
import type { PostgresServer } from "../../tests/servers/postgres_process.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../../tests/servers/postgres_system.ts";

/** Enough for the staircase's highest step, its holder, and the bench's own queries. */
const CONNECTIONS = "--max-connections=300";

/** Private servers, those that this machine has programs for. */
export interface Servers extends AsyncDisposable {
  readonly mysql?: MySqlServer;
  readonly postgres?: PostgresServer;
  readonly etcd?: EtcdMember;
  /** What is unavailable, and why. */
  readonly leftOut: readonly string[];
}

/** Starts the servers, and resolves when they answer. */
export async function startServers(): Promise<Servers> {
  await using begun = new AsyncDisposableStack();
  const mysql = mariaDbUnavailable === undefined
    ? begun.use(await startMariaDb({ extraArgs: [CONNECTIONS] }))
    : undefined;
  const postgres = systemPostgresUnavailable === undefined
    ? begun.use(await startSystemPostgres({ extraArgs: [CONNECTIONS] }))
    : undefined;
  const etcd = etcdUnavailable === undefined ? begun.use(await startEtcd()) : undefined;
  const all = begun.move();
  return {
    ...mysql ? { mysql } : {},
    ...postgres ? { postgres } : {},
    ...etcd ? { etcd } : {},
    leftOut: [
      ...mysql ? [] : [`MySQL: ${mariaDbUnavailable}`],
      ...postgres ? [] : [`PostgreSQL: ${systemPostgresUnavailable}`],
      ...etcd ? [] : [`etcd: ${etcdUnavailable}`],
    ],
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
