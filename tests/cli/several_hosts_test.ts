/** How the commands treat a `server` setting with several MySQL hosts. */

import assert from "node:assert/strict";
import { SharedServer } from "../backends/shared_server.ts";
import { freePort } from "../servers/free_port.ts";
import { mariaDbUnavailable } from "../servers/mariadb.ts";
import type { MySqlServer } from "../servers/mysql_process.ts";
import { startPrimary, startReplica } from "../servers/replica.ts";
import { doctor } from "./doctor_report.ts";
import { inProcess, testInProcess } from "./in_process.ts";
import { linux } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { sera } from "./program.ts";

const LIST = "sera:hidden@tcp(one.invalid,two.invalid:3307)/jobs";

testInProcess("without leases every command refuses several hosts in one line, without a password", async () => {
  await using place = await Place.make(LIST);
  for (const args of [["0", "echo", "ran"], ["status"], ["history"]]) {
    assert.deepEqual(await inProcess(place, args), {
      code: 200,
      stdout: "",
      stderr:
        "sera: Cannot use the server in SERA_SERVER: it names several hosts, and each would keep its own locks; " +
        "add --lease, or name one host\n",
    });
  }
});

Deno.test("doctor says the same as a check", async () => {
  const { code, stdout } = await sera(["doctor"], { env: { SERA_SERVER: LIST } });
  assert.equal(code, 200);
  assert.match(stdout, /^fail {2}settings +Cannot use the server in SERA_SERVER: it names several hosts, [^\n]+$/m);
  assert.doesNotMatch(stdout, /hidden/);
});

let replica: MySqlServer;
const shared = new SharedServer("MariaDB with a replica", linux ?? mariaDbUnavailable, async () => {
  const primary = await startPrimary();
  replica = await startReplica(primary, { extraArgs: ["--read-only=1"] });
  return primary;
});
Deno.test.afterAll(async () => {
  await replica?.stop();
});

/** A port without a listener, a replica, and its primary. */
function listTo(primary: MySqlServer): { list: string; closed: number } {
  const closed = freePort();
  return { list: `localhost:${closed},127.0.0.1:${replica.port},127.0.0.1:${primary.port}`, closed };
}

shared.test("doctor resolves each host, and says which one it uses", async (server) => {
  const { list, closed } = listTo(server);
  const args = ["--lease", "--server", `mysql://sera:secret@${list}/sera`];
  const { code, checks, stdout } = await doctor(args);
  assert.equal(code, 0, stdout);
  assert.match(
    checks.get("address")!,
    /^pass localhost is [^,]+(, [^,]+)?, no name to look up: 127\.0\.0\.1, no name to look up: 127\.0\.0\.1$/,
  );
  assert.match(
    checks.get("connection")!,
    new RegExp(`^pass MySQL at tcp\\(127\\.0\\.0\\.1:${server.port}\\): connected`),
  );
  const ports = [closed, replica.port, server.port];
  assert.match(stdout, new RegExp(`MySQL at tcp\\(localhost:${ports.join("\\), tcp\\([0-9.]+:")}\\), user sera, `));
  const json = JSON.parse((await sera(["doctor", "--json", ...args])).stdout);
  const { host, port, hosts } = json.server;
  assert.deepEqual({ host, port }, { host: "localhost", port: closed });
  assert.deepEqual(hosts.map(({ port }: { port: number }) => port), ports);
  assert.doesNotMatch(stdout, /secret/);
});

shared.test("a run and status find the same server among several", async (server) => {
  const { list } = listTo(server);
  // Without a database, so that there can be no ledger to go by.
  await using place = await Place.make(`sera:secret@tcp(${list})/`, {
    SERA_LEASE: "true",
    SERA_LEASE_TABLE: "sera.several_hosts",
  });
  await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  const { code, stdout, stderr } = await place.sera(["status", "--name", "n"]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, new RegExp(` held +\\S+ +${holder.pid} `));
  assert.equal((await place.sera(["--name", "n", "0", "echo", "ran"])).code, 204);
  const direct = await sera(["status", "--name", "n", "--server", server.dsn()]);
  assert.equal(direct.code, 0, direct.stderr);
});
