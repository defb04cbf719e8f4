/** Several members: which one is asked when one fails, and the message when all fail. */

import assert from "node:assert/strict";
import { EtcdClient } from "../../../lib/backends/etcd/client.ts";
import { EtcdError } from "../../../lib/backends/etcd/errors.ts";
import { Path, put, range, watch } from "../../../lib/backends/etcd/requests.ts";
import { readRange, readWatch } from "../../../lib/backends/etcd/answers.ts";
import { etcdUnavailable } from "../../servers/etcd.ts";
import { startEtcdCluster } from "../../servers/etcd_cluster.ts";
import { freePort } from "../../servers/free_port.ts";
import { until } from "../../servers/observe.ts";
import { Blackhole } from "../blackhole.ts";
import { linux } from "../../cli/needs.ts";
import { parseEtcd } from "../parse.ts";
import { chunk, FakeEtcd, type FakeReply, type FakeRequest, STREAM_HEAD } from "./fake_etcd.ts";

/** Longer than an answer takes, even on a busy machine. */
const timeout = 60_000;
/** For members that never answer. */
const SHORT = 300;

async function connect(ports: readonly number[], user = ""): Promise<EtcdClient> {
  return new EtcdClient(await parseEtcd(`etcd://${user}${ports.map((port) => `127.0.0.1:${port}`).join(",")}`));
}

/** A member that answers everything with its own number. */
function member(number: string): FakeEtcd {
  return new FakeEtcd(() => ({ number }));
}

const MAJORITY_LOST: FakeReply = [503, JSON.stringify({ message: "etcdserver: no leader", code: 14 })];

/** A member's failures. */
const TROUBLES: Record<string, FakeReply> = {
  "closes the connection": "close",
  "says nothing": "silence",
  "has no leader": MAJORITY_LOST,
  "gets no answer from others": [500, JSON.stringify({ message: "etcdserver: request timed out", code: 14 })],
  "sees the leader change": [500, JSON.stringify({ message: "etcdserver: leader changed", code: 14 })],
  "is a Web server": [404, "<html>"],
  "is a proxy without a server": [503, "none\n"],
  "does not speak JSON": [200, "yes\n"],
  "does not speak HTTP": new TextEncoder().encode("SSH-2.0-x\r\n"),
};

for (const [trouble, reply] of Object.entries(TROUBLES)) {
  Deno.test(`when a member ${trouble}, the next one is asked, then and later`, async () => {
    using bad = new FakeEtcd(() => reply);
    using good = member("2");
    using client = await connect([bad.port, good.port]);
    // Short only where nothing will come; the other has all the time that it needs.
    const patience = { timeout: reply === "silence" ? 2000 : timeout };
    assert.deepEqual(await client.call(Path.status, {}, patience), { number: "2" });
    const asked = bad.requests.length;
    assert.deepEqual(await client.call(Path.status, {}, patience), { number: "2" });
    assert.equal(bad.requests.length, asked);
    assert.equal(client.where, `etcd at 127.0.0.1:${good.port}`);
  });
}

Deno.test("when a member is down, the next one is asked; when that goes down, the first one again", async () => {
  const gone = freePort();
  let isDown = false;
  using second = new FakeEtcd(() => isDown ? MAJORITY_LOST : { number: "2" });
  using client = await connect([gone, second.port]);
  assert.deepEqual(await client.call(Path.status, {}, { timeout }), { number: "2" });
  isDown = true;
  await assert.rejects(client.call(Path.status, {}, { timeout }), /connection refused \([\d.:]+\); /);
  isDown = false;
  assert.deepEqual(await client.call(Path.status, {}, { timeout }), { number: "2" });
});

Deno.test({ name: "the next member is asked when one cannot be reached", ignore: linux !== undefined }, async () => {
  await using nowhere = await Blackhole.open();
  using good = member("2");
  using client = await connect([nowhere.port, good.port]);
  assert.deepEqual(await client.call(Path.status, {}, { timeout: 2000 }), { number: "2" });
});

Deno.test("a late answer is passed on if requested, and its member is used again from then on", async () => {
  const { promise, resolve } = Promise.withResolvers<FakeReply>();
  using slow = new FakeEtcd(({ path }) => path === Path.keepAlive ? promise : { number: "1" });
  using silent = new FakeEtcd(() => "silence");
  using client = await connect([slow.port, silent.port]);
  const late: Promise<unknown>[] = [];
  await assert.rejects(
    client.call(Path.keepAlive, {}, { timeout: SHORT, late: (answer) => late.push(answer) }),
    /no answer within 300ms/,
  );
  assert.equal(late.length, 2);
  await client.call(Path.status, {}, { timeout: SHORT }).catch(() => undefined);
  resolve({ number: "late" });
  assert.deepEqual(await late[0], { number: "late" });
  assert.equal(client.where, `etcd at 127.0.0.1:${slow.port}`);
  client.close();
  await assert.rejects(late[1]!, /the client is closed/);
});

