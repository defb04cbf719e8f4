/** How many round trips a lock takes from login to release, and a waiter from a release to its lock. */

import assert from "node:assert/strict";
import { fixedRandom } from "../../fixed_random.ts";
import { Proxy } from "../../servers/proxy.ts";
import { freshName, hold, later, never, open } from "../open.ts";
import { sharedPostgres, sharedPostgres18, SharedServer } from "../shared_server.ts";
import { makeCertificates } from "../../servers/certificates.ts";
import { postgres18Unavailable, startPostgres18 } from "../../servers/postgres18.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../../servers/postgres_system.ts";
import { until } from "../../cli/wait.ts";
import { waiting } from "./view.ts";

const folder = Deno.makeTempDirSync({ prefix: "sera-messages-" });
Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

/** With TLS, and with a role that needs no password. */
const HBA = ["host all trusted all trust"];
const secure = ([
  ["PostgreSQL with TLS", systemPostgresUnavailable, startSystemPostgres],
  ["PostgreSQL 18 with TLS", postgres18Unavailable, startPostgres18],
] as const).map(([label, missing, start]) =>
  new SharedServer(label, missing, async () => {
    const { good: tls } = await makeCertificates(await Deno.makeTempDir({ dir: folder }));
    const server = await start({ hba: HBA, tls });
    await server.query("CREATE ROLE trusted LOGIN");
    return server;
  })
);

for (const shared of secure) {
  for (
    const [user, sslmode, roundTrips] of [
      // The connection, the login, the set-up, the lock with its check, the release.
      ["trusted", "disable", 5],
      // And two for TLS: the question, and its own greeting.
      ["trusted", "prefer", 7],
      ["trusted", "require", 7],
      // And two for SCRAM.
      ["sera:secret", "disable", 7],
      ["sera:secret", "require", 9],
    ] as const
  ) {
    shared.test(`a lock takes ${roundTrips} round trips as ${user} with sslmode=${sslmode}`, async (server) => {
      const at = (port: number) => `postgres://${user}@127.0.0.1:${port}/${server.database}?sslmode=${sslmode}`;
      const lockAndRelease = async (url: string) => {
        await using backend = await open(url, freshName());
        await (await hold(backend)).release();
      };
      // So that what TLS needs has been loaded.
      await lockAndRelease(at(server.port));
      await using proxy = await Proxy.open(server.port);
      // So that all of a message is sent before its answer comes; in TLS servers answer the login twice.
      proxy.delay = sslmode === "disable" ? 20 : 100;
      await lockAndRelease(at(proxy.port));
      assert.equal(proxy.roundTrips.answered, roundTrips, `${proxy.roundTrips}`);
    });
  }
}

for (const shared of [sharedPostgres(), sharedPostgres18()]) {
  shared.test("asking a server without TLS for TLS costs one round trip", async (server) => {
    await using proxy = await Proxy.open(server.port);
    proxy.delay = 20;
    {
      const url = server.url("sslmode=prefer").replace(`:${server.port}/`, `:${proxy.port}/`);
      await using backend = await open(url, freshName());
      await (await hold(backend)).release();
    }
    assert.equal(proxy.roundTrips.answered, 8, `${proxy.roundTrips}`);
  });

  shared.test("a waiter has its lock, checked, one round trip after the notification of the release", async (server) => {
    using _random = fixedRandom(1e6);
    const name = freshName();
    const lease = { ttl: 86_400_000, grace: 0 };
    await using one = await open(server.url(), name, undefined, { lease });
    const lock = await hold(one);
    await using proxy = await Proxy.open(server.port);
    const url = server.url("sslmode=disable").replace(`:${server.port}/`, `:${proxy.port}/`);
    await using other = await open(url, name, undefined, { lease });
    const granted = later(other.acquire(Infinity, never));
    await until("it listens, and has its answers", () => {
      const { answered, asked } = proxy.roundTrips;
      return `${proxy.roundTrips}`.includes("LISTEN ") && answered === asked;
    });
    // Only now: the server shows the same between the two statements of the first message.
    await until("it has asked since then", async () => {
      const [found] = await waiting(server, name);
      return found?.state === "idle" && /AS got \/[*]/.test(found.query);
    });
    proxy.delay = 20;
    const { answered } = proxy.roundTrips;
    await lock.release();
    const next = await granted;
    assert.equal(proxy.roundTrips.answered, answered + 1, `${proxy.roundTrips}`);
    await next!.release();
  });
}
