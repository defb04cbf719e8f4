/** The keys of slots and their marks, who is woken, and who may see what. */

import assert from "node:assert/strict";
import { advisoryKey, isSlotOf, slotArgs } from "../../../lib/backends/postgres/advisory_key.ts";
import { numbersInMarker, SlotMarkers } from "../../../lib/backends/postgres/slot_markers.ts";
import { POSTGRESQL } from "../../../lib/backends/sql/quoting.ts";
import { sql } from "../../../lib/backends/sql/statement.ts";
import type { HeldLock, Lock } from "../../../lib/lock/lock.ts";
import { lockName } from "../../../lib/lock/lock_name.ts";
import { namespacedName } from "../../../lib/lock/namespaced_name.ts";
import { slotName } from "../../../lib/lock/slot_name.ts";
import { until } from "../../cli/wait.ts";
import { fixedRandom } from "../../fixed_random.ts";
import { freshName, hold, later, never, open, plainOptions } from "../open.ts";
import { parse } from "../parse.ts";
import { sharedPostgres, sharedPostgres18 } from "../shared_server.ts";
import { keySql } from "./key_sql.ts";
import { OtherClient, sessions } from "./view.ts";

const TABLE = { name: "sera_runs" };

/** With this, and with {@linkcode PATIENT} in place of Math.random(), no waiter polls for hours. */
const UNHURRIED = { lease: { ttl: 86_400_000, grace: 10_000 } };
const PATIENT = 1e6;

/** Names whose numbers have both signs. */
const NAMES = [
  ...["ls -ltra", "echo hello", "true"].map(lockName),
  "7fffffff80000000".padEnd(32, "5"),
  "f".repeat(32),
  ...["foobar", "é", "deploy"].flatMap((name) => [namespacedName("heimdall", name), namespacedName("é", name)]),
  "-2147483648,2147483647",
  "2147483647,-2147483648",
];

Deno.test("slot keys do not collide with those of locks whose name ends in another letter", () => {
  const keys = ["job1", "job2", "job3"].map((name) => namespacedName("jobs", name)).flatMap((lock) =>
    Array.from({ length: 256 }, (_, slot) => keySql(slotName(lock, slot)).args)
  );
  assert.equal(new Set(keys).size, keys.length);
});

Deno.test("a marker encodes the number of slots and the slot", () => {
  for (const slots of [2, 3, 255, 256]) {
    const marks = new SlotMarkers(NAMES[0]!, slots);
    for (const slot of [0, 1, slots - 1]) {
      const [first, more] = /, (\d+) \+ (\d+)$/.exec(marks.args(sql`${slot}`).textFor(POSTGRESQL))!.slice(1);
      assert.deepEqual(numbersInMarker(Number(first) + Number(more)), { slots, slot });
    }
  }
});

