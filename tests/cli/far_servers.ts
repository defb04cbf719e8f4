/** Servers on this machine for runs on a node whose network link can be cut. */

import { etcdUnavailable } from "../servers/etcd.ts";
import { type EtcdClusterOptions, startEtcdCluster } from "../servers/etcd_cluster.ts";
import { type FarNode, farNodeUnavailable } from "../servers/far_node.ts";
import { mariaDbUnavailable, startMariaDb } from "../servers/mariadb.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../servers/postgres_system.ts";
import type { Need } from "./needs.ts";
import { complete, PROGRAM, type ProgramOptions } from "./program.ts";
import { Running } from "./running.ts";

/** A server for both. */
export interface FarServer extends AsyncDisposable {
  /** The `server` setting on this machine. */
  readonly local: string;
  /** The `server` setting for one on the node. */
  readonly remote: string;
}

/** A kind of such server. */
export interface FarServerKind {
  readonly name: string;
  /** Why it cannot be used here, if so. */
  readonly need: Need;
  start(node: FarNode): Promise<FarServer>;
}

/** One server of each family. */
export const FAR_SERVERS: readonly FarServerKind[] = [
  { name: "MariaDB", need: farNodeUnavailable ?? mariaDbUnavailable, start: startFarMariaDb },
  { name: "PostgreSQL", need: farNodeUnavailable ?? systemPostgresUnavailable, start: startFarPostgres },
];

async function startFarMariaDb({ here, there }: FarNode): Promise<FarServer> {
  const server = await startMariaDb({ extraArgs: [`--bind-address=127.0.0.1,${here}`, "--skip-name-resolve"] });
  await server.query(`CREATE USER 'sera'@'${there}' IDENTIFIED BY 'secret'`);
  await server.query(`GRANT ALL ON sera.* TO 'sera'@'${there}'`);
  return {
    local: server.dsn(),
    remote: `sera:secret@tcp(${here}:${server.port})/`,
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

async function startFarPostgres({ here, there }: FarNode): Promise<FarServer> {
  const hba = [`host all all ${there}/32 scram-sha-256`];
  const server = await startSystemPostgres({ hba, extraArgs: [`--listen-addresses=127.0.0.1,${here}`] });
  return {
    local: server.url(),
    remote: server.url().replace("127.0.0.1", here),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** An etcd whose members are all here, and one whose last member is on the node. */
export const FAR_ETCDS: readonly FarServerKind[] = [
  { name: "etcd", need: farNodeUnavailable ?? etcdUnavailable, start: (far) => startFarEtcd({ far }) },
  {
    name: "etcd with a member of the node's own",
    need: farNodeUnavailable ?? etcdUnavailable,
    start: (far) => startFarEtcd({ far, lastIsFar: true }),
  },
];

async function startFarEtcd(options: EtcdClusterOptions): Promise<FarServer> {
  const cluster = await startEtcdCluster(options);
  return { local: cluster.url(), remote: cluster.farUrl(), [Symbol.asyncDispose]: () => cluster.stop() };
}

/** Starts sera on a node; dispose of it. */
export function startFarSera(node: FarNode, args: readonly string[], options: ProgramOptions = {}): Running {
  return new Running([...node.launcher, ...PROGRAM, ...args], complete(options));
}