Deno.test("a request whose answer is late ends when its signal fires", async () => {
  using silent = new FakeEtcd(() => "silence");
  using client = await connect([silent.port]);
  const over = new AbortController();
  const late: Promise<unknown>[] = [];
  const options = { timeout: SHORT, signal: over.signal };
  await assert.rejects(client.call(Path.keepAlive, {}, { ...options, late: (answer) => late.push(answer) }), EtcdError);
  over.abort(new Error("enough"));
  await assert.rejects(late[0]!, { message: "enough" });
});

Deno.test("a refusal by one member counts for all", async () => {
  using first = new FakeEtcd(() => [403, JSON.stringify({ message: "etcdserver: permission denied", code: 7 })]);
  using second = member("2");
  using client = await connect([first.port, second.port]);
  await assert.rejects(client.call(Path.status, {}, { timeout }), /permission denied/);
  assert.equal(second.requests.length, 0);
});

Deno.test("when no member answers, each is asked once, and the error names all", async () => {
  const gone = freePort();
  using leaderless = new FakeEtcd(() => MAJORITY_LOST);
  using silent = new FakeEtcd(() => "silence");
  using client = await connect([gone, leaderless.port, silent.port]);
  await assert.rejects(client.call(Path.status, {}, { timeout: 2000 }), (error) => {
    assert.ok(error instanceof EtcdError);
    assert.ok(error.transient);
    assert.equal(
      error.message,
      `Cannot lock on ${client.whereAll}: connection refused (127.0.0.1:${gone}), it has no leader, as when most members ` +
        `are down (127.0.0.1:${leaderless.port}), no answer within 2s (127.0.0.1:${silent.port}); ` +
        "start the members that are down, see etcdctl endpoint status --cluster",
    );
    return true;
  });
  assert.deepEqual([leaderless.requests.length, silent.requests.length], [1, 1]);
  const refused = await connect([gone, freePort()]);
  using _ = refused;
  await assert.rejects(refused.call(Path.status, {}, { timeout }), {
    message:
      `Cannot lock on ${refused.whereAll}: connection refused; check the address, and that the server is running and listens on it`,
  });
});

Deno.test("a signal ends the search for a member", async () => {
  const why = new Error("enough");
  const over = new AbortController();
  using first = new FakeEtcd(() => {
    over.abort(why);
    return "silence";
  });
  using second = member("2");
  using client = await connect([first.port, second.port]);
  await assert.rejects(client.call(Path.status, {}, { timeout, signal: over.signal }), (error) => error === why);
  assert.equal(second.requests.length, 0);
});

Deno.test("when a member is silent, a stream begins at the next one", async () => {
  using silent = new FakeEtcd(() => ({ begin: new TextEncoder().encode(STREAM_HEAD) }));
  using good = new FakeEtcd(() => new TextEncoder().encode(STREAM_HEAD + chunk('{"result":{"a":"1"}}\n')));
  using client = await connect([silent.port, good.port]);
  const messages = client.stream(Path.watch, watch({ key: "k" }), { timeout: 2000 });
  assert.deepEqual((await messages.next()).value, { a: "1" });
  await assert.rejects(messages.next(), /the server closed the connection/);
});

Deno.test("a stream ends when another request finds that its member no longer answers", async () => {
  let isDeaf = false;
  const streaming = new TextEncoder().encode(STREAM_HEAD + chunk('{"result":{}}\n'));
  using first = new FakeEtcd(({ path }) => path === Path.watch ? { begin: streaming } : isDeaf ? "silence" : {});
  using second = member("2");
  using client = await connect([first.port, second.port]);
  const messages = client.stream(Path.watch, watch({ key: "k" }), { timeout });
  await messages.next();
  await client.call(Path.status, {}, { timeout });
  const ended = assert.rejects(messages.next(), (error) => {
    assert.ok(error instanceof EtcdError && error.transient);
    assert.match(error.message, /: no answer within 2s; /);
    return true;
  });
  isDeaf = true;
  assert.deepEqual(await client.call(Path.status, {}, { timeout: 2000 }), { number: "2" });
  await ended;
});

