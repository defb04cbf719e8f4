/** The numbers that leases give, and the ends of runs that are recorded with their release. */

import assert from "node:assert/strict";
import type { Ending } from "../../../../lib/backends/sql/ending.ts";
import { createTable } from "../../../../lib/backends/sql/schema.ts";
import { sql, word } from "../../../../lib/backends/sql/statement.ts";
import { freshName } from "../../open.ts";
import { claimOf, Desk, HOUR, type LeasePlace, ownerOf } from "./desk.ts";

/** Defines the tests. */
export function tokenTests(place: LeasePlace): void {
  const { test } = place;

  test("a token exceeds the given minimum, and the one before", async () => {
    await using desk = await Desk.open(place);
    const next = async (above?: Parameters<Desk["claim"]>[2]) => {
      const mine = await desk.acquire("a", "nobody", above);
      assert.ok(mine);
      assert.equal(await desk.leases.release(desk.session, desk.lock, mine), true);
      return mine.fence;
    };
    assert.equal(await next(sql`41`), 42n);
    assert.equal(await next(sql`41`), 43n);
    assert.equal(await next(), 44n);
    assert.equal(await next(sql`7`), 45n);
    assert.equal(await next(sql`-7`), 46n);
    assert.equal(await next(sql`NULL`), 47n);
    // More than JavaScript's numbers hold.
    assert.equal(await next(sql`${2n ** 53n}`), 2n ** 53n + 1n);
    assert.equal(await next(sql`${2n ** 61n}`), 2n ** 61n + 1n);
    assert.equal(await next(), 2n ** 61n + 2n);
    // Not reached by counting.
    assert.equal(await next(sql`${2n ** 63n - 1n}`), 2n ** 61n + 3n);
  });

  test("the minimum of a token may come from the ledger, which may be empty, missing, or unreadable", async () => {
    await using desk = await Desk.open(place);
    await using ledger = await place.bench();
    const dialect = place.ledger(ledger.table);
    const last = sql`(SELECT MAX(id) FROM ${dialect.table})`;
    const again = async (digit: string) => {
      const mine = await desk.acquire(digit, "nobody", last);
      assert.ok(mine);
      assert.equal(await desk.leases.release(desk.session, desk.lock, mine), true);
      return mine.fence;
    };
    assert.equal(await again("a"), 1n);
    for (const statement of createTable(dialect)) await desk.session.query(statement);
    assert.equal(await again("b"), 2n);
    await desk.session.query(
      sql`INSERT INTO ${dialect.table} (id, lock_name, started, outcome) VALUES (99, 'x', ${dialect.now}, 'running')`,
    );
    assert.equal(await again("c"), 100n);
    const { address, grantee } = await place.user(desk.bench);
    await desk.bench.sql(`GRANT SELECT, INSERT, UPDATE ON ${desk.bench.name} TO ${grantee}`);
    const session = await place.session(address.server);
    try {
      const lock = freshName();
      assert.equal(await desk.leases.claim(session, claimOf(lock, "a"), last), undefined);
      assert.equal(await desk.leases.insert(session, claimOf(lock, "a"), last), 1n);
    } finally {
      await session.close();
    }
  });
}

/** Defines the tests. */
export function endingTests(place: LeasePlace): void {
  place.test("an end of a run is recorded together with the release, or neither", async () => {
    await using desk = await Desk.open(place);
    await using bench = await place.bench();
    const dialect = place.ledger(bench.table);
    for (const statement of createTable(dialect)) await desk.session.query(statement);
    await desk.session.query(
      sql`INSERT INTO ${dialect.table} (id, lock_name, host, started, outcome)
        VALUES (7, 'x', 'h', ${dialect.now}, 'running'), (8, 'x', 'h', ${dialect.now}, 'running')`,
    );
    const ending = (id: number): Ending => ({
      table: dialect.table,
      assignments: {
        outcome: word("succeeded"),
        finished: dialect.after(-1000),
        exit_code: sql`0`,
        expires: dialect.after(HOUR),
        host: sql`${"other"}`,
      },
      condition: { id: sql`${id}`, outcome: word("running") },
    });
    const ended = async () =>
      (await bench.sql(`SELECT id FROM ${bench.name} WHERE outcome = 'succeeded' AND exit_code = 0 AND host = 'other'
        AND finished IS NOT NULL AND expires IS NOT NULL`)).map(({ id }) => Number(id));
    const mine = await desk.hold("a");
    const released = (whose: typeof mine, id: number) =>
      desk.leases.release(desk.session, desk.lock, whose, ending(id));
    assert.equal(await released({ ...mine, fence: 9n }, 7), false);
    assert.equal(await released({ ...mine, owner: ownerOf("b") }, 7), false);
    assert.equal(await released(mine, 6), false);
    assert.deepEqual(await ended(), []);
    assert.equal((await desk.held()).owner, mine.owner);
    assert.equal(await released(mine, 7), true);
    assert.deepEqual(await ended(), [7]);
    assert.equal(await desk.read(), undefined);
    assert.equal(await released(mine, 8), false);
    assert.deepEqual(await ended(), [7]);
    const next = await desk.hold("b");
    // It has ended before.
    assert.equal(await released(next, 7), false);
    assert.equal((await desk.held()).owner, next.owner);
    assert.equal(await released(next, 8), true);
    assert.deepEqual(await ended(), [7, 8]);
    assert.equal(await desk.claim("c"), 3n);
  });
}
