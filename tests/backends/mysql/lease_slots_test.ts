/** Slots, several locks and limits of waiters, where locks are leases. */
// Starts early: leases of those who died have to run out.

import assert from "node:assert/strict";
import { forThisFile } from "../../servers/for_this_file.ts";
import { type Galera, galeraUnavailable } from "../../servers/galera.ts";
import { Batches } from "../../side_by_side.ts";
import { Crew } from "../crew.ts";
import { crewContract } from "../crew_contract.ts";
import { leaseOptions, polling, SHORT } from "../lease_contract.ts";
import { notedOnGalera, startWatchedGalera, watchStatements } from "../polling.ts";
import { sharedMariaDb, sharedMySql56 } from "../shared_server.ts";

const batches = new Batches();
const options = () => leaseOptions("sera");

const mariaDb = sharedMariaDb();
crewContract({
  test: (name, fn, traits) => mariaDb.testInBatch(batches, name, fn, traits),
  server: () => mariaDb.server.dsn(),
  options,
  short: SHORT,
  hasTokens: true,
});

// A session has one lock there, so that those who wait for slots poll, and cannot be seen.
const mySql56 = sharedMySql56();
let isWatched: Promise<void> | undefined;
crewContract({
  test(name, fn, traits) {
    const watched = async () => {
      await (isWatched ??= watchStatements(mySql56.server));
      await fn();
    };
    mySql56.testInBatch(batches, name, watched, traits);
  },
  server: () => mySql56.server.dsn(),
  options,
  short: SHORT,
  waiting: (name, count) => polling(count, () => notedOnGalera([mySql56.server], name)),
  hidesSessions: true,
  hasTokens: true,
  lacks: ["maxWaiters"],
});

mySql56.test("while a slot is held, status says that its waiters cannot be seen", async ({ dsn }) => {
  await using crew = new Crew({ test: () => undefined, server: () => dsn(), options });
  const plain = await crew.holder();
  assert.equal((await crew.seen()).hidden, undefined);
  await plain.release();
  const slot = await crew.holder({ slots: 2 });
  const { hidden, showsHolders } = await crew.seen();
  assert.match(hidden!, /^waiters for a slot leave no trace here/);
  assert.equal(showsHolders, true);
  await slot.release();
});

const cluster = forThisFile<Galera>(galeraUnavailable, startWatchedGalera);
let opened = 0;
crewContract({
  test(name, fn, traits) {
    if (galeraUnavailable === undefined) batches.test("Galera", name, fn, traits);
  },
  // Each is on another node than the one before.
  server: () => cluster().nodes[++opened % 2]!.dsn(),
  options,
  short: SHORT,
  waiting: (name, count) => polling(count, () => notedOnGalera(cluster().nodes, name)),
  hasTokens: true,
  lacks: ["maxWaiters"],
});
