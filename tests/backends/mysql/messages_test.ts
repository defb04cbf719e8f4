/** How many messages a lock takes from login to release, also if a server accepts statements only one by one. */

import assert from "node:assert/strict";
import { LockUnavailableError } from "../../../lib/errors.ts";
import { Proxy } from "../../servers/proxy.ts";
import { FakeClock } from "../../lock/fake_clock.ts";
import { type Answer, ServerError } from "../fake_server.ts";
import { freshName, hold, never, open } from "../open.ts";
import { sharedMariaDb, sharedMySql56 } from "../shared_server.ts";
import { FakeMySql, type Several } from "./fake_server.ts";
import { waiters } from "./view.ts";

for (const shared of [sharedMariaDb(), sharedMySql56()]) {
  for (
    const [params, roundTrips] of [
      // The login, the set-up, the lock, the release.
      ["", 4],
      ["charset=utf8&time_zone=%27%2B02%3A00%27", 4],
      // What the server refuses is asked again one by one: two character sets, the variable, and what it is.
      ["charset=klingon,utf8", 8],
      ["@a=%27;%27", 6],
    ] as const
  ) {
    shared.test(`a lock takes ${roundTrips} round trips from login to release (${params})`, async (server) => {
      await using proxy = await Proxy.open(server.port);
      // So that all of a message is sent before its answer comes.
      proxy.delay = 20;
      {
        await using backend = await open(
          proxy.instead(server.dsn(params)),
          freshName(),
        );
        await (await hold(backend)).release();
      }
      const login = proxy.roundTrips.first(/sera_lock/);
      assert.equal(proxy.roundTrips.answered - login + 1, roundTrips, `${proxy.roundTrips}`);
    });
  }

  shared.test("a waiter has the lock one round trip after the notification", async (server) => {
    const name = freshName();
    using clock = new FakeClock();
    await using one = await open(server.dsn(), name, undefined, { lease: { ttl: 86_400_000, grace: 0 } });
    await using proxy = await Proxy.open(server.port);
    await using other = await open(proxy.instead(server.dsn()), name);
    const lock = await hold(one);
    const granted = other.acquire(60_000, never);
    await clock.until("it waits", async () => (await waiters(server, name)).length === 1);
    await clock.to(20_000);
    const requests = proxy.requests.length;
    await lock.release();
    const next = await granted;
    // A statement from 20 seconds ago does not show for how long it holds the lock.
    assert.equal(proxy.requests.length, requests + 1);
    assert.ok(next!.left > 0);
    await next!.release();
  });
}

/** The answer to a check of a held lock, if the server's identity is unknown. */
const HELD = { mine: 1, id: 1, server: "//", idle: 30, state: "", asker: 0 };

/** A server that gives every lock, but for these answers to statements that hold these words. */
function fake(several: Several, answers: Readonly<Record<string, () => Answer>> = {}): FakeMySql {
  const defaults: Readonly<Record<string, () => Answer>> = {
    GET_LOCK: () => ({ got: 1 }),
    IS_USED_LOCK: () => HELD,
    RELEASE_LOCK: () => ({ released: 1 }),
  };
  const all = Object.entries({ ...defaults, ...answers });
  return new FakeMySql((sql) => all.find(([word]) => sql.includes(word))?.[1]() ?? {}, undefined, undefined, several);
}

/** Servers, and how many messages a lock takes there. */
const SERVERS: readonly (readonly [Several, number])[] = [
  ["takes", 3],
  ["refuses", 5],
  ["cannot read", 6],
  ["forbids", 6],
  ["forgets", 6],
];

for (const [several, messages] of SERVERS) {
  Deno.test(`a lock takes ${messages} messages where the server ${several} several statements in one`, async () => {
    using server = fake(several);
    await using backend = await open(server.dsn, freshName());
    await (await hold(backend)).release();
    assert.equal(server.messages, messages);
  });
}

Deno.test("a check that fails after a granted lock is repeated alone", async () => {
  let checks = 0;
  const killed = new ServerError(1317, "Query execution was interrupted");
  using server = fake("takes", { IS_USED_LOCK: () => checks++ === 0 ? killed : HELD });
  await using backend = await open(server.dsn, freshName());
  await (await hold(backend)).release();
  assert.equal(checks, 2);
  assert.equal(server.statements.filter((sql) => sql.includes("GET_LOCK")).length, 1);
});

Deno.test("a check that keeps failing is reported as one failure", async () => {
  using server = fake("takes", { IS_USED_LOCK: () => new ServerError(1305, "FUNCTION IS_USED_LOCK does not exist") });
  await using backend = await open(server.dsn, freshName());
  await assert.rejects(backend.acquire(0, never), (error) => {
    assert.ok(error instanceof LockUnavailableError);
    assert.match(error.message, /^Cannot lock on MySQL at [^ ]+: FUNCTION IS_USED_LOCK does not exist$/);
    return true;
  });
});

Deno.test("a granted lock that the check does not find is not held", async () => {
  for (const answer of [{ ...HELD, mine: 0 }, { ...HELD, mine: null }, { ...HELD, server: "another" }]) {
    using server = fake("takes", { IS_USED_LOCK: () => answer });
    await using backend = await open(server.dsn, freshName());
    await assert.rejects(backend.acquire(0, never), /the server does not keep the lock with this connection/);
  }
});

Deno.test("behind a proxy, whose connections have other ids, the lock is checked in a separate message", async () => {
  const proxied = { ...HELD, id: 8 };
  using server = fake("takes", { IS_USED_LOCK: () => proxied });
  await using backend = await open(server.dsn, freshName());
  await (await hold(backend)).release();
  assert.equal(server.messages, 4);
});

Deno.test("a proxy that sends the message after the lock's over another connection is noticed at once", async () => {
  // Also where that connection has the lock by now.
  for (const mine of [0, 1]) {
    const looks = [{ ...HELD, id: 8 }, { ...HELD, id: 9, mine }];
    using server = fake("takes", { IS_USED_LOCK: () => looks.shift()! });
    await using backend = await open(server.dsn, freshName());
    await assert.rejects(backend.acquire(0, never), /the server does not keep the lock with this connection/);
  }
});
