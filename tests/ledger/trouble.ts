/** Statements that are broken off, rows that others hold, sessions that end. */

import assert from "node:assert/strict";
import { LockUnavailableError } from "../../lib/errors.ts";
import { SqlLedger } from "../../lib/backends/sql/ledger.ts";
import type { Statement } from "../../lib/backends/sql/statement.ts";
import { until } from "../cli/wait.ts";
import { later } from "../backends/open.ts";
import { RESTARTS } from "../backends/shared_server.ts";
import { Holder, PLAIN, RUNNER } from "./holder.ts";
import type { Bench, DatabasePlace } from "./places.ts";

/** The system's message for a connection that the other side closed. */
const RESET = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });

/** A ledger that tells how many statements it has asked for. */
export function counting({ store }: Holder): { readonly ledger: SqlLedger; readonly asked: () => number } {
  let asked = 0;
  const run = (statement: Statement) => {
    asked++;
    return store.run(statement);
  };
  return { ledger: new SqlLedger({ ...store, run }), asked: () => asked };
}

export function troubleTests(place: DatabasePlace): void {
  const { test } = place;
  const blocked = (count = 1) => until(`${count} blocked`, async () => await place.blocked() === count);

  test("a statement that an administrator cancels is repeated, at most twice", async () => {
    await using bench = await place.bench();
    await using holder = await Holder.start(bench);
    const { session } = await holder.recorded(await holder.ran("succeeded"));
    await using admin = await place.admin();
    for (const times of [2, 3]) {
      const { ledger, asked } = counting(holder);
      const { take, giveBack } = place.wholeTable(bench.name);
      for (const statement of take) await admin.query(statement);
      const begun = later(ledger.begin(holder.lock, RUNNER, PLAIN));
      for (let time = 1; time <= times; time++) {
        await until(`try ${time}`, () => asked() === time);
        await blocked();
        await bench.sql(place.cancel(session!));
      }
      if (times === 2) await until("try 3", () => asked() === 3);
      else {
        await assert.rejects(begun, (error) => {
          assert.ok(error instanceof LockUnavailableError);
          assert.match(error.message, /^Cannot use the ledger runs_\w+: [^\n]*(interrupted|user request)[^\n]*$/);
          return true;
        });
      }
      await admin.query(giveBack);
      if (times === 2) assert.ok((await begun).granted);
    }
    // The session has not been given up.
    assert.equal((await holder.recorded(await holder.ran("succeeded"))).session, session);
    assert.equal(holder.held.lost.aborted, false);
  });

  test("a row that another session locks is waited for", async () => {
    await using bench = await place.bench();
    await using holder = await Holder.start(bench);
    const id = await holder.started();
    await using admin = await place.admin();
    await admin.query("BEGIN");
    await admin.query(`UPDATE ${bench.name} SET pid = 1 WHERE id = ${id}`);
    const finished = later(holder.finish(id, "succeeded"));
    await blocked();
    await admin.query("COMMIT");
    await finished;
    const { pid, outcome } = await holder.recorded(id);
    assert.deepEqual({ pid, outcome }, { pid: 1, outcome: "succeeded" });
  });

  const ends: Readonly<Record<string, (of: { bench: Bench; holder: Holder; session: number }) => unknown>> = {
    "that an administrator ends": ({ bench, session }) => bench.sql(place.terminate(session)),
    "whose connection breaks": ({ holder }) => holder.session.socket.destroy(RESET),
  };
  for (const [how, end] of Object.entries(ends)) {
    test(`a session ${how} is not replaced by another`, async () => {
      await using bench = await place.bench();
      await using holder = await Holder.start(bench);
      const id = await holder.started({ once: "v1" });
      const { session } = await holder.recorded(id);
      await end({ bench, holder, session: session! });
      for (let time = 0; time < 2; time++) {
        await assert.rejects(holder.finish(id, "succeeded", { once: "v1" }), (error) => {
          assert.ok(error instanceof LockUnavailableError);
          assert.match(error.message, /^Cannot use the ledger runs_\w+: [^\n]+$/);
          return true;
        });
      }
      await assert.rejects(holder.ledger.prune(), LockUnavailableError);
      assert.equal(holder.held.lost.aborted, true);
      // Not the next holder: MySQL 5.6 sometimes keeps the lock of a session that it was told to kill until it times out.
      await using another = await Holder.start(bench);
      assert.equal((await another.recorded(id)).outcome, "running");
    });
  }

  test("records survive a session that ends abruptly", async () => {
    for (const params of place.transactional) {
      await using bench = await place.bench(params);
      await using holder = await Holder.start(bench);
      const id = await holder.started();
      holder.held.session!.destroy();
      await using next = await Holder.start(bench);
      assert.equal((await next.recorded(id)).outcome, "running", params);
    }
  });

  test("records survive a crash of the server", async () => {
    const bench = await place.bench();
    const ids: bigint[] = [];
    let lock;
    for (let crash = 0; crash < 2; crash++) {
      const holder = await Holder.start(bench, lock);
      lock = holder.lock;
      const left = (await holder.ledger.abandon(lock)).map(({ id }) => id);
      assert.deepEqual(left, ids.slice(-1));
      ids.push(await holder.started());
      await place.crash();
      await holder[Symbol.asyncDispose]();
    }
    await using holder = await Holder.start(bench, lock);
    ids.push(await holder.ran("succeeded"));
    assert.deepEqual(await holder.ids(), ids);
    assert.deepEqual(ids, [...new Set(ids)].sort((a, b) => Number(a - b)));
  }, RESTARTS);
}
