import assert from "node:assert/strict";
import { compareClocks } from "../../../../lib/backends/sql/lease/clocks.ts";
import { sql } from "../../../../lib/backends/sql/statement.ts";
import { LockUnavailableError } from "../../../../lib/errors.ts";

/** A server whose clock is ahead of this machine's by so many seconds. */
function server(where: string, ahead: number, closed: string[] = []) {
  return () =>
    Promise.resolve({
      where,
      queryAll: () => Promise.resolve([{ now: String(Date.now() / 1000 + ahead) }]),
      close: () => Promise.resolve(void closed.push(where)),
    });
}

function gone(): Promise<never> {
  return Promise.reject(LockUnavailableError.on("c", { what: "refused the connection", cure: "start it" }));
}

const TRUSTED = { now: sql`now`, ttl: 30_000, isTrusted: true };

Deno.test("clocks that differ by half a TTL are a warning only where takeovers depend on them", async () => {
  const closed: string[] = [];
  const opens = [server("a", 8, closed), server("b", -9, closed), gone];
  const { found, cure } = await compareClocks(opens, TRUSTED);
  assert.equal(
    found,
    "the clock of a is 17s ahead of that of b (not asked: c: refused the connection): by the clock that " +
      "is ahead, sera 0 may take over a lease too soon",
  );
  assert.match(cure!, /NTP.*--ttl/);
  assert.deepEqual(closed, ["a", "b"]);
  const other = await compareClocks(opens, { ...TRUSTED, isTrusted: false });
  assert.equal(other.cure, "start it");
  assert.match(other.found, /^the clock of a is 17s ahead of that of b .*; leases are not affected$/);
  assert.equal((await compareClocks(opens, { ...TRUSTED, ttl: 40_000 })).cure, "start it");
  assert.equal((await compareClocks(opens.slice(0, 2), { ...TRUSTED, ttl: 40_000 })).cure, undefined);
});

Deno.test("servers that cannot be asked are a warning, also where the clocks agree", async () => {
  const { found, cure } = await compareClocks([server("a", 0), gone, gone], TRUSTED);
  assert.equal(
    found,
    "the clocks of the server and of this machine agree within 1s (not asked: c: refused the connection, c: refused " +
      "the connection)",
  );
  assert.equal(cure, "start it");
});

Deno.test("this machine's clock counts too, and clocks that agree are no matter", async () => {
  assert.match(
    (await compareClocks([server("a", 20)], TRUSTED)).found,
    /^the clock of a is 20s ahead of that of this machine/,
  );
  assert.match(
    (await compareClocks([server("a", -20)], TRUSTED)).found,
    /^the clock of this machine is 20s ahead of that of a/,
  );
  assert.equal(
    (await compareClocks([server("a", 0)], TRUSTED)).found,
    "the clocks of the server and of this machine agree within 1s",
  );
});
