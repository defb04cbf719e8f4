/** Tables of leases that cannot be used, and rows that make no sense. */

import assert from "node:assert/strict";
import { LockUnavailableError } from "../../../../lib/errors.ts";
import { freshName } from "../../open.ts";
import { claimOf, Desk, HOUR, type LeasePlace, ownerOf } from "./desk.ts";

/** The message for a locked table. */
const LOCKED =
  /^Cannot use the leases in runs_\w+: others keep it locked \([^\n]+ timeout[^\n]*\); find out which session keeps it locked \(a backup, LOCK TABLE, ALTER TABLE\)$/;

/**
 * Makes sure that nothing waits for long for a table that others keep locked, that the cure is to see who does, and that a
 * lease is renewed as soon as they have given it back.
 */
export async function isRefusedWhileLocked(place: LeasePlace, desk: Desk): Promise<void> {
  const mine = await desk.hold("a");
  await using admin = await place.admin();
  const { take, giveBack } = place.wholeTable(desk.bench.name);
  for (const statement of take) await admin.query(statement);
  for (
    const ask of [
      () => desk.claim("b"),
      () => desk.read(),
      () => desk.leases.renew(desk.session, desk.lock, mine, HOUR),
    ]
  ) {
    const { transient, message } = await refusal(ask());
    assert.equal(transient, true);
    assert.match(message, LOCKED);
  }
  await admin.query(giveBack);
  assert.ok(await desk.leases.renew(desk.session, desk.lock, mine, HOUR));
}

