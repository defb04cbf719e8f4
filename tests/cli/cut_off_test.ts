/** A node whose network is cut: it hears nothing more from the server, and the server nothing from it. */

import assert from "node:assert/strict";
import { mariaDbUnavailable, startMariaDb } from "../servers/mariadb.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../servers/postgres_system.ts";
import { runTool } from "../servers/tool.ts";
import { lockName } from "../../lib/lock/lock_name.ts";
import { freshName, later, never, open } from "../backends/open.ts";
import { linux, type Need, root, testWith, tool } from "./needs.ts";
import { complete, PROGRAM } from "./program.ts";
import { childrenOfSera, lives } from "./process_list.ts";
import { Running } from "./running.ts";
import { until } from "./wait.ts";

const TTL = 3000;
const GRACE = 500;

/** Namespaces of networks and cables between them, which not every container may make. */
const networkNamespace: Need = linux ?? root ?? tool(
  "sh",
  "-c",
  'ip netns add "$1" && ip link add "$1" type veth peer name cable netns "$1"; made=$?; ip netns del "$1"; exit $made',
  "sh",
  `s${Deno.pid}p`,
);

/** A node of its own, joined to this one by a cable that can be cut. */
class Node implements AsyncDisposable {
  readonly #id = `${Deno.pid % 10_000}${Math.floor(Math.random() * 1000)}`;
  readonly #net = Math.floor(Math.random() * 60);
  readonly namespace = `sera-${this.#id}`;
  /** This machine's address, and the node's. */
  readonly here = `198.18.${this.#net}.1`;
  readonly there = `198.18.${this.#net}.2`;

  async join(): Promise<void> {
    await ip("netns", "add", this.namespace);
    await ip("link", "add", `s${this.#id}`, "type", "veth", "peer", "name", "cable", "netns", this.namespace);
    await ip("addr", "add", `${this.here}/30`, "dev", `s${this.#id}`);
    await ip("link", "set", `s${this.#id}`, "up");
    await ip("-n", this.namespace, "addr", "add", `${this.there}/30`, "dev", "cable");
    await ip("-n", this.namespace, "link", "set", "cable", "up");
  }

  async cut(): Promise<void> {
    await ip("link", "set", `s${this.#id}`, "down");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The namespace itself stays until its last socket has gone.
    await ip("link", "del", `s${this.#id}`);
    await ip("netns", "del", this.namespace);
  }
}

function ip(...args: string[]): Promise<void> {
  return runTool("ip", args);
}

interface Served extends AsyncDisposable {
  /** The `server` setting for somebody on this machine, and for one on the node. */
  readonly local: string;
  readonly remote: string;
}

const SERVERS: readonly [name: string, need: Need, serve: (node: Node) => Promise<Served>][] = [
  ["MariaDB", mariaDbUnavailable, async ({ here, there }) => {
    const server = await startMariaDb({ extraArgs: [`--bind-address=127.0.0.1,${here}`, "--skip-name-resolve"] });
    await server.query(`CREATE USER 'sera'@'${there}' IDENTIFIED BY 'secret'`);
    return {
      local: server.dsn(),
      remote: `sera:secret@tcp(${here}:${server.port})/`,
      [Symbol.asyncDispose]: () => server.stop(),
    };
  }],
  ["PostgreSQL", systemPostgresUnavailable, async ({ here, there }) => {
    const hba = [`host all all ${there}/32 scram-sha-256`];
    const server = await startSystemPostgres({ hba, extraArgs: [`--listen-addresses=127.0.0.1,${here}`] });
    return {
      local: server.url(),
      remote: server.url().replace("127.0.0.1", here),
      [Symbol.asyncDispose]: () => server.stop(),
    };
  }],
];

for (const [name, need, serve] of SERVERS) {
  testWith(
    [networkNamespace, need],
    `a node that is cut off ends its command before others get the lock: ${name}`,
    async () => {
      await using node = new Node();
      await node.join();
      await using server = await serve(node);
      const key = freshName();
      const flags = ["--name", key, "--ttl", `${TTL}ms`, "--grace", `${GRACE}ms`];
      const script = 'trap "" TERM; echo ready; while :; do sleep 0.05; done';
      await using run = new Running(
        [
          "ip",
          "netns",
          "exec",
          node.namespace,
          ...PROGRAM,
          "--server",
          server.remote,
          ...flags,
          "0",
          "sh",
          "-c",
          script,
        ],
        complete({}),
      );
      await run.says("ready");
      // It takes the name that sera makes of the key.
      await using other = await open(server.local, lockName(key));
      assert.equal(await other.acquire(0, never), undefined);
      const { command } = childrenOfSera(run);
      await node.cut();
      const granted = later(other.acquire(30_000, never).then((lock) => ({ lock, alive: lives(command) })));
      await until("the command has ended", () => !lives(command));
      const { code, stderr } = await run.ended;
      assert.equal(code, 206);
      assert.match(stderr, /^sera: Lock lost: [^\n]+\n/);
      const { lock, alive } = await granted;
      assert.ok(lock);
      assert.equal(alive, false, "the lock was free before the command had ended");
      await lock.release();
    },
  );
}
