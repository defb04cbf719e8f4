/** Three members for the stress test; one at a time has faults: it is killed, or its connections are cut or delayed. */

import { pause } from "../cli/wait.ts";
import { type EtcdCluster, type MemberIndex, startEtcdCluster } from "../servers/etcd_cluster.ts";
import { Proxy } from "../servers/proxy.ts";
import type { TorturedSessions } from "./torture.ts";

/** For how long a member or its connections are stalled, in milliseconds; the longest stalls exceed the timeouts. */
const MIN_STALL = 100;
const MAX_STALL = 4000;

/** Starts a cluster. Each sera knows all members, a third of them each one first. */
export async function startTorturedEtcd(): Promise<TorturedSessions & AsyncDisposable> {
  const cluster = await startEtcdCluster();
  const wires = await Promise.all(cluster.members.map(({ port }) => Proxy.open(port)));
  const servers = wires.map((_, first) => {
    const inTurn = [...wires.slice(first), ...wires.slice(0, first)];
    return `etcd://${inTurn.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;
  });
  const trouble = new OneAtATime(cluster);
  const anyWire = () => wires[Math.floor(Math.random() * wires.length)]!;
  let heldUp: Promise<void> | undefined;
  return {
    server: servers[0]!,
    servers,
    // No place in the queue depends on a connection, so all of a member's are cut.
    cutHolder: () => {
      for (const wire of wires) wire.cut();
      return Promise.resolve(true);
    },
    cutAnyone: () => {
      anyWire().reset();
      return Promise.resolve();
    },
    faults: {
      pause: () => trouble.pause(),
      lead: () => trouble.moveLeader(),
      stall: () => {
        if (heldUp) return false;
        const wire = anyWire();
        wire.stall();
        heldUp = pause(someTime()).then(() => {
          wire.resume();
          heldUp = undefined;
        });
        return true;
      },
    },
    kill: () => trouble.kill(),
    restart: () => trouble.restart(),
    async [Symbol.asyncDispose]() {
      await Promise.all([trouble.over(), heldUp]);
      for (const wire of wires) await wire[Symbol.asyncDispose]();
      await cluster.stop();
    },
  };
}

/** Hurts one member at a time, so that there is a majority. */
class OneAtATime {
  readonly #cluster: EtcdCluster;
  #busy: Promise<unknown> | undefined;
  #killed: MemberIndex = 0;

  constructor(cluster: EtcdCluster) {
    this.#cluster = cluster;
  }

  /** Holds a member up for a while, unless one is. */
  pause(): boolean {
    return this.#start(async () => {
      const member = this.#cluster.members[anyIndex()];
      await member.pause();
      await pause(someTime());
      member.resume();
      // It may have to catch up before there is a majority without one of the others.
      await this.#cluster.leader();
    });
  }

  /** Lets another member lead, unless one is in trouble. */
  moveLeader(): boolean {
    return this.#start(() => this.#cluster.moveLeader(anyIndex()));
  }

  async kill(): Promise<void> {
    await this.over();
    this.#killed = anyIndex();
    await this.#cluster.members[this.#killed].kill();
  }

  async restart(): Promise<void> {
    await this.#cluster.members[this.#killed].restart();
  }

  /** Resolves when all members are well. */
  async over(): Promise<void> {
    await this.#busy;
  }

  #start(act: () => Promise<void>): boolean {
    if (this.#busy) return false;
    this.#busy = act().finally(() => this.#busy = undefined);
    return true;
  }
}

function anyIndex(): MemberIndex {
  return Math.floor(Math.random() * 3) as MemberIndex;
}

function someTime(): number {
  return MIN_STALL + Math.random() * (MAX_STALL - MIN_STALL);
}
