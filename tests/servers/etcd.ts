/** A private etcd of one member, from the programs of the system. */

import {
  describeMember,
  enableAuth,
  type EtcdMember,
  type EtcdOptions,
  type MemberSetUp,
  startMember,
} from "./etcd_member.ts";
import { hasIpv6, onFreePort } from "./free_port.ts";
import type { Lent } from "./mysql_process.ts";
import { watchedElsewhere } from "./watched.ts";

export { etcdUnavailable } from "./etcd_member.ts";

const HOST = "127.0.0.1";
/** A single member needs no peers: a socket in its own folder, instead of a second port. */
const PEER_ARGS = [
  "--listen-peer-urls=unix://peer:1",
  "--initial-advertise-peer-urls=http://127.0.0.1:1",
  "--initial-cluster=alone=http://127.0.0.1:1",
];

/** Starts an etcd of one member, and resolves when it answers. */
export async function startEtcd(options: EtcdOptions = {}): Promise<EtcdMember> {
  const folder = await Deno.makeTempDir({ prefix: "sera-etcd-" });
  try {
    const addresses = hasIpv6() ? [HOST, "::1"] : [HOST];
    const { started } = await onFreePort(addresses, (port) => startMember(setUpOf(folder, port, options)));
    if (options.auth) await stoppedOnError(started, enableAuth);
    return started;
  } catch (error) {
    await Deno.remove(folder, { recursive: true }).catch(() => {});
    throw error;
  }
}

/** Takes a plain etcd that another process has started as if this one had started it, but for its end. */
export function borrowEtcd({ folder, port, pid }: Lent): Promise<EtcdMember> {
  return describeMember(setUpOf(folder, port, {}), watchedElsewhere(pid), true);
}

function setUpOf(folder: string, port: number, options: EtcdOptions): MemberSetUp {
  return { name: "alone", folder, host: HOST, port, ipv6: hasIpv6(), options, clusterArgs: PEER_ARGS };
}

async function stoppedOnError(member: EtcdMember, act: (member: EtcdMember) => Promise<void>): Promise<void> {
  try {
    await act(member);
  } catch (error) {
    await member.stop();
    throw error;
  }
}
