/** `sera doctor` on etcd. */

import assert from "node:assert/strict";
import { FakeEtcd, type FakeReply } from "../backends/etcd/fake_etcd.ts";
import { entriesBelow } from "../backends/etcd/view.ts";
import { sharedEtcd } from "../backends/shared_server.ts";
import { makeCertificates } from "../servers/certificates.ts";
import { etcdUnavailable, startEtcd } from "../servers/etcd.ts";
import { startEtcdCluster } from "../servers/etcd_cluster.ts";
import { freePort } from "../servers/free_port.ts";
import { until } from "../servers/observe.ts";
import { assertChecks, doctor } from "./doctor_report.ts";
import { linux, testWith } from "./needs.ts";
import { sera } from "./program.ts";

const CHECKS = [
  "config",
  "permissions",
  "settings",
  "sources",
  "address",
  "connection",
  "tls",
  "version",
  "members",
  "alarms",
  "login",
  "privileges",
  "visibility",
  "round-trip",
  "lock",
];

/** The checks behind this one could not be made, and it failed. */
function failedAt(name: string): Record<string, string> {
  const skipped = CHECKS.slice(CHECKS.indexOf(name) + 1).map((check) => [check, "skip"]);
  return { ...Object.fromEntries(skipped), [name]: "fail" };
}

/** Must not be part of any output. */
async function ask(server: string, args: readonly string[] = []) {
  const told = await doctor([...args], { env: { SERA_SERVER: server } });
  assert.equal(told.stderr, "");
  assert.doesNotMatch(told.stdout, /secret|wrong-word/);
  return told;
}

function withUser(server: string): string {
  return server.replace("//", "//u:secret@");
}

const needs = linux ?? etcdUnavailable;
const shared = sharedEtcd();

shared.test("doctor reports everything, and leaves nothing behind", async (etcd) => {
  const told = await ask(etcd.url("doctor"));
  assertChecks(told, CHECKS);
  assert.equal(told.code, 0);
  const { checks } = told;
  assert.equal(checks.get("connection"), `pass 127.0.0.1:${etcd.port}: connected`);
  assert.equal(checks.get("tls"), "pass not in use (etcd://); the server is on this machine");
  assert.equal(checks.get("version"), `pass etcd ${etcd.version}`);
  assert.equal(checks.get("members"), "pass 1 of 1 member up, alone leads");
  assert.equal(checks.get("login"), "pass no user, and none is needed (auth is off)");
  assert.equal(checks.get("visibility"), "pass sera status can list all locks below doctor/");
  assert.match(checks.get("lock")!, /^pass test lock acquired in \S+, second attempt blocked, released$/);
  assert.deepEqual(await entriesBelow(etcd, "doctor/"), []);
});

shared.test("doctor's JSON has the checks, but no password", async (etcd) => {
  const { stdout, code } = await sera(["doctor", "--json"], { env: { SERA_SERVER: withUser(etcd.url()) } });
  const { ok, server, checks } = JSON.parse(stdout);
  assert.deepEqual([ok, code, server.kind, server.password], [true, 0, "etcd", "set"]);
  assert.deepEqual(checks.map(({ check }: { check: string }) => check), CHECKS);
  assert.doesNotMatch(stdout, /secret/);
});

shared.test("doctor warns of a login that is not needed since everybody may do everything", async (etcd) => {
  const told = await ask(withUser(etcd.url()));
  assertChecks(told, CHECKS, { login: "warn" });
  assert.match(told.checks.get("login")!, /\(auth is off\); etcdctl auth enable, or leave the user out$/);
  assert.equal(told.code, 0);
});

shared.test("doctor warns of an endpoint that does not answer, and counts the named members", async (etcd) => {
  const told = await ask(etcd.url().replace("//", `//127.0.0.1:${freePort()},`));
  assertChecks(told, CHECKS, { connection: "warn" });
  assert.match(told.checks.get("connection")!, /: connected, but not 127\.0\.0\.1:\d+: connection refused; check/);
  assert.equal(told.code, 0);
});

shared.test("doctor fails if the endpoints belong to two clusters", async (etcd) => {
  // A cluster's number is made from its members and this.
  await using other = await startEtcd({ extraArgs: ["--initial-cluster-token=other"] });
  const told = await ask(etcd.url().replace("//", `//127.0.0.1:${other.port},`));
  assertChecks(told, CHECKS, failedAt("members"));
  assert.match(told.checks.get("members")!, / 2 clusters, .*: 127\.0\.0\.1:\d+ \| 127\.0\.0\.1:\d+; name the members/);
  assert.equal(told.code, 202);
});

testWith([needs], "doctor tells of logins and of rights", async () => {
  await using etcd = await startEtcd({ auth: true });
  const good = await ask(etcd.url());
  assertChecks(good, CHECKS);
  assert.equal(good.checks.get("login"), "pass logged in");
  for (
    const [server, check, what] of [
      [etcd.url().replace("secret", "wrong-word"), "login", /wrong user or password; check them/],
      [etcd.url().replace("sera:secret@", ""), "login", /it requires a user; write user:password@/],
      [etcd.url("other"), "privileges", /permission denied; .*grant-permission ROLE readwrite other\/ --prefix=true$/],
    ] as const
  ) {
    const told = await ask(server);
    assertChecks(told, CHECKS, failedAt(check));
    assert.match(told.checks.get(check)!, what);
    assert.equal(told.code, 202);
  }
});

