/** A private Galera cluster: two MariaDB that have the same data, and take writes both. */

import { freePort, onFreePort } from "./free_port.ts";
import { mariaDbUnavailable, startMariaDb } from "./mariadb.ts";
import type { MySqlServer } from "./mysql_process.ts";
import { isFile } from "./tool.ts";

/** Where Debian and its relatives have the library that joins the nodes. */
const PROVIDER = "/usr/lib/galera/libgalera_smm.so";

/** Why {@linkcode startGalera} cannot work here, if so. */
export const galeraUnavailable: string | undefined = mariaDbUnavailable ??
  (isFile(PROVIDER) ? undefined : `${PROVIDER} was not found: scripts/test installs it`);

/**
 * By this file both nodes know from the start that their data are the same, of version 0 of a history. Else the second
 * one would ask for a copy, which takes more programs.
 */
const STATE = {
  "grastate.dat": `# GALERA saved state
version: 2.1
uuid:    5e5a0000-7e57-4000-8000-000000000001
seqno:   0
safe_to_bootstrap: 1
`,
};

/** A cluster of two. */
export interface Galera extends AsyncDisposable {
  readonly nodes: readonly [MySqlServer, MySqlServer];
  /** Ends both nodes at once and removes their folders. */
  stop(): Promise<void>;
}

/** Starts a cluster, and resolves when both nodes are in it and take writes. */
export async function startGalera(): Promise<Galera> {
  if (galeraUnavailable) throw new Error(galeraUnavailable);
  const first = await startNode();
  try {
    const second = await startNode(first.groupPort);
    const nodes = [first.node, second.node] as const;
    const stop = async () => {
      await Promise.all(nodes.map((node) => node.stop()));
    };
    return { nodes, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await first.node.stop();
    throw error;
  }
}

/** Starts a node of the cluster that listens on the given port; without one, the first node of a new cluster. */
async function startNode(cluster?: number): Promise<{ node: MySqlServer; groupPort: number }> {
  const { port, started } = await onFreePort(["127.0.0.1"], (groupPort) =>
    startMariaDb({
      dataFiles: STATE,
      // Whatever one node writes goes to both, so they come with the second one.
      accountsArrive: cluster === undefined,
      // The server looks there for the program that its method of state transfer names.
      env: { PATH: `${import.meta.dirname}/sst:${Deno.env.get("PATH")}` },
      extraArgs: [
        "--wsrep-on=ON",
        `--wsrep-provider=${PROVIDER}`,
        `--wsrep-provider-options=${providerOptions(groupPort)}`,
        `--wsrep-cluster-address=gcomm://${cluster === undefined ? "" : `127.0.0.1:${cluster}`}`,
        "--wsrep-node-address=127.0.0.1",
        "--wsrep-sst-method=mysqldump",
        "--binlog-format=ROW",
        "--innodb-autoinc-lock-mode=2",
      ],
    }));
  return { node: started, groupPort: port };
}

function providerOptions(groupPort: number): string {
  return [
    "base_host=127.0.0.1",
    `gmcast.listen_addr=tcp://127.0.0.1:${groupPort}`,
    `ist.recv_addr=tcp://127.0.0.1:${freePort()}`,
    "gcache.size=4M",
  ].join(";");
}
