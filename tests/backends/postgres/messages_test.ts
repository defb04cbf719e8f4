/** How many round trips a lock takes from login to release, and a waiter from a release to its lock. */

import assert from "node:assert/strict";
import { luck } from "../../lock/luck.ts";
import { Proxy } from "../../servers/proxy.ts";
import { freshName, hold, later, never, open } from "../open.ts";
import { sharedPostgres, sharedPostgres18 } from "../shared_server.ts";
import { until } from "../../cli/wait.ts";
import { waiting } from "./view.ts";

for (const shared of [sharedPostgres(), sharedPostgres18()]) {
  for (
    const [params, roundTrips] of [
      // The connection, the start of the login and two of SCRAM, the set-up, the lock with its check, the release.
      ["sslmode=disable", 7],
      // And the question for TLS, which the server does not offer.
      ["sslmode=prefer", 8],
    ] as const
  ) {
    shared.test(`a lock takes ${roundTrips} round trips from connection to release (${params})`, async (server) => {
      await using proxy = await Proxy.open(server.port);
      // So that all of a message is sent before its answer comes.
      proxy.delay = 20;
      {
        await using backend = await open(
          server.url(params).replace(`:${server.port}/`, `:${proxy.port}/`),
          freshName(),
        );
        await (await hold(backend)).release();
      }
      assert.equal(proxy.roundTrips.answered, roundTrips, `${proxy.roundTrips}`);
    });
  }

  shared.test("a waiter has its lock, checked, one round trip after it was told of the release", async (server) => {
    using _luck = luck(1e6);
    const name = freshName();
    const lease = { ttl: 86_400_000, grace: 0 };
    await using one = await open(server.url(), name, undefined, { lease });
    const lock = await hold(one);
    await using proxy = await Proxy.open(server.port);
    const url = server.url("sslmode=disable").replace(`:${server.port}/`, `:${proxy.port}/`);
    await using other = await open(url, name, undefined, { lease });
    const granted = later(other.acquire(Infinity, never));
    await until("it listens", async () => {
      const [found] = await waiting(server, name);
      return found?.state === "idle" && /AS got \/[*]/.test(found.query);
    });
    await until("it has its answers", () => proxy.roundTrips.answered === proxy.roundTrips.asked);
    proxy.delay = 20;
    const { answered } = proxy.roundTrips;
    await lock.release();
    const next = await granted;
    assert.equal(proxy.roundTrips.answered, answered + 1, `${proxy.roundTrips}`);
    await next!.release();
  });
}