Deno.test("a login is valid on all members; a rejected one is repeated, once", async () => {
  const logins: string[] = [];
  const serve = ({ path, headers, body }: FakeRequest): FakeReply => {
    if (path === Path.authenticate) {
      assert.deepEqual(body, { name: "sera", password: "s:e" });
      logins.push(`token.${logins.length}`);
      return { token: logins.at(-1) };
    }
    return headers.get("authorization") === logins.at(-1) && logins.length < 4
      ? { ok: true }
      : [401, JSON.stringify({ message: "etcdserver: invalid auth token", code: 16 })];
  };
  let isDown = false;
  using first = new FakeEtcd((request) => isDown ? "close" : serve(request));
  using second = new FakeEtcd(serve);
  using client = await connect([first.port, second.port], "sera:s%3Ae@");
  await client.call(Path.range, range({ key: "k" }), { timeout });
  await client.call(Path.range, range({ key: "k" }), { timeout });
  assert.deepEqual(logins, ["token.0"]);
  // Another client of the same user has taken the place of this login.
  logins.push("other");
  await client.call(Path.range, range({ key: "k" }), { timeout });
  assert.deepEqual(logins, ["token.0", "other", "token.2"]);
  isDown = true;
  await client.call(Path.range, range({ key: "k" }), { timeout });
  assert.equal(logins.length, 3);
  logins.push("other");
  const asked = second.requests.length;
  await assert.rejects(
    client.call(Path.range, range({ key: "k" }), { timeout }),
    /: invalid auth token; check user and/,
  );
  assert.deepEqual(second.requests.slice(asked).map(({ path }) => path), [Path.range, Path.authenticate, Path.range]);
});

Deno.test("a login that makes etcd close the connection is repeated", async () => {
  let logins = 0;
  using server = new FakeEtcd(({ path, headers }) => {
    if (path === Path.authenticate) return { token: `t${++logins}` };
    return headers.get("authorization") === "t2" ? { ok: true } : "close";
  });
  using client = await connect([server.port], "sera:secret@");
  assert.deepEqual(await client.call(Path.status, {}, { timeout }), { ok: true });
  assert.equal(logins, 2);
});

Deno.test("a token that cannot be sent counts as malformed", async () => {
  for (const token of ["", "a b", "a\r\nb", 5, "ä"]) {
    using server = new FakeEtcd(() => ({ token }));
    using client = await connect([server.port], "sera:secret@");
    await assert.rejects(client.call(Path.status, {}, { timeout }), /: the server's answer is invalid \(/);
  }
});

Deno.test({
  name: "a member that is killed, or loses the others, is replaced by another",
  ignore: etcdUnavailable !== undefined,
}, async () => {
  await using cluster = await startEtcdCluster();
  const [a, b, c] = cluster.members;
  using client = new EtcdClient(await parseEtcd(cluster.url()));
  await client.call(Path.put, put("k", "1"), { timeout });
  const messages = client.stream(Path.watch, watch({ key: "k" }), { timeout });
  await messages.next();
  const ended = assert.rejects(messages.next(), (error) => error instanceof EtcdError && error.transient);
  await a.kill();
  await ended;
  const ask = async () => readRange(await client.call(Path.range, range({ key: "k" }), { timeout })).keys[0]!;
  // Until there is a leader the others say that there is none.
  await until(() => ask().then(() => true, (error) => error instanceof EtcdError && !error.transient), "an answer");
  assert.notEqual(client.where, `etcd at 127.0.0.1:${a.port}`);

  const again = client.stream(Path.watch, watch({ key: "k" }), { timeout });
  await again.next();
  await client.call(Path.put, put("k", "2"), { timeout });
  assert.equal(readWatch((await again.next()).value).events.length, 1);
  // A watch on a member without a leader gets an error: it would never see an event.
  const left = client.where.endsWith(`:${b.port}`) ? c : b;
  const told = assert.rejects(again.next(), (error) => {
    assert.ok(error instanceof EtcdError && error.transient);
    assert.match(error.message, /: (?:it has no leader, as when most members are down|the server ended the stream); /);
    return true;
  });
  await left.kill();
  await told;
  await assert.rejects(client.call(Path.range, range({ key: "k" }), { timeout }), (error) => {
    assert.ok(error instanceof EtcdError && error.transient);
    assert.match(error.message, /it has no leader, as when most members are down \(127\.0\.0\.1:\d+\)/);
    return true;
  });
  await left.restart();
  await until(() => ask().then(({ value }) => value[0] === 0x32, () => false), "an answer");
});
