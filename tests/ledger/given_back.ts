/** The end of a run and the release of its lock, which go to a database in one message. */

import assert from "node:assert/strict";
import { LockLostError, LockUnavailableError } from "../../lib/errors.ts";
import { isHeld } from "../../lib/lock/lock.ts";
import { RunGoneError } from "../../lib/ledger/ledger.ts";
import { never, open } from "../backends/open.ts";
import { DAY, Holder, PLAIN, RUNNER } from "./holder.ts";
import { sql } from "../../lib/backends/sql/statement.ts";
import type { Bench, DatabasePlace } from "./places.ts";

/** Whether another session gets the lock at once. */
async function isFree({ server }: Bench, lock: string): Promise<boolean> {
  await using other = await open(server, lock);
  return await other.acquire(0, never) !== undefined;
}

/** Ends a run after which the lock is no longer needed. */
function end(holder: Holder, id: bigint): Promise<void> {
  return holder.ledger.finish(id, "succeeded", 0, PLAIN, { isLast: true });
}

/** The messages that something sends, by how many statements each has. */
async function messagesOf({ session }: Holder, act: () => Promise<unknown>): Promise<readonly number[]> {
  const messages: number[] = [];
  const [batch, queryAll] = [session.batch.bind(session), session.queryAll.bind(session)];
  session.batch = (statements, options) => {
    messages.push(statements.length);
    return batch(statements, options);
  };
  session.queryAll = (statement, options) => {
    messages.push(1);
    return queryAll(statement, options);
  };
  try {
    await act();
  } finally {
    Object.assign(session, { batch, queryAll });
  }
  return messages;
}

