/** A node whose network is cut: it hears nothing more from the server, and the server nothing from it. */

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { freshName, later, never, open } from "../backends/open.ts";
import { FarNode } from "../servers/far_node.ts";
import { FAR_ETCDS, FAR_SERVERS, startFarSera } from "./far_servers.ts";
import { testWith } from "./needs.ts";
import { childrenOfSera, lives } from "./process_list.ts";
import { HANG, until } from "./wait.ts";

const TTL = 3000;
const GRACE = 500;

for (const { name, need, start } of [...FAR_SERVERS, ...FAR_ETCDS]) {
  testWith(
    [need],
    `a node that is cut off ends its command before others get the lock: ${name}`,
    async () => {
      await using node = await FarNode.join();
      await using server = await start(node);
      const key = freshName();
      const flags = ["--name", key, "--ttl", `${TTL}ms`, "--grace", `${GRACE}ms`];
      const script = 'trap "" TERM; echo ready; while :; do sleep 0.05; done';
      await using run = startFarSera(node, ["--server", server.remote, ...flags, "0", "sh", "-c", script]);
      await run.says("ready");
      // It takes the name that sera makes of the key.
      await using other = await open(server.local, lockName(key));
      assert.equal(await other.acquire(0, never), undefined);
      const { command } = childrenOfSera(run);
      await node.cut();
      const granted = later(other.acquire(HANG, never).then((lock) => ({ lock, alive: lives(command) })));
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
