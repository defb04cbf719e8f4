/** What every table of leases does, wherever it is. */

import assert from "node:assert/strict";
import { sql } from "../../../../lib/backends/sql/statement.ts";
import { namespacedName } from "../../../../lib/lock/namespaced_name.ts";
import { ASKED } from "../../../../lib/lock/expiry_watch.ts";
import { MAX_TEXT_LENGTH } from "../../../../lib/text/untrusted.ts";
import { freshName } from "../../open.ts";
import { claimOf, Desk, HOUR, type LeasePlace, ownerOf } from "./desk.ts";
import { race } from "./race.ts";
import { takeoverTests } from "./takeovers.ts";
import { endingTests, tokenTests } from "./tokens.ts";
import { troubleTests } from "./trouble.ts";

/** Defines the tests. */
export function leaseTableContract(place: LeasePlace): void {
  lifeTests(place);
  takeoverTests(place);
  tokenTests(place);
  endingTests(place);
  troubleTests(place);
}

function lifeTests(place: LeasePlace): void {
  const { test } = place;

  test("a missing table of leases counts as empty, and the first insert creates it", async () => {
    await using desk = await Desk.open(place);
    const { leases, session, lock } = desk;
    assert.equal(await desk.read(), undefined);
    assert.deepEqual((await leases.list(session, "all")).leases, []);
    assert.equal(await desk.claim("a"), undefined);
    assert.equal(await leases.insert(session, claimOf(lock, "a")), 1n);
    const { left, since, ...lease } = await desk.held();
    const { owner, host, pid, label, ttl } = claimOf(lock, "a");
    assert.deepEqual(lease, { lock, owner, host, pid, label, ttl, fence: 1n, beat: lease.beat });
    assert.ok(left > HOUR / 2 && left <= HOUR, `${left}`);
    const [now] = await desk.bench.sql(`SELECT ${place.ago(0)} AS now`);
    assert.ok(Math.abs(since! - utc(now!.now)) < HOUR, `${since} ${now!.now}`);
  });

  test("a held lease is given to nobody else, and stays unchanged", async () => {
    await using desk = await Desk.open(place);
    await desk.hold("a");
    const before = await desk.row();
    assert.equal(await desk.claim("b"), undefined);
    assert.equal(await desk.leases.insert(desk.session, claimOf(desk.lock, "b")), undefined);
    assert.equal(await desk.claim("b", { slack: 0, ttls: 0 }), undefined);
    assert.deepEqual(await desk.row(), before);
  });

  test("a repeated claim keeps its token and its start", async () => {
    await using desk = await Desk.open(place);
    const { fence } = await desk.hold("a");
    await desk.write(`since = ${place.ago(HOUR)}`);
    const { since, beat } = await desk.held();
    assert.equal(await desk.claim("a"), fence);
    const again = await desk.held();
    assert.deepEqual([again.fence, again.since, again.beat], [fence, since, beat + 1n]);
    assert.equal(await desk.claim("a", "nobody", sql`100`), fence);
  });

  test("each renewal extends the lease by another TTL", async () => {
    await using desk = await Desk.open(place);
    const mine = await desk.hold("a");
    const { beat } = await desk.held();
    await desk.write(`expires = ${place.ago(HOUR)}`);
    assert.ok((await desk.held()).left < -HOUR / 2);
    assert.ok(await desk.leases.renew(desk.session, desk.lock, mine, 2 * HOUR));
    const lease = await desk.held();
    assert.deepEqual([lease.beat, lease.ttl, lease.fence], [beat + 1n, 2 * HOUR, mine.fence]);
    assert.ok(lease.left > HOUR && lease.left <= 2 * HOUR, `${lease.left}`);
  });

  test("only the owner's id with the right token can renew and release", async () => {
    await using desk = await Desk.open(place);
    const mine = await desk.hold("a");
    const before = await desk.row();
    const others = [{ ...mine, owner: ownerOf("b") }, { ...mine, fence: mine.fence + 1n }];
    for (const other of others) {
      assert.equal(await desk.leases.renew(desk.session, desk.lock, other, HOUR), undefined);
      assert.equal(await desk.leases.release(desk.session, desk.lock, other), false);
    }
    assert.equal(await desk.leases.renew(desk.session, freshName(), mine, HOUR), undefined);
    assert.equal(await desk.leases.release(desk.session, freshName(), mine), false);
    assert.deepEqual(await desk.row(), before);
  });

  test("each renewal shows the holder how many release requests there were; the next holder starts at none", async () => {
    await using desk = await Desk.open(place);
    const mine = await desk.hold("a");
    const theirs = (fence: bigint) => sql`name = ${desk.lock} AND fence = ${fence} AND owner IS NOT NULL`;
    const ask = (fence: bigint) => desk.leases.change(desk.session, sql`beat = beat + ${ASKED}`, theirs(fence));
    assert.equal(await ask(mine.fence - 1n), false);
    assert.ok((await desk.leases.renew(desk.session, desk.lock, mine, HOUR))! < ASKED);
    assert.equal(await ask(mine.fence), true);
    assert.equal(await ask(mine.fence), true);
    assert.equal((await desk.leases.renew(desk.session, desk.lock, mine, HOUR))! / ASKED, 2n);
    await desk.leases.release(desk.session, desk.lock, mine);
    assert.equal(await ask(mine.fence), false);
    assert.equal(await desk.claim("b"), mine.fence + 1n);
    assert.equal((await desk.held()).beat, 1n);
  });

  test("a released lease is free once, and the next holder has the next token", async () => {
    await using desk = await Desk.open(place);
    const mine = await desk.hold("a");
    assert.equal(await desk.leases.release(desk.session, desk.lock, mine), true);
    assert.equal(await desk.read(), undefined);
    assert.equal(await desk.leases.release(desk.session, desk.lock, mine), false);
    assert.equal(await desk.leases.renew(desk.session, desk.lock, mine, HOUR), undefined);
    assert.equal(await desk.claim("b"), mine.fence + 1n);
    assert.equal((await desk.held()).beat, 1n);
    assert.equal(await desk.leases.release(desk.session, desk.lock, { owner: ownerOf("b"), fence: 2n }), true);
    // The same id again is another acquisition.
    assert.equal(await desk.claim("a"), mine.fence + 2n);
  });

  test("leases are listed: all, one, or those of a namespace", async () => {
    await using desk = await Desk.open(place);
    const { leases, session } = desk;
    const free = await desk.hold("a");
    await leases.release(session, desk.lock, free);
    const locks = Array.from({ length: 250 }, freshName);
    const spaced = ["x", "y"].map((name) => namespacedName("jobs", name));
    for (const lock of [...locks, ...spaced]) await leases.insert(session, claimOf(lock, "b"));
    const listed = async (filter: Parameters<typeof leases.list>[1]) =>
      (await leases.list(session, filter)).leases.map(({ lock }) => lock).toSorted();
    assert.deepEqual(await listed("all"), [...locks, ...spaced].toSorted());
    assert.deepEqual(await listed({ lock: locks[7]! }), [locks[7]]);
    assert.deepEqual(await listed({ lock: desk.lock }), []);
    assert.deepEqual(await listed({ namespace: "jobs" }), spaced.toSorted());
    assert.deepEqual(await listed({ namespace: "other" }), []);
  });

  test("a host and a label may be any text, and are cut", async () => {
    await using desk = await Desk.open(place);
    await desk.hold("a");
    for (const text of ['it\'s \\ "1" ? -- /*', "sauvegarde-é-日本-😀", "", "\u202e\x1b[31m\n"]) {
      const claim = { ...claimOf(desk.lock, "a"), host: text, label: text };
      assert.equal(await desk.leases.claim(desk.session, claim), 1n);
      const { host, label } = await desk.held();
      assert.deepEqual([host, label], [text, text]);
    }
    await desk.leases.claim(desk.session, { ...claimOf(desk.lock, "a"), label: "😀".repeat(MAX_TEXT_LENGTH + 1) });
    assert.equal((await desk.held()).label, "😀".repeat(MAX_TEXT_LENGTH));
  });

  test("a transaction on another lock's row delays nobody", async () => {
    await using desk = await Desk.open(place);
    const mine = await desk.hold("a");
    const others = freshName();
    await desk.leases.insert(desk.session, claimOf(others, "b"));
    await using admin = await place.admin();
    await admin.query("BEGIN");
    await admin.query(`UPDATE ${desk.bench.name} SET beat = beat + 1 WHERE name = '${others}'`);
    assert.ok(await desk.leases.renew(desk.session, desk.lock, mine, HOUR));
    assert.equal(await desk.leases.release(desk.session, desk.lock, mine), true);
    assert.equal(await desk.claim("c"), mine.fence + 1n);
    assert.equal(await desk.leases.insert(desk.session, claimOf(freshName(), "c")), 1n);
    await admin.query("ROLLBACK");
  });

  test("of many claimants one at a time has the lock, and no token is given twice", async () => {
    await using desk = await Desk.open(place);
    const sessions = await Promise.all(Array.from({ length: 6 }, () => place.session(desk.bench.server)));
    try {
      await race(sessions.map((querier) => ({ querier, leases: desk.leases })), desk.lock, 60);
    } finally {
      await Promise.all(sessions.map((session) => session.close()));
    }
  });
}

/** Milliseconds since 1970 of a time that a client without a time zone has read. */
function utc(time: unknown): number {
  if (time instanceof Date) return time.getTime();
  return Date.parse(`${String(time).replace(" ", "T").replace(/[+]00$/, "")}Z`);
}
