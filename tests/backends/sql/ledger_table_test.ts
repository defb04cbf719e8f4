/** How the ledger's table is created, and the messages when that fails, on a fake database. */

import assert from "node:assert/strict";
import { sqliteDialect } from "../../../lib/backends/file/sqlite_dialect.ts";
import { LedgerTable } from "../../../lib/backends/sql/ledger_table.ts";
import { COLUMN_NAMES, createTable } from "../../../lib/backends/sql/schema.ts";
import type { Row } from "../../../lib/backends/sql/row.ts";
import { SQLITE } from "../../../lib/backends/sql/quoting.ts";
import { sql } from "../../../lib/backends/sql/statement.ts";
import { LockUnavailableError } from "../../../lib/errors.ts";
import { LedgerBusyError } from "../../../lib/ledger/patience.ts";

const ASK = sql`SELECT 1`;

/** The database's own messages. */
function said(words: string, transient = false, make = LockUnavailableError): LockUnavailableError {
  return make.on("db", { what: words, cure: "as for a lock" }, { transient, cause: new Error(words) });
}

/** A fake database that records the statements. */
class Database {
  readonly asked: string[] = [];
  /** The error for a statement, if any. */
  trouble: (text: string, time: number) => LockUnavailableError | undefined = () => undefined;
  readonly dialect = sqliteDialect("ledger");

  readonly table: LedgerTable;

  constructor(parts: Partial<ReturnType<typeof sqliteDialect>> = {}) {
    const run = (statement: typeof ASK): Promise<readonly Row[]> => {
      const text = statement.textFor(SQLITE);
      this.asked.push(text);
      const trouble = this.trouble(text, this.asked.length);
      return trouble ? Promise.reject(trouble) : Promise.resolve([{ answer: this.asked.length }]);
    };
    this.table = new LedgerTable({ dialect: { ...this.dialect, ...parts }, run });
  }

  /** The first words of each statement. */
  get kinds(): readonly string[] {
    return this.asked.map((text) => text.split(" ", 2).join(" "));
  }
}

async function failure(promise: Promise<unknown>): Promise<LockUnavailableError> {
  const error = await promise.then(() => assert.fail("it did not fail"), (error: unknown) => error);
  assert.ok(error instanceof LockUnavailableError, `${error}`);
  return error;
}

Deno.test("a missing table is created when writing, and the statement is repeated", async () => {
  const database = new Database();
  database.trouble = (text, time) => text === "SELECT 1" && time === 1 ? said("no such table: sera_runs") : undefined;
  assert.deepEqual(await database.table.ask(ASK), [{ answer: database.asked.length }]);
  const made = createTable(database.dialect).map((statement) => statement.textFor(SQLITE));
  assert.deepEqual(database.asked, ["SELECT 1", ...made, "SELECT 1"]);
});

Deno.test("a table that stays missing is created only once, and one that existed is not created again", async () => {
  for (const [makes, kinds] of [[true, 1 + createTable(new Database().dialect).length + 1], [false, 1]] as const) {
    const database = new Database();
    database.trouble = (text) => text === "SELECT 1" ? said("no such table: sera_runs") : undefined;
    const { what } = await failure(database.table.ask(ASK, makes));
    assert.equal(what, "Cannot use the ledger ledger: db: no such table: sera_runs");
    assert.equal(database.asked.length, kinds);
  }
});

Deno.test("missing columns of an older table are added; if another sera was faster, that is no error", async () => {
  const database = new Database();
  database.trouble = (text, time) => {
    if (time === 1) return said("no such column: expires");
    return text.includes("ADD COLUMN label") ? said("duplicate column name: label") : undefined;
  };
  await database.table.ask(ASK);
  assert.deepEqual(database.kinds, [
    "SELECT 1",
    "SELECT id,",
    ...COLUMN_NAMES.map(() => "ALTER TABLE"),
    "SELECT 1",
  ]);
});

Deno.test("columns that stay missing are added only once", async () => {
  const database = new Database();
  database.trouble = (text) => text === "SELECT 1" ? said("no such column: extra") : undefined;
  const { what } = await failure(database.table.ask(ASK));
  assert.equal(what, "Cannot use the ledger ledger: db: no such column: extra");
  assert.equal(database.kinds.filter((kind) => kind === "ALTER TABLE").length, COLUMN_NAMES.length);
});

Deno.test("a table without sera's columns belongs to another program, and is left unchanged", async () => {
  const database = new Database();
  database.trouble = () => said("no such column: version");
  const { what, cure } = await failure(database.table.ask(ASK));
  assert.deepEqual({ what, cure }, {
    what: "Cannot use the ledger ledger: this table is not sera's",
    cure: "move it away to start afresh",
  });
  assert.deepEqual(database.kinds, ["SELECT 1", "SELECT id,"]);
});

Deno.test("an aborted statement is tried at most three times, one that ran into a lock timeout once", async () => {
  const broken = new Database();
  broken.trouble = () => said("broken off", true);
  assert.equal((await failure(broken.table.ask(ASK))).transient, true);
  assert.equal(broken.asked.length, 3);

  const recovering = new Database();
  recovering.trouble = (_, time) => time < 3 ? said("broken off", true) : undefined;
  assert.deepEqual(await recovering.table.ask(ASK), [{ answer: 3 }]);

  const busy = new Database();
  busy.trouble = () => said("others keep it locked", true, LedgerBusyError);
  await failure(busy.table.ask(ASK));
  assert.equal(busy.asked.length, 1);
});

Deno.test("reading creates no table; a missing table reads as empty", async () => {
  const database = new Database();
  database.trouble = () => said("no such table: sera_runs");
  assert.equal(await database.table.reading((ask) => ask(ASK)), undefined);
  assert.deepEqual(database.asked, ["SELECT 1"]);
});

Deno.test("reading works without the columns that an older table lacks", async () => {
  const database = new Database();
  database.trouble = (text, time) =>
    time === 1 || text.startsWith("SELECT expires") || text.startsWith("SELECT pid")
      ? said("no such column: whatever")
      : undefined;
  let lacking: readonly string[] = [];
  await database.table.reading((ask, missing) => {
    lacking = missing;
    return ask(ASK);
  });
  assert.deepEqual(lacking, ["pid", "expires"]);
  assert.ok(database.asked.every((text) => text.startsWith("SELECT ")));
});

Deno.test("a table's cure takes precedence over a lock's", async () => {
  const cures: readonly (readonly [parts: ConstructorParameters<typeof Database>[0], cure: string])[] = [
    [{}, "as for a lock"],
    [{ isRefused: () => true, grant: "grant it" }, "grant it"],
    [{ isRefused: () => true, grant: "grant it", cureOf: () => "make room" }, "make room"],
    [{ isUnencodable: () => true, cureOf: () => "make room" }, "use a key of plain ASCII letters and digits"],
  ];
  for (const [parts, expected] of cures) {
    const database = new Database(parts);
    database.trouble = () => said("refused; see x");
    const { what, cure, cause } = await failure(database.table.ask(ASK));
    assert.equal(what, "Cannot use the ledger ledger: db: refused; see x");
    assert.ok(cure?.startsWith(expected), `${cure}`);
    assert.deepEqual(cause, new Error("refused; see x"));
  }
  const reader = new Database({ isRefused: () => true, grant: "grant all", grantToRead: "grant SELECT" });
  reader.trouble = () => said("refused; see x");
  assert.equal((await failure(reader.table.reading((ask) => ask(ASK)))).cure, "grant SELECT");
});