/** Defines the tests. */
export function troubleTests(place: LeasePlace): void {
  const { test } = place;

  test("of several simultaneous inserts of the first row one gets the lease", async () => {
    for (let time = 0; time < 5; time++) {
      await using desk = await Desk.open(place);
      const digits = [..."abcdef"];
      const sessions = await Promise.all(digits.map(() => place.session(desk.bench.server)));
      try {
        const fences = await Promise.all(
          digits.map((digit, index) => retried(() => desk.leases.insert(sessions[index]!, claimOf(desk.lock, digit)))),
        );
        assert.deepEqual(fences.filter((fence) => fence !== undefined), [1n]);
        assert.equal((await desk.held()).owner, ownerOf(digits[fences.indexOf(1n)]!));
      } finally {
        await Promise.all(sessions.map((session) => session.close()));
      }
    }
  });

  test("an insert whose answer was lost is repeated", async () => {
    await using desk = await Desk.open(place);
    const claim = claimOf(desk.lock, "a");
    assert.equal(await desk.leases.insert(desk.session, claim), 1n);
    const again = await desk.leases.insert(desk.session, claim) ?? await desk.leases.claim(desk.session, claim);
    assert.equal(again, 1n);
  });

  const senseless: readonly (readonly [assignments: string, value: RegExp])[] = [
    ["fence = -3", /fence -3/],
    [`fence = ${2n ** 62n}`, /fence 4611686018427387904/],
    [`fence = ${2n ** 63n - 1n}`, /fence 9223372036854775807/],
    ["beat = -1", /beat -1/],
    [`beat = ${2n ** 63n - 1n}`, /beat 9223372036854775807/],
    ["owner = 'somebody'", /owner 'somebody'/],
    ["owner = ''", /owner ''/],
    ["owner = 'u:secret@tcp(h)/'", /owner of another form/],
    ["ttl_ms = 0", /ttl_ms 0/],
    ["ttl_ms = -1", /ttl_ms -1/],
    [`ttl_ms = ${2n ** 63n - 1n}`, /ttl_ms 9223372036854775807/],
  ];
  for (const [assignments, value] of senseless) {
    test(`a row with ${assignments} is invalid, and is left unchanged`, async () => {
      await using desk = await Desk.open(place);
      const mine = await desk.hold("a");
      const other = freshName();
      await desk.leases.insert(desk.session, claimOf(other, "b"));
      await desk.write(assignments);
      const before = await desk.row();
      const { message } = await refusal(desk.read());
      assert.match(
        message,
        new RegExp(`^The lease of ${desk.lock} in \\w+ is invalid \\(${value.source}\\); [^\\n]+$`),
      );
      assert.match(message, new RegExp(`: UPDATE ${desk.bench.table.name} SET [^\\n]+ WHERE name = '${desk.lock}'$`));
      const { leases, senseless } = await desk.leases.list(desk.session, "all");
      assert.deepEqual(leases.map(({ lock }) => lock), [other]);
      assert.deepEqual(senseless.map(({ message }) => message), [message]);
      for (const from of ["nobody", { slack: HOUR, ttls: 1 }, { slack: 0, ttls: 0 }] as const) {
        await unlessRefused(desk.claim("c", from));
        await unlessRefused(desk.leases.insert(desk.session, claimOf(desk.lock, "c", from)));
      }
      assert.deepEqual(await desk.row(), before);
      // The message's cure works.
      const cure = /UPDATE .*$/.exec(message)![0].replace("LAST", "5").replace(/^UPDATE \w+/, "");
      await desk.bench.sql(`UPDATE ${desk.bench.name}${cure}`);
      await desk.leases.release(desk.session, desk.lock, { ...mine, fence: 5n });
      await desk.leases.release(desk.session, desk.lock, mine);
      assert.ok(await desk.claim("c"));
    });
  }

  for (const [column, value] of [["fence", -3n], ["fence", 2n ** 62n], ["beat", -1n], ["beat", 2n ** 62n]] as const) {
    test(`a free row with the ${column} ${value} is reported, and not claimed`, async () => {
      await using desk = await Desk.open(place);
      await desk.leases.release(desk.session, desk.lock, await desk.hold("a"));
      await desk.write(`${column} = ${value}`);
      const before = await desk.row();
      await unlessRefused(desk.claim("b"));
      assert.match((await refusal(desk.read())).message, new RegExp(`is invalid \\(${column} ${value}\\)`));
      assert.deepEqual(await desk.row(), before);
    });
  }

  test("another program's table is left unchanged", async () => {
    await using desk = await Desk.open(place);
    const { name } = desk.bench;
    await desk.bench.sql(`CREATE TABLE ${name} (id INT PRIMARY KEY, name VARCHAR(50), amount INT)`);
    for (
      const ask of [
        () => desk.claim("a"),
        () => desk.leases.insert(desk.session, claimOf(desk.lock, "a")),
        () => desk.read(),
        () => desk.leases.list(desk.session, "all"),
        () => desk.leases.renew(desk.session, desk.lock, { owner: ownerOf("a"), fence: 1n }, HOUR),
      ]
    ) {
      const { message, transient } = await refusal(ask());
      assert.equal(transient, false);
      assert.match(
        message,
        /^Cannot use the leases in runs_\w+: [^\n]+; define it as in sera doctor --lease --schema, or if it belongs to another program, name another one with --lease-table$/,
      );
    }
    assert.deepEqual(await desk.bench.sql(`SELECT * FROM ${name}`), []);
  });

  for (const column of ["label", "beat", "since", "ttl_ms"]) {
    test(`a table without the column ${column} is refused with a clear message`, async () => {
      await using desk = await Desk.open(place);
      await desk.hold("a");
      await desk.bench.sql(`ALTER TABLE ${desk.bench.name} DROP COLUMN ${column}`);
      for (const ask of [() => desk.claim("b"), () => desk.read(), () => desk.claim("a")]) {
        const { message } = await refusal(ask());
        assert.match(
          message,
          new RegExp(`^Cannot use the leases in runs_\\w+: [^\\n]*${column}[^\\n]*; define it as in `),
        );
      }
    });
  }

  test("a user needs only SELECT, INSERT and UPDATE on the prepared table", async () => {
    await using desk = await Desk.open(place);
    const { address, grantee } = await place.user(desk.bench);
    // So that the user may connect to the database.
    await using other = await place.bench();
    await desk.bench.sql(`CREATE TABLE ${other.name} (id INT)`);
    await desk.bench.sql(`GRANT SELECT ON ${other.name} TO ${grantee}`);
    const session = await place.session(address.server);
    try {
      const { name, table } = desk.bench;
      const claim = claimOf(desk.lock, "a");
      const insert = () => desk.leases.insert(session, claim);
      assert.match(
        (await refusal(insert())).message,
        /^Cannot use the leases in runs_\w+: [^\n]+(?:;| and) grant the [^\n]+$/,
      );
      const definition = desk.leases.schema();
      assert.match(definition, /^-- [^\n]+\n-- GRANT SELECT, INSERT, UPDATE ON \S+ TO \.\.\.;\nCREATE TABLE/);
      await desk.bench.sql(definition.replaceAll(/^--.*\n/gm, "").replace(/[`"]?runs_\w+[`"]?/, name));
      for (const missing of ["SELECT", "INSERT", "UPDATE"]) {
        const rights = ["SELECT", "INSERT", "UPDATE"].filter((right) => right !== missing).join(", ");
        await desk.bench.sql(`GRANT ${rights} ON ${name} TO ${grantee}`);
        const { message, transient } = await refusal(insert());
        assert.equal(transient, false);
        assert.match(
          message,
          /^Cannot use the leases in runs_\w+: [^\n]+(?:;| and) grant the \w+ SELECT, INSERT and UPDATE on/,
        );
        await desk.bench.sql(`REVOKE ${rights} ON ${name} FROM ${grantee}`);
      }
      await desk.bench.sql(`DELETE FROM ${name}`);
      await desk.bench.sql(`GRANT SELECT, INSERT, UPDATE ON ${name} TO ${grantee}`);
      const leases = place.leases(table);
      assert.equal(await leases.insert(session, claim), 1n);
      const mine = { owner: claim.owner, fence: 1n };
      assert.ok(await leases.renew(session, desk.lock, mine, HOUR));
      assert.equal((await leases.list(session, "all")).leases.length, 1);
      assert.equal(await leases.release(session, desk.lock, mine), true);
      // Who only looks needs less.
      await desk.bench.sql(`REVOKE INSERT, UPDATE ON ${name} FROM ${grantee}`);
      assert.equal(await leases.read(session, desk.lock), undefined);
      assert.match(
        (await refusal(leases.claim(session, claim))).message,
        /; grant the \w+ SELECT, INSERT and UPDATE on/,
      );
    } finally {
      await session.close();
    }
  });

  test("a table in which two rows have the same name is refused", async () => {
    await using desk = await Desk.open(place);
    const definition = desk.leases.schema().replaceAll(/^--.*\n/gm, "");
    await desk.bench.sql(definition.replace(/[`"]?runs_\w+[`"]?/, desk.bench.name).replace(/ PRIMARY KEY/, ""));
    for (let row = 0; row < 2; row++) {
      await desk.bench.sql(`INSERT INTO ${desk.bench.name} (name, fence, beat, ttl_ms, expires)
        VALUES ('${desk.lock}', 0, 0, 1000, ${place.ago(HOUR)})`);
    }
    const { message } = await refusal(desk.claim("a"));
    assert.match(
      message,
      /^Cannot use the leases in runs_\w+: it has several rows with the same name; delete all but one/,
    );
  });

  test("a table that allows several rows of one name is refused even if empty", async () => {
    await using desk = await Desk.open(place);
    const { name, table } = desk.bench;
    const definition = desk.leases.schema().replaceAll(/^--.*\n/gm, "");
    await desk.bench.sql(definition.replace(/[`"]?runs_\w+[`"]?/, name).replace(/ PRIMARY KEY/, ""));
    const claim = claimOf(desk.lock, "a");
    for (const index of ["INDEX", "UNIQUE INDEX"] as const) {
      const columns = index === "INDEX" ? "name" : "name, fence";
      await desk.bench.sql(`CREATE ${index} ${table.name}_${index.length} ON ${name} (${columns})`);
      const { message, transient } = await refusal(desk.leases.insert(desk.session, claim));
      assert.equal(transient, false);
      assert.match(
        message,
        /^Cannot use the leases in runs_\w+: [^\n]+; define it as in sera doctor --lease --schema, or if it belongs to another program, [^\n]+$/,
      );
      assert.equal(await desk.row(), undefined);
    }
    await desk.bench.sql(`CREATE UNIQUE INDEX ${table.name}_one ON ${name} (name)`);
    assert.equal(await desk.leases.insert(desk.session, claim), 1n);
  });

  test("a table that others keep locked is retried, and the cure is to see who locks it", async () => {
    await using desk = await Desk.open(place);
    await isRefusedWhileLocked(place, desk);
  });

  test("a connection that has ended is not reported as a problem of the table", async () => {
    await using desk = await Desk.open(place);
    const mine = await desk.hold("a");
    desk.session.destroy();
    const { message } = await refusal(desk.leases.renew(desk.session, desk.lock, mine, HOUR));
    assert.match(message, /^Cannot lock on /);
  });
}

/** The error of something that must fail. */
export async function refusal(promise: Promise<unknown>): Promise<LockUnavailableError> {
  try {
    const answer = await promise;
    assert.fail(`not refused, but answered: ${answer}`);
  } catch (error) {
    if (error instanceof LockUnavailableError) return error;
    throw error;
  }
}

/** A claim that must not succeed: it fails, or has no effect. */
async function unlessRefused(claim: Promise<bigint | undefined>): Promise<void> {
  try {
    assert.equal(await claim, undefined);
  } catch (error) {
    if (!(error instanceof LockUnavailableError)) throw error;
  }
}

/** Asks again after what may pass, such as a deadlock. */
async function retried<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1;; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof LockUnavailableError && error.transient) || tries === 5) throw error;
    }
  }
}
