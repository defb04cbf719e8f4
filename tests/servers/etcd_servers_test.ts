import assert from "node:assert/strict";
import { etcdUnavailable, startEtcd } from "./etcd.ts";
import { base64, fromBase64 } from "./etcd_client.ts";
import type { EtcdMember } from "./etcd_member.ts";
import { isRunning, until } from "./observe.ts";
import { stateOf } from "./process_tree.ts";

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
    server.pause();
    const answer = get(server, "one");
    // A process that is stopped does nothing.
    await until(async () => await stateOf(server.pid) === "T", "the server is stopped");
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

async function put(server: EtcdMember, key: string, value: string): Promise<void> {
  await server.call("/v3/kv/put", { key: base64(key), value: base64(value) });
}

/** The value of a key; undefined if there is none. */
async function get(server: EtcdMember, key: string): Promise<string | undefined> {
  const { kvs } = await server.call("/v3/kv/range", { key: base64(key) });
  const [found] = (kvs ?? []) as { value: string }[];
  return found && fromBase64(found.value);
}
