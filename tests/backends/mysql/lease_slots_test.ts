/** Slots, several locks and limits of waiters, where locks are leases. */
// Starts early: leases of those who died have to run out.

import { forThisFile } from "../../servers/for_this_file.ts";
import { type Galera, galeraUnavailable } from "../../servers/galera.ts";
import { Together } from "../../side_by_side.ts";
import { crewContract } from "../crew_contract.ts";
import { leaseOptions, polling } from "../lease_contract.ts";
import { notedOnGalera, startWatchedGalera, watchStatements } from "../polling.ts";
import { until } from "../../cli/wait.ts";
import type { MySqlServer } from "../../servers/mysql_process.ts";
import { clients } from "./view.ts";
import { sharedMariaDb, sharedMySql56 } from "../shared_server.ts";

const together = new Together();
const options = () => leaseOptions("sera");

/** Resolves when so many wait: for the session lock of a plain lock, or for a slot, of whom one has the queue's lock. */
async function waitingOn(server: MySqlServer, name: string, count: number): Promise<void> {
  await until(`${count} waiting for ${name}`, async () => {
    const queued = (await clients(server)).filter(({ statement }) =>
      statement?.startsWith(`SELECT GET_LOCK('${name}`) && !statement.includes(", 0)")
    );
    const [{ head } = {}] = await server.query(`SELECT IS_USED_LOCK('${name}.q') AS head`);
    return queued.length + (head === null ? 0 : 1) === count;
  });
}

const mariaDb = sharedMariaDb();
crewContract({
  test: (name, fn) => mariaDb.testTogether(together, name, fn),
  server: () => mariaDb.server.dsn(),
  options,
  waiting: (name, count) => waitingOn(mariaDb.server, name, count),
  hasTokens: true,
});

// A session has one lock there, so that those who wait for slots poll, and cannot be seen.
const UNSEEN = /others see/;
const mySql56 = sharedMySql56();
let isWatched: Promise<void> | undefined;
crewContract({
  test(name, fn) {
    if (UNSEEN.test(name)) return;
    mySql56.testTogether(together, name, async () => {
      await (isWatched ??= watchStatements(mySql56.server));
      await fn();
    });
  },
  server: () => mySql56.server.dsn(),
  options,
  waiting: (name, count) => polling(count, () => notedOnGalera([mySql56.server], name)),
  hasTokens: true,
  lacks: ["maxWaiters"],
});

const cluster = forThisFile<Galera>(galeraUnavailable, startWatchedGalera);
let opened = 0;
crewContract({
  test(name, fn) {
    if (galeraUnavailable === undefined) together.test("Galera", name, fn);
  },
  // Each is on another node than the one before.
  server: () => cluster().nodes[++opened % 2]!.dsn(),
  options,
  waiting: (name, count) => polling(count, () => notedOnGalera(cluster().nodes, name)),
  hasTokens: true,
  lacks: ["maxWaiters"],
});
