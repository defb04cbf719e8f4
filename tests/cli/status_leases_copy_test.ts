/** What `sera status` tells of leases on a server that has only a copy of them, or that takes no writes. */

import assert from "node:assert/strict";
import { SharedServer } from "../backends/shared_server.ts";
import { mariaDbUnavailable } from "../servers/mariadb.ts";
import type { MySqlServer } from "../servers/mysql_process.ts";
import { startStandby } from "../servers/postgres_standby.ts";
import { startPrimary, startReplica } from "../servers/replica.ts";
import { linux } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { SharedPostgres } from "./postgres.ts";
import { until } from "./wait.ts";

const HOLD = fixture("hold.sh");
const LEASE = ["--lease", "--lease-table", "sera_leases"];

const postgres = new SharedPostgres();
const mariaDb = new SharedServer<MySqlServer>("MariaDB", linux ?? mariaDbUnavailable, startPrimary);

/** That a copy shows a lease of the primary's, and does not call a lock free that it knows nothing of. */
async function assertCopy(place: Place, primary: string, says: RegExp): Promise<void> {
  await using holder = place.startSera(["--server", primary, ...LEASE, "--name", "n", "0", HOLD], { stdin: "open" });
  await holder.says("ready");
  const shown = await until("the row has come", async () => {
    const seen = await place.sera(["status", ...LEASE, "--name", "n"]);
    return seen.code === 0 ? seen : undefined;
  });
  assert.match(shown.stdout, new RegExp(` held +\\S+ +${holder.pid} +n +1 +in \\d+s `));
  assert.match(shown.stderr, says);
  const unknown = await place.sera(["status", ...LEASE, "--name", "other"]);
  assert.deepEqual([unknown.code, unknown.stdout], [202, ""]);
  assert.match(unknown.stderr, /^sera: Cannot tell whether the lock is held: [^\n]+\n$/);
  const doctor = await place.sera(["doctor", ...LEASE]);
  assert.equal(doctor.code, 202);
  assert.match(doctor.stdout, /^fail {2}topology .*; name the primary$/m);
  assert.match(doctor.stdout, /^skip {2}lease /m);
}

mariaDb.test("on a replica status shows the copy of the leases, and says that it is a copy", async (server) => {
  const inDatabase = ({ dsn }: MySqlServer) => dsn().replace("/?", "/sera?");
  const replica = await startReplica(server, { extraArgs: ["--read-only=1"] });
  try {
    await using place = await Place.make(inDatabase(replica));
    const says =
      /^sera: The list is incomplete: the server is a replica, and its copy of the leases may be old; name the/;
    await assertCopy(place, inDatabase(server), says);
  } finally {
    await replica.stop();
  }
});

Deno.test({
  name: "PostgreSQL: on a standby status shows the copy of the leases, and says that it is a copy",
  ignore: postgres.need !== undefined,
  async fn() {
    const { server } = postgres;
    const standby = await startStandby(server);
    try {
      await using place = await Place.make(standby.url());
      const says =
        /^sera: The list is incomplete: the server is a standby, and its copy of the leases may be old; name the/;
      await assertCopy(place, server.url(), says);
    } finally {
      await standby.stop();
    }
  },
});
