/** A private etcd of three members, of which any two are enough. */

import { type EtcdAccess, type EtcdAnswer, etcdctlCommand, runEtcdctl } from "./etcd_client.ts";
import { enableAuth, type Etcd, type EtcdMember, type EtcdOptions, etcdUrl, startMember } from "./etcd_member.ts";
import type { FarNode } from "./far_node.ts";
import { freePort, onFreePort } from "./free_port.ts";
import { until } from "./observe.ts";

/** Which one of the three. */
export type MemberIndex = 0 | 1 | 2;

const INDEXES: readonly MemberIndex[] = [0, 1, 2];

const HOST = "127.0.0.1";

/** A member that is paused, or cut off, answers never. */
const STATUS_DEADLINE_MS = 2000;

/** How a cluster differs from a plain one. */
export interface EtcdClusterOptions extends EtcdOptions {
  /** A node whose clients reach all members, at {@linkcode EtcdCluster.farUrl}, as long as its cable is not cut. */
  far?: FarNode;
  /** Run the last member on that node. Clients here reach it, too. */
  lastIsFar?: true;
}

/** A cluster of three. */
export interface EtcdCluster extends Etcd {
  readonly members: readonly [EtcdMember, EtcdMember, EtcdMember];
  /** The `server` setting for a client on the far node. */
  farUrl(prefix?: string): string;
  /** The words that run etcdctl on the far node. */
  readonly farEtcdctlCommand: readonly string[];
  /** The leader, according to itself and another member; waits for an election. */
  leader(): Promise<MemberIndex>;
  /** Makes a member the leader; resolves when the others know. */
  moveLeader(to: MemberIndex): Promise<void>;
}

/** Starts a cluster, and resolves when all members serve clients. */
export async function startEtcdCluster(options: EtcdClusterOptions = {}): Promise<EtcdCluster> {
  const { started } = await onFreePort([HOST], (port) => startMembers(options, port));
  const cluster = new ThreeMembers(started, options);
  try {
    if (options.auth) await enableAuth(started[0]);
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

type Three<T> = readonly [T, T, T];

class ThreeMembers implements EtcdCluster {
  readonly #endpoints: readonly string[];

  constructor(
    readonly members: Three<EtcdMember>,
    readonly options: EtcdClusterOptions,
  ) {
    this.#endpoints = members.map(({ endpoint }) => endpoint);
  }

  get access(): EtcdAccess {
    return this.members[0].access;
  }

  url(prefix?: string): string {
    return etcdUrl(this.members.map(({ host, port }) => `${host}:${port}`), this.options, prefix);
  }

  urls(prefix?: string): readonly string[] {
    return this.members.map((member) => member.url(prefix));
  }

  farUrl(prefix?: string): string {
    return etcdUrl(this.#farAddresses(), this.options, prefix);
  }

  #farAddresses(): string[] {
    const { far, lastIsFar } = this.options;
    if (far === undefined) throw new Error("there is no far node");
    return this.members.map(({ port }, index) => `${index === 2 && lastIsFar ? far.there : far.here}:${port}`);
  }

  async call(path: string, body?: unknown, signal?: AbortSignal): Promise<EtcdAnswer> {
    return await this.members[await this.leader()].call(path, body, signal);
  }

  etcdctl(...args: string[]): Promise<string> {
    return runEtcdctl(this.#endpoints, this.access, args);
  }

  get etcdctlCommand(): readonly string[] {
    return etcdctlCommand(this.#endpoints, this.access);
  }

  get farEtcdctlCommand(): readonly string[] {
    return etcdctlCommand(this.#farAddresses(), this.access);
  }

  async leader(): Promise<MemberIndex> {
    return (await this.#leading()).index;
  }

  async moveLeader(to: MemberIndex): Promise<void> {
    await until(async () => {
      const { index, ids } = await this.#leading();
      if (index === to) return true;
      // It is refused as long as that member lacks something.
      await this.members[index].call("/v3/maintenance/transfer-leadership", { targetID: ids[to] }).catch(() => {});
      return false;
    }, `member ${to} leads`);
  }

  /** The leader, and the ids of the members that answer. */
  async #leading(): Promise<{ index: MemberIndex; ids: readonly (string | undefined)[] }> {
    const found: { index: MemberIndex; ids: readonly (string | undefined)[] }[] = [];
    await until(async () => {
      const answers = await Promise.all(this.members.map(statusOf));
      const ids = answers.map((answer) => answer?.id);
      // One that has been cut off or paused may still believe that it leads.
      const named = INDEXES.filter((index) =>
        ids[index] !== undefined && answers.filter((answer) => answer?.leader === ids[index]).length >= 2
      );
      found.push(...named.map((index) => ({ index, ids })));
      return found.length > 0;
    }, "two members name the same leader");
    return found[0]!;
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** Which one a member is, and whom it takes for the leader; undefined if it does not answer. */
async function statusOf(member: EtcdMember): Promise<{ id: string; leader: string } | undefined> {
  try {
    const { header, leader } = await member.call("/v3/maintenance/status", {}, AbortSignal.timeout(STATUS_DEADLINE_MS));
    return { id: (header as { member_id: string }).member_id, leader: String(leader) };
  } catch {
    return undefined;
  }
}

async function startMembers(options: EtcdClusterOptions, firstPort: number): Promise<Three<EtcdMember>> {
  const { far, lastIsFar } = options;
  const addresses = far && lastIsFar ? [far.here, far.here, far.there] : [HOST, HOST, HOST];
  const peers = addresses.map((address) => `http://${address}:${freePort()}`);
  const initial = peers.map((peer, index) => `m${index}=${peer}`).join(",");
  const start = (index: MemberIndex, port: number) => startOne(options, index, port, peers[index]!, initial);
  const starts = [start(0, firstPort), start(1, freePort()), start(2, freePort())] as const;
  try {
    return await Promise.all(starts);
  } catch (error) {
    for (const result of await Promise.allSettled(starts)) {
      if (result.status === "fulfilled") await result.value.stop();
    }
    throw error;
  }
}

async function startOne(
  options: EtcdClusterOptions,
  index: MemberIndex,
  port: number,
  peer: string,
  initial: string,
): Promise<EtcdMember> {
  const far = index === 2 && options.lastIsFar ? options.far : undefined;
  const folder = await Deno.makeTempDir({ prefix: "sera-etcd-" });
  try {
    return await startMember({
      name: `m${index}`,
      folder,
      host: far?.there ?? HOST,
      port,
      ipv6: false,
      options: {
        ...options,
        alsoOn: far ? [HOST] : [...options.alsoOn ?? [], ...options.far ? [options.far.here] : []],
      },
      launcher: far?.launcher,
      clusterArgs: [
        `--listen-peer-urls=${peer}`,
        `--initial-advertise-peer-urls=${peer}`,
        `--initial-cluster=${initial}`,
      ],
    });
  } catch (error) {
    await Deno.remove(folder, { recursive: true }).catch(() => {});
    throw error;
  }
}
