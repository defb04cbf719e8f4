import assert from "node:assert/strict";
import { makeCertificates } from "./certificates.ts";
import { etcdUnavailable, startEtcd } from "./etcd.ts";
import { base64, callEtcd, fromBase64 } from "./etcd_client.ts";
import { type EtcdMember, PLAIN_USER } from "./etcd_member.ts";
import { exists, isRunning, startAbandoned, until } from "./observe.ts";
import { isStill } from "./process_tree.ts";

const ignore = etcdUnavailable !== undefined;

Deno.test({ name: "etcd answers over its gateway, IPv6 and etcdctl", ignore }, async () => {
  await using server = await startEtcd();
  assert.match(server.version, /^3\.\d+\.\d+$/);
  assert.equal(server.url(), `etcd://127.0.0.1:${server.port}/`);
  assert.equal(server.url("other"), `etcd://127.0.0.1:${server.port}/other`);
  await put(server, "one", "1");
  assert.equal(await server.etcdctl("get", "one"), "one\n1\n");
  assert.equal(await get(server, "one"), "1");
  if (!server.ipv6) return;
  assert.match(await (await fetch(`http://[::1]:${server.port}/health`)).text(), /"health":"true"/);
});

Deno.test({ name: "etcd can be paused, killed and restarted, and stop leaves nothing", ignore }, async () => {
  const server = await startEtcd();
  try {
    await server.pause();
    assert.ok(await isStill(server.pid));
    const answer = get(server, "one");
    server.resume();
    assert.equal(await answer, undefined);

    const { port } = server;
    await put(server, "kept", "1");
    await server.restart();
    assert.equal(server.port, port);
    assert.equal(await get(server, "kept"), "1");

    await server.kill();
    assert.equal(isRunning(server.pid), false);
    await assert.rejects(get(server, "kept"));
    await server.restart();
    assert.equal(await get(server, "kept"), "1");
  } finally {
    await server.stop();
  }
  assert.equal(isRunning(server.pid), false);
  await assert.rejects(Deno.stat(server.folder), Deno.errors.NotFound);
  await server.stop();
});

Deno.test({ name: "an etcd that asks for a login has a user for sera's keys alone", ignore }, async () => {
  await using server = await startEtcd({ auth: true, extraArgs: ["--auth-token-ttl=1"] });
  assert.equal(server.url(), `etcd://sera:secret@127.0.0.1:${server.port}/`);
  await put(server, "other", "1");
  assert.equal(await server.etcdctl("get", "--print-value-only", "other"), "1\n");
  await assert.rejects(callEtcd(server.endpoint, {}, "/v3/kv/put", { key: base64("sera/a") }), /user name is empty/);
  const user = (path: string, key: string) =>
    callEtcd(server.endpoint, { user: PLAIN_USER }, path, { key: base64(key) });
  await user("/v3/kv/put", "sera/a");
  for (const path of ["/v3/kv/put", "/v3/kv/range", "/v3/kv/deleterange"]) {
    await assert.rejects(user(path, "other"), /permission denied/);
  }
  const { token } = await server.call("/v3/auth/authenticate", PLAIN_USER);
  const withToken = () =>
    fetch(`${server.endpoint}/v3/kv/range`, {
      method: "POST",
      headers: { Authorization: String(token) },
      body: JSON.stringify({ key: base64("sera/a") }),
    }).then((response) => response.text());
  assert.match(await withToken(), /"kvs"/);
  // Each use lets it live on, even one that comes late on a busy machine.
  let answer: string;
  do {
    await new Promise((resolve) => setTimeout(resolve, 3000));
    answer = await withToken();
  } while (answer.includes('"kvs"'));
  assert.match(answer, /invalid auth token/);
});

Deno.test({ name: "etcd lets clients in over TLS, and with a certificate if it asks for one", ignore }, async () => {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "sera-certificates-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const { ca, good, bothWays, client, otherClient } = await makeCertificates(folder);
  const open = stack.use(await startEtcd({ tls: good }));
  assert.equal(open.url(), `etcds://127.0.0.1:${open.port}/`);
  await put(open, "one", "1");
  assert.equal(await open.etcdctl("get", "one"), "one\n1\n");
  await assert.rejects(callEtcd(open.endpoint.replace("https", "http"), {}, "/v3/maintenance/status"));

  const closed = stack.use(await startEtcd({ tls: bothWays, client }));
  assert.equal(
    closed.url(),
    `etcds://127.0.0.1:${closed.port}/?${new URLSearchParams({ cert: client.cert, key: client.key })}`,
  );
  await put(closed, "one", "1");
  assert.equal(await closed.etcdctl("get", "one"), "one\n1\n");
  for (const access of [{ ca }, { ca, client: otherClient }]) {
    await assert.rejects(callEtcd(closed.endpoint, access, "/v3/maintenance/status"));
  }
});

Deno.test({ name: "arguments reach an etcd, and a restart may change them", ignore }, async () => {
  await using server = await startEtcd({ extraArgs: ["--quota-backend-bytes=65536"] });
  await assert.rejects(put(server, "one", "x".repeat(100_000)), /database space exceeded/);
  await until(async () => (await server.etcdctl("alarm", "list")).includes("NOSPACE"), "the alarm");
  await assert.rejects(put(server, "one", "1"), /database space exceeded/);
  await server.restart(["--enable-grpc-gateway=false"]);
  await server.etcdctl("alarm", "disarm");
  await server.etcdctl("put", "one", "1");
  await assert.rejects(get(server, "one"), /with 404/);
});

Deno.test({ name: "an etcd that cannot start shows its log", ignore }, async () => {
  await assert.rejects(
    startEtcd({ extraArgs: ["--no-such-setting"] }),
    /etcd did not start: its process ended[^]*flag provided but not defined: -no-such-setting/,
  );
});

Deno.test({ name: "a killed test process leaves no etcd behind", ignore }, async () => {
  for (const paused of [[], ["paused"]] as const) {
    const { pid, folder, kill } = await startAbandoned("etcd", ...paused);
    assert.equal(isRunning(pid), true);
    await kill();
    await until(() => !isRunning(pid), `server ${pid} has ended`);
    await until(() => !exists(folder), `folder ${folder} has gone`);
  }
});

async function put(server: EtcdMember, key: string, value: string): Promise<void> {
  await server.call("/v3/kv/put", { key: base64(key), value: base64(value) });
}

/** The value of a key; undefined if there is none. */
async function get(server: EtcdMember, key: string): Promise<string | undefined> {
  const { kvs } = await server.call("/v3/kv/range", { key: base64(key) });
  const [found] = (kvs ?? []) as { value: string }[];
  return found && fromBase64(found.value);
}