export function givenBackTests(place: DatabasePlace): void {
  const { test } = place;

  test("a run takes three messages: a read, its begin, and its end with the release", async () => {
    await using bench = await place.bench();
    await using holder = await Holder.start(bench);
    for (let earlier = 0; earlier < 3; earlier++) await holder.ran("succeeded");
    await bench.sql(`UPDATE ${bench.name} SET expires = ${holder.after(-DAY)} WHERE id < 3`);
    const rule = { ...PLAIN, once: "v1" };
    const messages = await messagesOf(holder, async () => {
      assert.deepEqual(await holder.ledger.abandon(holder.lock, rule), []);
      const begun = await holder.ledger.begin(holder.lock, RUNNER, rule);
      assert.ok(begun.granted);
      await end(holder, begun.id);
      await holder.held.release();
      await holder.ledger.prune();
    });
    assert.equal(messages.length, 3, String(messages));
    assert.deepEqual((await holder.ids()).slice(0, 1), [3n]);
    assert.equal((await holder.recorded(4n)).outcome, "succeeded");
    assert.equal(await isFree(bench, holder.lock), true);
  });

  test("expired runs are deleted after a skipped run; without any there is no request", async () => {
    await using bench = await place.bench();
    await using holder = await Holder.start(bench);
    for (const once of ["v0", "v1"]) await holder.ran("succeeded", { once });
    const rule = { ...PLAIN, once: "v1" };
    const skip = async () => {
      await holder.ledger.abandon(holder.lock, rule);
      assert.equal((await holder.ledger.begin(holder.lock, RUNNER, rule)).granted, false);
      await holder.ledger.prune();
    };
    assert.equal((await messagesOf(holder, skip)).length, 1);
    await bench.sql(`UPDATE ${bench.name} SET expires = ${holder.after(-DAY)} WHERE id = 1`);
    assert.equal((await messagesOf(holder, skip)).length, 2);
    assert.deepEqual(await holder.ids(), [2n]);
  });

  if (place.kind === "mysql") {
    test("with one statement a message, each step has its own, and the lock is released separately", async () => {
      await using bench = await place.bench("compress=true");
      await using holder = await Holder.start(bench);
      const messages = await messagesOf(holder, async () => await end(holder, await holder.started()));
      assert.deepEqual(new Set(messages), new Set([1]));
      assert.equal((await holder.recorded(1n)).outcome, "succeeded");
      assert.equal(await isFree(bench, holder.lock), false);
      await holder.held.release();
      assert.equal(await isFree(bench, holder.lock), true);
    });
  }

  test("if the end is not recorded, the lock is kept", async () => {
    for (const change of [`DELETE FROM`, `UPDATE`] as const) {
      await using bench = await place.bench();
      await using holder = await Holder.start(bench);
      const id = await holder.started();
      await bench.sql(`${change} ${bench.name}${change === "UPDATE" ? " SET outcome = 'abandoned'" : ""}`);
      await assert.rejects(end(holder, id), RunGoneError);
      assert.equal(await isFree(bench, holder.lock), false);
      await holder.held.release();
      assert.equal(await isFree(bench, holder.lock), true);
    }
  });

  test("if the user may not record the end, the lock is kept, and the message says what to do", async () => {
    await using bench = await place.bench();
    await using owner = await Holder.start(bench);
    await owner.ran("succeeded");
    const { address, grantee } = await place.user(bench);
    await using admin = await place.admin();
    await admin.query(`GRANT SELECT, INSERT, UPDATE ON ${bench.name} TO ${grantee}`);
    await using holder = await Holder.start(address);
    const id = await holder.started();
    await admin.query(`REVOKE UPDATE ON ${bench.name} FROM ${grantee}`);
    await assert.rejects(end(holder, id), (error) => {
      assert.ok(error instanceof LockUnavailableError);
      assert.match(error.message, /denied.*grant the (user|role) SELECT, INSERT, UPDATE and DELETE on it/s);
      return true;
    });
    assert.equal(await isFree(bench, holder.lock), false);
    await admin.query(`GRANT UPDATE ON ${bench.name} TO ${grantee}`);
    await end(holder, id);
    assert.equal(await isFree(bench, holder.lock), true);
    await holder.held.release();
  });

  test("missing rights to delete are reported after each release", async () => {
    await using bench = await place.bench();
    await using owner = await Holder.start(bench);
    for (let earlier = 0; earlier < 2; earlier++) await owner.ran("succeeded");
    await bench.sql(`UPDATE ${bench.name} SET expires = ${owner.after(-DAY)}`);
    const { address, grantee } = await place.user(bench);
    await using admin = await place.admin();
    await admin.query(`GRANT SELECT, INSERT, UPDATE ON ${bench.name} TO ${grantee}`);
    await using holder = await Holder.start(address);
    const id = await holder.started();
    await end(holder, id);
    assert.equal(await isFree(bench, holder.lock), true);
    await assert.rejects(holder.ledger.prune(), /denied/);
    await assert.rejects(holder.ledger.prune(), /denied/);
    assert.equal((await holder.recorded(id)).outcome, "succeeded");
  });

  test("a row that must be kept after all is not deleted with the end", async () => {
    await using bench = await place.bench();
    await using holder = await Holder.start(bench);
    for (let earlier = 0; earlier < 3; earlier++) await holder.ran("succeeded");
    await bench.sql(`UPDATE ${bench.name} SET expires = ${holder.after(-DAY)}`);
    const id = await holder.started();
    await bench.sql(`UPDATE ${bench.name} SET expires = NULL WHERE id = 1`);
    await end(holder, id);
    await holder.ledger.prune();
    assert.deepEqual(await holder.ids(), [1n, 3n, 4n]);
  });

  test("a heartbeat during or after the release does not count as a loss", async () => {
    await using bench = await place.bench();
    await using holder = await Holder.start(bench);
    const { held } = holder;
    const id = await holder.started();
    held.commandEnded();
    const [, amid] = await Promise.all([end(holder, id), isHeld(held)]);
    assert.equal(amid, true);
    held.commandEnded();
    assert.equal(await isHeld(held), true);
    assert.equal(held.lost.aborted, false);
    await held.release();
  });

  test("a lock that was gone before the end of its run is reported, and the end is recorded", async () => {
    await using bench = await place.bench();
    await using holder = await Holder.start(bench);
    const id = await holder.started();
    const unlock = place.kind === "mysql" ? sql`RELEASE_LOCK(${holder.lock})` : sql`pg_advisory_unlock_all()`;
    await holder.session.query(sql`SELECT ${unlock}`);
    await end(holder, id);
    assert.equal((await holder.recorded(id)).outcome, "succeeded");
    await assert.rejects(holder.held.release(), (error) => {
      assert.ok(error instanceof LockLostError);
      assert.match(error.message, /^The lock was gone before its release: /);
      return true;
    });
  });
}
