/** A ledger in an etcd that is in trouble. */

import assert from "node:assert/strict";
import { LockUnavailableError } from "../../../lib/errors.ts";
import { EtcdLedger } from "../../../lib/backends/etcd/ledger.ts";
import { EtcdClient } from "../../../lib/backends/etcd/client.ts";
import { parseEtcd } from "../../../lib/backends/etcd/address.ts";
import { RUNNER } from "../../ledger/run_holder.ts";
import { etcdUnavailable, startEtcd } from "../../servers/etcd.ts";
import { startEtcdCluster } from "../../servers/etcd_cluster.ts";
import { RESTARTS } from "../shared_server.ts";
import { etcdBench, EtcdHolder } from "./ledger_bench.ts";

const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, ignore: etcdUnavailable !== undefined, ...RESTARTS });

const RULE = { once: "v1", every: 3_600_000 };

async function fails(attempt: Promise<unknown>, message: RegExp): Promise<LockUnavailableError> {
  let found: LockUnavailableError | undefined;
  await assert.rejects(attempt, (error) => {
    assert.ok(error instanceof LockUnavailableError, `${error}`);
    assert.match(error.message, message);
    found = error;
    return true;
  });
  return found!;
}

test("a user with read and write access to the prefix can keep a ledger; others get an error", async () => {
  await using server = await startEtcd({ auth: true });
  await using holder = await EtcdHolder.start(server.url());
  await holder.ran("failed", RULE);
  const id = await holder.ran("succeeded", RULE);
  assert.equal((await holder.refused(RULE)).id, id);
  await holder.ledger.prune();

  await server.etcdctl("role", "add", "readers");
  await server.etcdctl("role", "grant-permission", "readers", "read", "sera/", "--prefix");
  await server.etcdctl("user", "add", "reader:secret");
  await server.etcdctl("user", "grant-role", "reader", "readers");
  using client = new EtcdClient(parseEtcd(server.url().replace("//sera:", "//reader:"), undefined));
  const reader = new EtcdLedger({ client, key: holder.key, created: holder.token });
  assert.equal((await reader.latest(10)).length, 2);
  const error = await fails(
    reader.skip(holder.lock, RUNNER, { countFailures: false, keepHistory: 0 }),
    /^Cannot use the ledger on etcd at [^ ]+: permission denied; allow the user the keys below sera\/: etcdctl [^\n]+$/,
  );
  assert.equal(reader.isPermanent(error), true);
});

test("a full database is retried, and what is recorded then counts", async () => {
  await using server = await startEtcd({ extraArgs: ["--quota-backend-bytes=200000"] });
  await using holder = await EtcdHolder.start(server.url());
  const id = await holder.started(RULE);
  const { keys, put, ...bench } = etcdBench(server);
  await assert.rejects(
    (async () => {
      // It notices how large it is only when it next commits, by when a fast machine has written much more.
      for (let index = 0;; index++) await put(`${keys.runs}filler${index}`, "x".repeat(20_000));
    })(),
    /full/,
  );
  const error = await fails(
    holder.finish(id, "succeeded", RULE),
    /^Cannot use the ledger on etcd at [^ ]+: its database is full \(alarm NOSPACE\); compact [^\n]+$/,
  );
  assert.deepEqual([error.transient, holder.ledger.isPermanent(error)], [true, false]);
  await server.etcdctl("del", "--prefix", keys.runs + "filler");
  await bench[Symbol.asyncDispose]();
  await server.restart(["--quota-backend-bytes=100000000"]);
  await server.etcdctl("alarm", "disarm");
  await holder.finish(id, "succeeded", RULE);
  assert.equal((await holder.refused(RULE)).id, id);
});

test("a compaction changes nothing", async () => {
  await using server = await startEtcd();
  await using holder = await EtcdHolder.start(server.url());
  const id = await holder.started(RULE);
  for (let round = 0; round < 3; round++) await server.etcdctl("put", "other", "1");
  const [{ Status }] = JSON.parse(await server.etcdctl("endpoint", "status", "--write-out=json"));
  await server.etcdctl("compact", String(Status.header.revision));
  await holder.finish(id, "succeeded", RULE);
  assert.equal((await holder.refused(RULE)).id, id);
});

test("a leader that dies between two requests goes unnoticed", async () => {
  await using cluster = await startEtcdCluster();
  await using holder = await EtcdHolder.start(cluster.url());
  const id = await holder.started(RULE);
  await cluster.members[await cluster.leader()].kill();
  // Until there is a new leader, errors say that another try may help.
  for (;;) {
    try {
      await holder.finish(id, "succeeded", RULE);
      break;
    } catch (error) {
      assert.ok(error instanceof LockUnavailableError && !holder.ledger.isPermanent(error), `${error}`);
    }
  }
  // The leases have begun again, and the run still counts.
  assert.equal((await holder.refused({ every: RULE.every })).id, id);
});

test("when no member answers, the error is one line", async () => {
  const server = await startEtcd();
  const holder = await EtcdHolder.start(server.url());
  await server.stop();
  const error = await fails(holder.begin(RULE), /^Cannot use the ledger on etcd at 127\.0\.0\.1:\d+: [^\n]+$/);
  assert.equal(error.transient, true);
  await holder.end();
});