testWith([needs], "doctor warns of a member that is down, and fails without most of them", async () => {
  await using cluster = await startEtcdCluster();
  const leader = await cluster.leader();
  const well = await ask(cluster.url());
  assertChecks(well, CHECKS);
  assert.equal(well.checks.get("members"), `pass 3 of 3 members up, m${leader} leads`);
  const one = await ask(cluster.members[0].url());
  assert.match(one.checks.get("members")!, /^pass 3 of 3 .* leads; the server setting names 1 of them$/);

  const [down, next, last] = [0, 1, 2].toSorted((a, b) => Number(a === leader) - Number(b === leader));
  await cluster.members[down as 0].kill();
  const two = await ask(cluster.url());
  assertChecks(two, CHECKS, { connection: "warn", members: "warn" });
  assert.match(
    two.checks.get("members")!,
    new RegExp(
      `^warn 2 of 3 .*; no answer from m${down} \\(.*: connection refused\\); start the members that are down: locks stop`,
    ),
  );
  assert.equal(two.code, 0);

  await cluster.members[next as 0].kill();
  await until(
    async () => (await cluster.members[last as 0].call("/v3/maintenance/status")).leader === undefined,
    "none leads",
  );
  const none = await ask(cluster.url());
  assert.equal(none.code, 202);
  assert.match(none.stdout, /^fail .*; start the members that are down.*keeps retrying/m);
  assert.equal(none.checks.get("lock")!.slice(0, 4), "skip");
});

testWith([needs], "doctor fails while an alarm is on, as a run does", async () => {
  await using etcd = await startEtcd();
  const { header } = await etcd.call("/v3/maintenance/status");
  const memberID = (header as { member_id: string }).member_id;
  for (const alarm of ["NOSPACE", "CORRUPT"]) {
    await etcd.call("/v3/maintenance/alarm", { action: "ACTIVATE", memberID, alarm });
    const told = await ask(etcd.url());
    assertChecks(told, CHECKS, failedAt("alarms"));
    assert.match(told.checks.get("alarms")!, new RegExp(`^fail alarms are on: ${alarm} of member [0-9a-f]+; `));
    assert.equal(told.code, 202);
    await etcd.call("/v3/maintenance/alarm", { action: "DEACTIVATE", memberID, alarm });
  }
  assertChecks(await ask(etcd.url()), CHECKS);
});

testWith([needs], "doctor tells of TLS, and of an etcd that asks for a client's certificate", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sera-certificates-" });
  try {
    const { bothWays, client } = await makeCertificates(folder);
    await using etcd = await startEtcd({ tls: bothWays, client });
    const told = await ask(etcd.url(), ["--tls-ca", bothWays.ca]);
    assertChecks(told, CHECKS);
    assert.equal(
      told.checks.get("tls"),
      "pass in use (etcds://); the server's certificate is checked for its CA and names",
    );
    const bare = await ask(`etcds://127.0.0.1:${etcd.port}`, ["--tls-ca", bothWays.ca]);
    assertChecks(bare, CHECKS, failedAt("connection"));
    assert.match(bare.checks.get("connection")!, /asks for a client certificate; add \?cert=FILE&key=FILE/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const HEADER = { cluster_id: "1", member_id: "2", revision: "1" };

testWith([linux], "doctor tells what is no etcd, or too old a one", async () => {
  for (
    const [status, body, version, what] of [
      [404, "404 page not found\n", { etcdserver: "3.3.27" }, /etcd 3\.3\.27 is too old; use 3\.4 or newer$/],
      [404, "404 page not found\n", { etcdserver: "3.5.9" }, /gateway is off, .*; name its port for clients/],
      [200, "<html>", [404, ""], /is invalid/],
      [
        403,
        "Forbidden",
        [404, ""],
        /the program that answers there is not etcd \(HTTP status 403, Forbidden\); check host and port/,
      ],
    ] as const
  ) {
    await using fake = new FakeEtcd(({ path }): FakeReply => path === "/version" ? version : [status, body]);
    const told = await ask(fake.url);
    assertChecks(told, CHECKS, failedAt("connection"));
    assert.match(told.checks.get("connection")!, what);
    assert.equal(told.code, 202);
  }
});

testWith([linux], "doctor fails at a member that says a version that is too old", async () => {
  await using fake = new FakeEtcd(({ path }): FakeReply => {
    if (path.endsWith("/status")) return { header: HEADER, version: "3.3.27", leader: "2" };
    return path.endsWith("/list") ? { header: HEADER, members: [{ ID: "2", name: "old" }] } : [404, ""];
  });
  const told = await ask(fake.url);
  assert.match(told.checks.get("version")!, /^fail etcd 3\.3\.27 is too old; use 3\.4 or newer$/);
  assert.equal(told.checks.get("lock")!.slice(0, 4), "skip");
  assert.equal(told.code, 202);
});

testWith([linux], "doctor goes on where only administrators are told of members and alarms", async () => {
  const denied: FakeReply = [403, JSON.stringify({ code: 7, message: "etcdserver: permission denied" })];
  await using fake = new FakeEtcd(({ path }): FakeReply => {
    if (path.endsWith("/authenticate")) return { header: HEADER, token: "token" };
    if (path.endsWith("/range")) return { header: HEADER };
    return denied;
  });
  const told = await ask(withUser(fake.url));
  assert.equal(told.checks.get("members"), "pass this user may not see them");
  assert.equal(told.checks.get("alarms"), "pass this user may not see them");
  assert.equal(told.checks.get("login"), "pass logged in");
  assert.match(told.checks.get("privileges")!, /^fail .*permission denied/);
});
