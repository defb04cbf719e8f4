import assert from "node:assert/strict";
import { namespacedName } from "../../../lib/lock/namespaced_name.ts";
import { lockName } from "../../../lib/lock/lock_name.ts";
import { POSTGRESQL } from "../../../lib/backends/sql/quoting.ts";
import { sessionInfoOf } from "../../../lib/backends/postgres/session_info.ts";
import { keyOfName, keyOfRow, rowCondition } from "../../../lib/backends/postgres/key.ts";

Deno.test("a row of pg_locks gives the same key as the lock's name", () => {
  const names = ["a", "b", "ls -ltra", "heimdall"].flatMap((key) => [lockName(key), namespacedName("heimdall", key)]);
  for (const name of names) {
    const [, classid, objid, objsubid] = /classid = (\d+)::oid AND objid = (\d+)::oid AND objsubid = (\d)/.exec(
      rowCondition(name)!.textFor(POSTGRESQL),
    )!;
    assert.equal(keyOfRow({ classid, objid, objsubid }), keyOfName(name));
  }
  assert.equal(keyOfName(lockName("a")), lockName("a").slice(0, 16));
  assert.equal(keyOfRow({ classid: "4294967295", objid: "1", objsubid: "2" }), "-1,1");
  assert.equal(keyOfRow({ classid: "1", objid: "4294967295", objsubid: "1" }), "00000001ffffffff");
});

Deno.test("only a lock's name becomes part of SQL", () => {
  for (const name of ["", "1", "1,", "x".repeat(32), `${lockName("a")}' OR 1=1`, "1,2,3", "1,2) OR (1=1"]) {
    assert.equal(rowCondition(name), undefined, name);
    assert.equal(keyOfName(name), undefined, name);
  }
});

Deno.test("a session whose statement is hidden is recognized by sera's application name", () => {
  const who = (application_name: string) => {
    const hex = (text: string) => new TextEncoder().encode(text).toHex();
    const row = { application_name: hex(application_name), query: hex("<insufficient privilege>") };
    const { host, pid, label } = sessionInfoOf(row).who;
    return { host, pid, label };
  };
  assert.deepEqual(who("sera web1:4711 rotate logs"), { host: "web1", pid: 4711, label: "rotate logs" });
  assert.deepEqual(who("sera web1:4711 "), { host: "web1", pid: 4711, label: "" });
  assert.deepEqual(who("psql"), { host: undefined, pid: undefined, label: "psql" });
  assert.deepEqual(who("sera something else"), { host: undefined, pid: undefined, label: "sera something else" });
  assert.deepEqual(who(""), { host: undefined, pid: undefined, label: undefined });
});
