/** Whose lease may be taken over, and when. */

import assert from "node:assert/strict";
import { claimOf, Desk, HOUR, type LeasePlace, ownerOf } from "./desk.ts";

/** Defines the tests. */
export function takeoverTests(place: LeasePlace): void {
  const { test } = place;

  test("by the server's clock a lease is taken over when it expired long enough ago", async () => {
    const cases: readonly (readonly [slack: number, ttls: 0 | 1, isTaken: boolean])[] = [
      [0, 0, true],
      [1 * HOUR, 0, true],
      [2 * HOUR, 0, false],
      [1 * HOUR, 1, false],
      [0.25 * HOUR, 1, true],
      [0, 1, true],
    ];
    await using desk = await Desk.open(place);
    for (const [slack, ttls, isTaken] of cases) {
      const { fence } = await desk.hold("a");
      await desk.write(`expires = ${place.ago(1.5 * HOUR)}`);
      const taken = await desk.claim("b", { slack, ttls });
      assert.equal(taken, isTaken ? fence + 1n : undefined, `${slack} ${ttls}`);
      const { owner, since } = await desk.held();
      assert.equal(owner, ownerOf(isTaken ? "b" : "a"));
      assert.ok(since !== undefined);
      await desk.leases.release(desk.session, desk.lock, { owner, fence: isTaken ? fence + 1n : fence });
    }
  });

  test("the row's TTL counts, not the claimant's", async () => {
    await using desk = await Desk.open(place);
    await desk.hold("a");
    await desk.write(`expires = ${place.ago(HOUR / 2)}`);
    const impatient = claimOf(desk.lock, "b", { slack: 0, ttls: 1 }, 1000);
    assert.equal(await desk.leases.claim(desk.session, impatient), undefined);
    await desk.write("ttl_ms = 1000");
    const patient = claimOf(desk.lock, "b", { slack: 0, ttls: 1 }, HOUR);
    assert.equal(await desk.leases.claim(desk.session, patient), 2n);
    assert.equal((await desk.held()).ttl, HOUR);
  });

  test("the margin is a fraction of the row's TTL, but not less than the minimum", async () => {
    await using desk = await Desk.open(place);
    await desk.hold("a");
    for (const [hours, fence] of [[0.1, undefined], [0.2, 2n]] as const) {
      await desk.write(`expires = ${place.ago(hours * HOUR)}`);
      assert.equal(await desk.leases.claim(desk.session, claimOf(desk.lock, "b", { slack: 0, ttls: 0 }, 1000)), fence);
    }
  });

  test("a lease that has not expired can be claimed only by its owner", async () => {
    await using desk = await Desk.open(place);
    await desk.hold("a");
    await desk.write(`expires = ${place.ago(-HOUR / 2)}`);
    for (const ttls of [0, 1] as const) assert.equal(await desk.claim("b", { slack: 0, ttls }), undefined);
    // However negative.
    await desk.write("ttl_ms = -1000000000000");
    assert.equal(await desk.claim("b", { slack: 0, ttls: 1 }).catch(() => undefined), undefined);
    assert.equal((await desk.row())!.owner, ownerOf("a"));
  });

  test("an observed lease is taken over only if it is unchanged", async () => {
    await using desk = await Desk.open(place);
    const mine = await desk.hold("a");
    const { owner, fence, beat } = await desk.held();
    const wrong = [
      { owner: ownerOf("c"), fence, beat },
      { owner, fence: fence + 1n, beat },
      { owner, fence, beat: beat + 1n },
      { owner, fence: fence - 1n, beat },
      { owner, fence, beat: beat - 1n },
    ];
    for (const seen of wrong) assert.equal(await desk.claim("b", { seen }), undefined);
    await desk.leases.renew(desk.session, desk.lock, mine, HOUR);
    assert.equal(await desk.claim("b", { seen: { owner, fence, beat } }), undefined);
    assert.equal(await desk.claim("b", { seen: { owner, fence, beat: beat + 1n } }), fence + 1n);
    assert.equal(await desk.leases.renew(desk.session, desk.lock, mine, HOUR), undefined);
  });
}