for (const shared of [sharedPostgres(), sharedPostgres18()]) {
  shared.test("the server computes the same key of a slot", async (server) => {
    await using client = await OtherClient.connect(server);
    for (const name of NAMES) {
      for (const slot of [0, 1, 127, 128, 255]) {
        const args = slotArgs(name, sql`${slot}::int`).textFor(POSTGRESQL);
        const { row } = advisoryKey(slotName(name, slot));
        await client.query(`SELECT pg_advisory_lock(${args})`);
        const seen = await client.query(`SELECT count(*)::int AS count FROM pg_locks WHERE ${row.textFor(POSTGRESQL)}
          AND ${isSlotOf(name).textFor(POSTGRESQL)} AND pid = pg_backend_pid()`);
        assert.equal(seen.count, 1, `${name}.${slot}`);
        await client.query(`SELECT pg_advisory_unlock_all()`);
      }
    }
  });

  shared.test("slots that are released at the same moment all go to waiters, without polling", async (server) => {
    using _random = fixedRandom(PATIENT);
    const name = freshName();
    const SLOTS = 4;
    await using locks = new AsyncDisposableStack();
    const client = async () => locks.use(await open(server.url(), name, undefined, { ...UNHURRIED, slots: SLOTS }));
    let held: HeldLock[] = [];
    for (let slot = 0; slot < SLOTS; slot++) held.push(await hold(await client()));
    const served: HeldLock[] = [];
    const waits = async (lock: Lock) => {
      const granted = later(lock.acquire(Infinity, never));
      granted.then((lock) => served.push(lock!), () => undefined);
      await granted;
    };
    const WAITERS = 3 * SLOTS;
    for (let waiter = 0; waiter < WAITERS; waiter++) later(waits(await client()));
    await until("all listen", async () => {
      const seated = (await sessions(server)).filter(({ query }) =>
        /^SELECT \/\* asks \*\/ 1 \+ (?!.*AS seat)/s.test(query)
      );
      return seated.length === WAITERS;
    });
    for (let round = 1; round <= 3; round++) {
      await Promise.all(held.map((lock) => lock.release()));
      held = [];
      await until(`round ${round}`, () => served.length === SLOTS);
      held = served.splice(0);
      assert.deepEqual(held.map(({ slot }) => slot).sort(), [0, 1, 2, 3]);
    }
    await Promise.all(held.map((lock) => lock.release()));
  });

  shared.test("a role that sees no statements sees slots, even if slot 0 is free", async (server) => {
    const role = `watcher_${freshName().slice(0, 8)}`;
    await server.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
    try {
      const name = freshName();
      const namespaced = namespacedName("jobs", name);
      await using one = await open(server.url(), name, undefined, { slots: 2 });
      await using other = await open(server.url(), name, undefined, { slots: 2 });
      await using third = await open(server.url(), namespaced, undefined, { slots: 3 });
      await using fourth = await open(server.url(), namespaced, undefined, { slots: 3 });
      const first = await hold(one);
      await hold(other);
      const zero = await hold(third);
      await hold(fourth);
      await first.release();
      await zero.release();
      const url = new URL(server.url());
      url.username = role;
      url.password = "secret";
      const backend = await parse(url.href);
      await using observer = await backend.observe(name, plainOptions, never);
      const seen = async (filter: Parameters<typeof observer.sightings>[0]) =>
        (await observer.sightings(filter, TABLE, never)).sightings
          .map(({ lock, state, slot, slots }) => ({ lock, state, slot, slots }))
          .filter(({ lock }) => lock.startsWith(name.slice(0, 16)) || lock === namespaced);
      const held = { lock: name, state: "held", slot: 1, slots: 2 };
      const inNamespace = { lock: namespaced, state: "held", slot: 1, slots: 3 };
      assert.deepEqual(await seen({ lock: name }), [held]);
      assert.deepEqual(await seen({ lock: namespaced }), [inNamespace]);
      assert.deepEqual(await seen({ namespace: "jobs" }), [inNamespace]);
      const all = await seen("all");
      assert.deepEqual(all.toSorted((a, b) => a.slots! - b.slots!), [
        { ...held, lock: name.slice(0, 16) },
        inNamespace,
      ]);
    } finally {
      await server.query(`DROP ROLE ${role}`);
    }
  });

  shared.test("a holder with a long label and long names is fully visible at once", async (server) => {
    const name = freshName();
    const names = { namespace: "jobs".padEnd(60, "+"), name: name.padEnd(60, "+") };
    const lock = namespacedName(names.namespace, names.name);
    await using one = await open(server.url(), lock, undefined, { names, label: "é".repeat(60) });
    await hold(one);
    await using observer = await (await parse(server.url())).observe(lock, plainOptions, never);
    await until("it is seen", async () => {
      const { sightings } = await observer.sightings({ lock }, TABLE, never);
      return sightings[0]!.label === "é".repeat(60) && sightings[0]!.sinceIs === "acquired";
    });
  });

  shared.test("a session that is ended on the server frees its slot, its place and its seat", async (server) => {
    const name = freshName();
    const options = { slots: 2, maxWaiters: 1 };
    const client = () => open(server.url(), name, undefined, options);
    await using one = await client();
    await using other = await client();
    await using waiter = await client();
    await using next = await client();
    const lost = await hold(one);
    await hold(other);
    const waits = later(waiter.acquire(Infinity, never));
    const auxiliary =
      `SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory' AND objid BETWEEN 1397053184 AND 1397053440
      AND objsubid = 2`;
    const [{ pid }] = await until("it has a place", async () => {
      const rows = await server.query(auxiliary);
      return rows.length === 1 ? rows as [{ pid: number }] : undefined;
    });
    await server.query(`SELECT pg_terminate_backend(${pid})`);
    await until("it has one again", async () => {
      const rows = await server.query(auxiliary);
      return rows.length === 1 && rows[0]!.pid !== pid;
    });
    await assert.rejects(next.acquire(1000, never), { message: /^one run already waits for it/ });
    await server.query(`SELECT pg_terminate_backend(${lost.session!.number})`);
    await until("the loss", () => lost.lost.aborted);
    const held = await waits;
    assert.equal(held?.slot, 0);
    await until("its place is free", async () => (await server.query(auxiliary)).length === 0);
    await held.release();
  });
}
