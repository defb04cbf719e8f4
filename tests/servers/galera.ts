/** A private Galera cluster: two MariaDB that have the same data, and take writes both. */

import { freePort, onFreePort } from "./free_port.ts";
import { mariaDbUnavailable, recoveredPosition, startMariaDb } from "./mariadb.ts";
import type { MySqlServer } from "./mysql_process.ts";
import { until } from "./observe.ts";
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

/** The options that make a server a node of a cluster. */
const NODE_ARGS = [
  "--wsrep-on=ON",
  `--wsrep-provider=${PROVIDER}`,
  "--wsrep-sst-method=mysqldump",
  "--binlog-format=ROW",
  "--innodb-autoinc-lock-mode=2",
];

/** The first of the two has more than half of the votes, so by default it goes on alone. */
const WEIGHTS = [2, 1] as const;
/** What makes the second one alone more than half. */
const HEAVIER = 3;

/** The first node or the second one. */
export type NodeIndex = 0 | 1;

/** Where a node runs, if not where the tests do. */
export interface NodeHome {
  /** The words that start a program there; they must become it with `exec`. */
  readonly launcher: readonly string[];
  /** The addresses at which the two nodes reach each other. */
  readonly addresses: readonly [first: string, second: string];
}

/** How a cluster differs from a plain one. */
export interface GaleraOptions {
  /** After how long a silent node is given up by the other one, in seconds; Galera's default is 5. */
  suspectAfter?: number;
  /** Where the second node runs. */
  secondHome?: NodeHome;
}

/** A cluster of two. */
export interface Galera extends AsyncDisposable {
  readonly nodes: readonly [MySqlServer, MySqlServer];
  /** SIGKILL. The other node takes writes again as soon as it has noticed, after a second or two. */
  kill(index: NodeIndex): Promise<void>;
  /** Restarts a killed node, and resolves when it has joined, caught up, and accepts writes. */
  rejoin(index: NodeIndex): Promise<void>;
  /** Cuts one node off from the other one, which goes on; clients reach both. Resolves when both have noticed. */
  isolate(index: NodeIndex): Promise<void>;
  /** Undoes that, and resolves when both take writes. */
  unite(): Promise<void>;
  /** Makes a node the one that goes on when the two lose each other. */
  prefer(index: NodeIndex): Promise<void>;
  /** Ends both nodes at once and removes their folders. */
  stop(): Promise<void>;
}

/** Starts a cluster, and resolves when both nodes are in it and take writes. */
export async function startGalera({ secondHome, suspectAfter = 5 }: GaleraOptions = {}): Promise<Galera> {
  if (galeraUnavailable) throw new Error(galeraUnavailable);
  const [firstAddress, secondAddress] = secondHome?.addresses ?? ["127.0.0.1", "127.0.0.1"];
  const first = await startNode({ index: 0, address: firstAddress, suspectAfter });
  try {
    const cluster = `${firstAddress}:${first.groupPort}`;
    const launcher = secondHome?.launcher;
    const second = await startNode({ index: 1, address: secondAddress, suspectAfter, launcher, cluster });
    return new TwoNodes([first, second]);
  } catch (error) {
    await first.node.stop();
    throw error;
  }
}

/** A node, and where the other one finds it. */
interface Member {
  readonly node: MySqlServer;
  readonly address: string;
  readonly groupPort: number;
}

class TwoNodes implements Galera {
  readonly nodes: readonly [MySqlServer, MySqlServer];
  readonly #members: readonly [Member, Member];

  constructor(members: readonly [Member, Member]) {
    this.#members = members;
    this.nodes = [members[0].node, members[1].node];
  }

  async kill(index: NodeIndex): Promise<void> {
    await this.prefer(other(index));
    await this.nodes[index].kill();
  }

