import assert from "node:assert/strict";
import { fnv1, namespacedName } from "../../../lib/lock/namespaced_name.ts";
import { lockName } from "../../../lib/lock/lock_name.ts";
import type { PostgresServer } from "../../servers/postgres_process.ts";
import { keySql } from "./key_sql.ts";
import { freshName, hold, never, open } from "../open.ts";
import { OtherClient } from "./view.ts";
import { sharedPostgres, sharedPostgres18 } from "../shared_server.ts";

/** Computed by other programs. */
const FNV1 = {
  "": -2128831035,
  "a": 84696446,
  "foobar": 837857890,
  "heimdall": 1421297779,
  "deploy": 367668828,
  "db/migrate": 544530081,
  "é": -831012355,
};

/** The first 8 bytes of a command's md5, computed by other programs. */
const BIGINTS = {
  "ls -ltra": 6013425346122603860n,
  "echo hello": -3668146459307654140n,
  "true": -5537539653706510743n,
};

Deno.test("fnv1 is FNV-1 of UTF-8 with 32 bits, signed", () => {
  for (const [text, hash] of Object.entries(FNV1)) assert.equal(fnv1(text), hash, text);
});

Deno.test("a namespaced name is two signed numbers", () => {
  assert.equal(namespacedName("heimdall", "deploy"), "1421297779,367668828");
  assert.equal(namespacedName("", "é"), "-2128831035,-831012355");
  assert.equal(keySql(namespacedName("", "é")).args, "-2128831035,-831012355");
});

Deno.test("the key of a command is the first half of its md5, signed", () => {
  for (const [key, bigint] of Object.entries(BIGINTS)) {
    assert.equal(keySql(lockName(key)).args, `'${bigint}'::bigint`);
  }
});

Deno.test("the ends of the numbers' ranges are keys", () => {
  const key = (halfOfMd5: string) => keySql(halfOfMd5.padEnd(32, "5"));
  assert.equal(key("0000000000000000").args, "'0'::bigint");
  assert.equal(key("7fffffffffffffff").args, "'9223372036854775807'::bigint");
  assert.equal(key("8000000000000000").args, "'-9223372036854775808'::bigint");
  assert.equal(key("ffffffffffffffff").args, "'-1'::bigint");
});

/** Locks of sera, and how others call them. Both signs of each number. */
const LOCKS: { name: string; args: string }[] = [
  { name: namespacedName("a", "foobar"), args: "84696446, 837857890" },
  { name: namespacedName("heimdall", "é"), args: "1421297779, -831012355" },
  { name: namespacedName("", "deploy"), args: "-2128831035, 367668828" },
  { name: namespacedName("é", ""), args: "-831012355, -2128831035" },
  ...Object.entries(BIGINTS).map(([key, bigint]) => ({ name: lockName(key), args: `${bigint}` })),
  { name: "8".padEnd(16, "0").padEnd(32, "5"), args: "'-9223372036854775808'" },
  { name: "f".repeat(32), args: "-1" },
  // Not to be confused with the pair (0, 1), which is another lock.
  { name: "1".padStart(16, "0").padEnd(32, "5"), args: "1" },
];

for (const shared of [sharedPostgres(), sharedPostgres18()]) {
  const gets = async (client: OtherClient, args: string) =>
    (await client.query(`SELECT pg_try_advisory_lock(${args}) AS got`)).got;
  const givesBack = async (client: OtherClient, args: string) =>
    assert.equal((await client.query(`SELECT pg_advisory_unlock(${args}) AS was`)).was, true);

  shared.test("another client that computes the key itself finds sera's lock busy", async (server) => {
    await using other = await OtherClient.connect(server);
    for (const { name, args } of LOCKS) {
      await using backend = await open(server.url(), name);
      const lock = await hold(backend);
      assert.equal(await gets(other, args), false, args);
      await lock.release();
      assert.equal(await gets(other, args), true, args);
      await givesBack(other, args);
    }
  });

  shared.test("sera finds another client's lock busy", async (server) => {
    await using other = await OtherClient.connect(server);
    for (const { name, args } of LOCKS) {
      await using backend = await open(server.url(), name);
      assert.equal(await gets(other, args), true);
      assert.equal(await backend.acquire(0, never), undefined, args);
      await givesBack(other, args);
      await (await hold(backend)).release();
    }
  });

  shared.test("single keys and pairs of keys never collide", async (server) => {
    await using other = await OtherClient.connect(server);
    // 64 bits as one number, and as two.
    await using ofOne = await open(server.url(), "0000000700000009".padEnd(32, "0"));
    await using ofTwo = await open(server.url(), "7,9");
    const one = await hold(ofOne);
    assert.equal(await gets(other, "7, 9"), true);
    await givesBack(other, "7, 9");
    const two = await hold(ofTwo);
    await one.release();
    assert.equal(await gets(other, "(7::bigint << 32) | 9"), true);
    assert.equal(await gets(other, "7, 9"), false);
    await two.release();
  });

  shared.test("a lock excludes nobody in another database", async (server) => {
    const elsewhere = "elsewhere";
    await server.query(`CREATE DATABASE ${elsewhere} OWNER ${server.user}`);
    for (const name of [freshName(), namespacedName("heimdall", crypto.randomUUID())]) {
      await using here = await open(server.url(), name);
      await using there = await open(databaseSession(server, elsewhere), name);
      const locks = [await hold(here), await hold(there)];
      for (const lock of locks) await lock.release();
    }
  });

  shared.test("a lock excludes all roles of a database", async (server) => {
    await server.query("CREATE ROLE another LOGIN PASSWORD 'secret'");
    const name = freshName();
    await using one = await open(server.url(), name);
    await using other = await open(server.url().replace("//sera:", "//another:"), name);
    const lock = await hold(one);
    assert.equal(await other.acquire(0, never), undefined);
    await lock.release();
    await (await hold(other)).release();
  });
}

function databaseSession(server: PostgresServer, database: string): string {
  const url = new URL(server.url());
  url.pathname = database;
  return url.href;
}
