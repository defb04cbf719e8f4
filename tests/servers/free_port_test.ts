import assert from "node:assert/strict";
import { linux, testWith } from "../cli/needs.ts";
import { freePort, onFreePort } from "./free_port.ts";

testWith([linux], "tests that run together never get the same port, nor one that a connection may get", async () => {
  const shared = await Deno.makeTempDir({ prefix: "sera-ports-" });
  const before = Deno.env.get("SERA_TEST_TEMPLATES");
  Deno.env.set("SERA_TEST_TEMPLATES", shared);
  try {
    // So many that two would be the same by chance.
    const ports = Array.from({ length: 1000 }, () => freePort());
    assert.equal(new Set(ports).size, ports.length);
    const [first] = (await Deno.readTextFile("/proc/sys/net/ipv4/ip_local_port_range")).split("\t");
    assert.ok(Math.max(...ports) < Number(first));
    for (const port of ports) Deno.listen({ hostname: "127.0.0.1", port }).close();
  } finally {
    if (before === undefined) Deno.env.delete("SERA_TEST_TEMPLATES");
    else Deno.env.set("SERA_TEST_TEMPLATES", before);
    await Deno.remove(shared, { recursive: true });
  }
});

Deno.test("a server whose port is taken gets another one, and one that fails for another reason does not", async () => {
  const tried: number[] = [];
  const { port, started } = await onFreePort(["127.0.0.1"], (port) => {
    tried.push(port);
    return tried.length < 3 ? Promise.reject(new Error("bind: Address already in use")) : Promise.resolve("up");
  });
  assert.deepEqual([port, started, new Set(tried).size], [tried[2], "up", 3]);
  await assert.rejects(onFreePort(["127.0.0.1"], () => Promise.reject(new Error("broken"))), { message: "broken" });
});