  async rejoin(index: NodeIndex): Promise<void> {
    const { address, groupPort } = this.#members[other(index)];
    const position = await recoveredPosition(this.nodes[index], NODE_ARGS);
    try {
      await this.nodes[index].restart([
        `--wsrep-cluster-address=gcomm://${address}:${groupPort}`,
        `--wsrep-start-position=${position}`,
      ]);
    } catch (cause) {
      throw new Error(`the other node says:\n${await this.nodes[other(index)].log()}`, { cause });
    }
    await this.#united();
  }

  async isolate(index: NodeIndex): Promise<void> {
    await this.prefer(other(index));
    await setProvider(this.nodes[index], "gmcast.isolate=1");
    await until(async () => await status(this.nodes[index], "cluster_status") !== "Primary", "it is outside");
    await until(() => takesWrites(this.nodes[other(index)], 1), "the other node goes on");
  }

  async unite(): Promise<void> {
    for (const node of this.nodes) await setProvider(node, "gmcast.isolate=0");
    await this.#united();
  }

  async prefer(index: NodeIndex): Promise<void> {
    const weight = index === 0 ? WEIGHTS[1] : HEAVIER;
    await setProvider(this.nodes[1], `pc.weight=${weight}`);
    // The change goes through the cluster like a write.
    for (const node of this.nodes) {
      await until(
        async () => await status(node, "cluster_weight") === `${WEIGHTS[0] + weight}`,
        "both nodes know of the weight",
      );
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #united(): Promise<void> {
    for (const node of this.nodes) await until(() => takesWrites(node, 2), "both nodes take writes");
  }
}

function other(index: NodeIndex): NodeIndex {
  return index === 0 ? 1 : 0;
}

async function takesWrites(node: MySqlServer, size: number): Promise<boolean> {
  return await status(node, "ready") === "ON" && await status(node, "cluster_size") === `${size}` &&
    await status(node, "local_state_comment") === "Synced";
}

async function status(node: MySqlServer, name: string): Promise<unknown> {
  return (await node.query(`SHOW STATUS LIKE 'wsrep_${name}'`))[0]?.Value;
}

async function setProvider(node: MySqlServer, options: string): Promise<void> {
  await node.query(`SET GLOBAL wsrep_provider_options = '${options}'`);
}

/** A node's options. */
interface NodeStart {
  readonly index: NodeIndex;
  readonly address: string;
  readonly suspectAfter: number;
  readonly launcher?: readonly string[] | undefined;
  /** The other node's address and port; without one, it is the first node of a new cluster. */
  readonly cluster?: string;
}

async function startNode(start: NodeStart): Promise<Member> {
  const { address, launcher, cluster } = start;
  const { port, started } = await onFreePort(["127.0.0.1"], (groupPort) =>
    startMariaDb({
      ...launcher ? { launcher: [...launcher] } : {},
      dataFiles: STATE,
      // Whatever one node writes goes to both, so they come with the second one.
      accountsArrive: cluster === undefined,
      // The server looks there for the program that its method of state transfer names.
      env: { PATH: `${import.meta.dirname}/sst:${Deno.env.get("PATH")}` },
      extraArgs: [
        ...address === "127.0.0.1" ? [] : [`--bind-address=127.0.0.1,${address}`],
        ...NODE_ARGS,
        `--wsrep-provider-options=${providerOptions(start, groupPort)}`,
        `--wsrep-cluster-address=gcomm://${cluster ?? ""}`,
        `--wsrep-node-address=${address}`,
      ],
    }));
  return { node: started, address, groupPort: port };
}

function providerOptions({ index, address, suspectAfter }: NodeStart, groupPort: number): string {
  return [
    `base_host=${address}`,
    `gmcast.listen_addr=tcp://${address}:${groupPort}`,
    `ist.recv_addr=tcp://${address}:${freePort()}`,
    "gcache.size=4M",
    `pc.weight=${WEIGHTS[index]}`,
    `evs.keepalive_period=PT${suspectAfter / 5}S`,
    `evs.inactive_check_period=PT${suspectAfter / 10}S`,
    `evs.suspect_timeout=PT${suspectAfter}S`,
    `evs.inactive_timeout=PT${3 * suspectAfter}S`,
  ].join(";");
}
