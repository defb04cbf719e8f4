/** How the program reacts to trouble with etcd. */

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { FakeEtcd, type FakeReply } from "../backends/etcd/fake_etcd.ts";
import { entriesBelow, queueOf, waiting } from "../backends/etcd/view.ts";
import { sharedEtcd } from "../backends/shared_server.ts";
import { etcdUnavailable, startEtcd } from "../servers/etcd.ts";
import { startEtcdCluster } from "../servers/etcd_cluster.ts";
import { runEtcdctl } from "../servers/etcd_client.ts";
import { freePort } from "../servers/free_port.ts";
import { linux, testWith } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { until } from "./wait.ts";

const needs = linux ?? etcdUnavailable;
const shared = sharedEtcd();

/** Does not run the command: one line, which holds no password. */
async function refused(server: string, what: RegExp, args: readonly string[] = []): Promise<void> {
  await using place = await Place.make(server);
  const { code, stdout, stderr } = await place.sera([...args, "0", "echo", "ran"]);
  assert.deepEqual([code, stdout], [202, ""], stderr);
  assert.match(stderr, /^sera: Cannot lock on [^\n]+; [^\n]+\n$/);
  assert.match(stderr, what);
  assert.doesNotMatch(stderr, /secret|wrong-word/);
}

shared.test("one line says which etcd port is wrong, or not etcd's", async (etcd) => {
  const closed = freePort();
  await refused(`etcd://127.0.0.1:${closed}`, /connection refused/);
  await refused(
    `etcd://127.0.0.1:${closed},127.0.0.1:${closed + 1}`,
    /at 127\S+, and at 127\S+ (?:connection )?refused/,
  );
  await refused(`etcds://127.0.0.1:${etcd.port}`, /it does not use TLS; .*write etcd:\/\//);
  for (
    const [status, body, version, what] of [
      [
        404,
        "Not found",
        [404, ""],
        /the program that answers there is not etcd \(HTTP status 404, Not found\); check host and port/,
      ],
      [404, "404 page not found", { etcdserver: "3.3.27" }, /etcd 3\.3\.27 is too old; use 3\.4 or newer/],
      [404, "404 page not found", { etcdserver: "3.5.9" }, /JSON gateway is off/],
    ] as const
  ) {
    await using fake = new FakeEtcd(({ path }): FakeReply => path === "/version" ? version : [status, body]);
    await refused(fake.url.replace("//", "//sera:secret@"), what);
  }
});

testWith(
  [linux],
  "one line says what is wrong with a client's certificate; nothing is given back that was never there",
  async () => {
    await using place = await Place.make();
    const server = `etcds://127.0.0.1:${freePort()}?cert=${place.file("none.crt")}&key=${place.file("none.key")}`;
    for (const ledger of [[], ["--ledger"]]) {
      const { code, stdout, stderr } = await place.sera(["--server", server, ...ledger, "0", "echo", "ran"]);
      assert.deepEqual([code, stdout], [200, ""], stderr);
      assert.match(stderr, /^sera: Cannot read the client's certificate: [^\n]+none\.crt: [^\n]+\n$/);
    }
  },
);

testWith([needs], "one line says what a user may not; the command does not see the password", async () => {
  await using etcd = await startEtcd({ auth: true, extraArgs: ["--auth-token-ttl=1"] });
  await refused(etcd.url().replace("secret", "wrong-word"), /wrong user or password; check them/);
  await refused(etcd.url().replace("sera:secret@", ""), /it requires a user; write user:password@/);
  await refused(etcd.url("other"), /permission denied; .*grant-permission ROLE readwrite other\/ --prefix=true/);
  await using place = await Place.make(etcd.url());
  assert.deepEqual(await place.sera(["0", "sh", "-c", 'echo "${SERA_SERVER-gone}"']), {
    code: 0,
    stdout: "gone\n",
    stderr: "",
  });
});

testWith([needs], "a waiter whose rights are revoked is told so, and a holder goes on to its end", async () => {
  await using etcd = await startEtcd({ auth: true });
  await using place = await Place.make(etcd.url());
  const lock = ["--name=n", "--ttl=10s"];
  await using holder = place.startSera([...lock, "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  await using waiter = place.startSera([...lock, "forever", "echo", "ran"]);
  await waiting(etcd, lockName("n"));
  await etcd.etcdctl("user", "revoke-role", "sera", "sera");
  await holder.write("\n");
  const held = await holder.ended;
  assert.equal(held.code, 0, held.stderr);
  const { code, stdout, stderr } = await waiter.ended;
  assert.deepEqual([code, stdout], [202, ""]);
  assert.match(stderr, /^sera: [^\n]*permission denied; allow the user the keys below sera\/: [^\n]+\n$/);
});

testWith([needs], "who waits waits on while most members are down; who does not is told so", async () => {
  await using cluster = await startEtcdCluster();
  await using place = await Place.make(cluster.url());
  const lock = ["--name=n", "--ttl=20s"];
  await cluster.etcdctl("put", "warm", "1");
  const leader = await cluster.leader();
  const others = [0, 1, 2].filter((index) => index !== leader);
  for (const index of others) await cluster.members[index as 0].kill();
  await using waiter = place.startSera([...lock, "forever", "echo", "ran"]);
  await refused(cluster.url(), /no leader|no answer|connection refused/);
  await waiter.says("sera: ");
  assert.equal(waiter.stdout, "");
  await Promise.all(others.map((index) => cluster.members[index as 0].restart()));
  const { code, stdout } = await waiter.ended;
  assert.deepEqual([code, stdout], [0, "ran\n"]);
});

testWith([needs], "a waiter does not report a leader that has died, since the others go on", async () => {
  await using cluster = await startEtcdCluster();
  // The members are asked in the order of the address.
  await cluster.moveLeader(0);
  await using place = await Place.make(cluster.url());
  const lock = ["--name=n", "--ttl=1h"];
  await using holder = place.startSera([...lock, "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  await using waiter = place.startSera([...lock, "forever", "echo", "ran"]);
  await waiting(cluster, lockName("n"));
  await cluster.members[0].kill();
  await cluster.leader();
  await holder.write("\n");
  const held = await holder.ended;
  assert.equal(held.code, 0, held.stderr);
  assert.deepEqual(await waiter.ended, { code: 0, stdout: "ran\n", stderr: "" });
});

shared.test("--schema has no table of leases for etcd", async (etcd) => {
  await using place = await Place.make(etcd.url());
  assert.deepEqual(await place.sera(["doctor", "--lease", "--schema"]), {
    code: 201,
    stdout: "",
    stderr: "sera: Cannot show a schema for etcd: its locks are always leases, without a table; leave --schema out\n",
  });
});

shared.test("a signal during the wait leaves nothing in etcd", async (etcd) => {
  await using place = await Place.make(etcd.url("signals"));
  for (const [signal, status] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    await using holder = place.startSera(["--name=n", "0", fixture("hold.sh")], { stdin: "open" });
    await holder.says("ready");
    await using waiter = place.startSera(["--name=n", "forever", "echo", "ran"]);
    await waiting(etcd, lockName("n"), 1, "signals/");
    waiter.kill(signal);
    assert.equal((await waiter.ended).code, status);
    assert.equal((await entriesBelow(etcd, "signals/")).length, 1);
    await holder.write("\n");
    assert.equal((await holder.ended).code, 0);
    assert.deepEqual(await entriesBelow(etcd, "signals/"), []);
  }
});

shared.test("status lists the holder first, then the waiters in order, including etcdctl", async (etcd) => {
  await using place = await Place.make(etcd.url("order"));
  await using holder = place.startSera(["--name=n", "--label=one", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  const name = lockName("n");
  const [program = "", ...words] = etcd.etcdctlCommand;
  await using other = place.start([program, ...words, "lock", `order/${name}`, "true"]);
  await waiting(etcd, name, 1, "order/");
  await using last = place.startSera(["--name=n", "--label=three", "forever", "true"]);
  const [second] = await waiting(etcd, name, 2, "order/");
  const { stdout } = await place.sera(["status", "--json"]);
  const [{ holder: seen, waiters }] = JSON.parse(stdout).locks;
  const lease = second!.key.split("/").at(-1);
  assert.deepEqual(
    [seen.label, ...waiters.map(({ label, address }: Record<string, string>) => label ?? address)],
    ["one", `lease ${lease}`, "three"],
  );
  await runEtcdctl([etcd.endpoint], {}, ["lease", "revoke", lease!]);
  await holder.write("\n");
  assert.equal((await last.ended).code, 0);
  await other.ended;
  await until("the queue is empty", async () => (await queueOf(etcd, name, "order/")).length === 0 || undefined);
});
