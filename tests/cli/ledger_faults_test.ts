/**
 * Tables that do not keep what sera writes, or refuse it for good: what can be known beforehand keeps the command from
 * being started, and everything else is told at its end, at once.
 */

import assert from "node:assert/strict";
import { type Bench, type DatabasePlace, mySqlPlace, postgresPlace } from "../ledger/places.ts";
import { sharedMariaDb, sharedMySql56, sharedPostgres } from "../backends/shared_server.ts";
import { history } from "./ledger_view.ts";
import { fixture, Place } from "./place.ts";
import { until } from "./wait.ts";

const PLACES = [
  mySqlPlace(sharedMariaDb(), "MariaDB"),
  mySqlPlace(sharedMySql56(), "MySQL 5.6"),
  postgresPlace(sharedPostgres(), "PostgreSQL"),
];

const ONCE = ["--name", "n", "--once", "release-2026-11-26-migration-42"];
const UNHELD = "run 1 counts as abandoned, and the command may be run again; the lock was held the whole time, " +
  "so nobody else has run it; if it must not run again, record a success in its place: sera --name n --once ";

/** A table's fault. */
interface Fault {
  readonly what: string;
  /** Changes the definition of the table. */
  readonly definition?: (sql: string) => string;
  /** Statements that come after it. */
  readonly then?: (name: string) => readonly string[];
  /** Parameters of the server setting. */
  readonly params?: string;
  /** The only line; the command is started only if the line mentions its run. */
  readonly says: RegExp;
}

const MYSQL: readonly Fault[] = [
  {
    what: "a column run_key that is too short, where the server is not strict",
    params: "sql_mode=%27%27",
    definition: (sql) => sql.replace("run_key VARCHAR(190)", "run_key VARCHAR(20)"),
    says: /its table does not store the key unchanged; make the column as long as in sera history --schema/,
  },
  {
    what: "a column lock_name that is too short, where the server is not strict",
    params: "sql_mode=%27%27",
    definition: (sql) => sql.replace("lock_name VARCHAR(64)", "lock_name VARCHAR(16)"),
    says: /its table does not store the lock's name unchanged; /,
  },
  {
    what: "a column outcome that is too short, where the server is not strict",
    params: "sql_mode=%27%27",
    definition: (sql) => sql.replace("outcome VARCHAR(64)", "outcome VARCHAR(7)"),
    says:
      /run 1 is marked as succeed instead of succeeded; define the column outcome as in sera history --schema; run 1/,
  },
  {
    what: "a column outcome that is too short",
    params: "sql_mode=%27STRICT_ALL_TABLES%27",
    definition: (sql) => sql.replace("outcome VARCHAR(64)", "outcome VARCHAR(7)"),
    says: /Data too long for column 'outcome' at row 1; fix the trigger, .* column .*; run 1/,
  },
  {
    what: "a trigger that refuses the end",
    then: (name) => [
      `CREATE TRIGGER ${name}_t BEFORE UPDATE ON ${name} FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no end'`,
    ],
    says: /: no end; fix the trigger, constraint or column .*; run 1/,
  },
  {
    what: "a view of a table that keeps nothing",
    definition: (sql) => sql.replace("ENGINE=InnoDB", "ENGINE=MEMORY"),
    then: (name) => [`RENAME TABLE ${name} TO ${name}_base`, `CREATE VIEW ${name} AS SELECT * FROM ${name}_base`],
    says: /the table keeps nothing \(engine MEMORY\)/,
  },
  {
    what: "a view that cannot be written to",
    then: (name) => [
      `RENAME TABLE ${name} TO ${name}_base`,
      `CREATE VIEW ${name} AS SELECT DISTINCT * FROM ${name}_base`,
    ],
    says: /not (insertable-into|updatable); make the view writable, or name a table with --ledger-table$/m,
  },
  {
    what: "numbers that come to their end",
    then: (name) => [`ALTER TABLE ${name} AUTO_INCREMENT = 9223372036854775806`],
    says:
      /it assigned the number 9223372036854775806, .*; delete the rows with such ids, then ALTER TABLE \S+ AUTO_INCREMENT/,
  },
];

/** A function for triggers, and a trigger. */
const trigger = (name: string, when: string, body: string) => [
  `CREATE FUNCTION ${name}_f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} END $$`,
  `CREATE ${when.replace(" ON ", ` ON ${name} `)} FOR EACH ROW EXECUTE FUNCTION ${name}_f()`,
];

/** A table of parts for each outcome, in the place of the table. */
const parted = (name: string, ...parts: string[]) => [
  `ALTER TABLE ${name} RENAME TO ${name}_base`,
  `CREATE SEQUENCE ${name}_ids`,
  `GRANT ALL ON ${name}_ids TO sera`,
  `CREATE TABLE ${name} (LIKE ${name}_base INCLUDING DEFAULTS) PARTITION BY LIST (outcome)`,
  `ALTER TABLE ${name} ALTER id SET DEFAULT nextval('${name}_ids')`,
  ...parts.map((part, index) => part.replace("PART", `${name}_${index} PARTITION OF ${name}`)),
  `GRANT ALL ON ${name} TO sera`,
];

const STILL_RUNNING =
  /run 1 is still marked as running: the database accepted its end, but did not store it; see .*; run 1/;

const POSTGRES: readonly Fault[] = [
  {
    what: "a column outcome that is too short",
    definition: (sql) => sql.replace(/outcome text COLLATE "C"/, "outcome varchar(7)"),
    says: /value too long for type character varying\(7\); fix the trigger, .* column .*; run 1/,
  },
  {
    what: "a constraint that refuses the end",
    then: (name) => [`ALTER TABLE ${name} ADD CHECK (outcome <> 'succeeded')`],
    says: /violates check constraint .*; fix the trigger, .*; run 1/,
  },
  {
    what: "a trigger that refuses the end",
    then: (name) => trigger(name, "TRIGGER t BEFORE UPDATE ON ", "RAISE EXCEPTION 'no end';"),
    says: /: no end; fix the trigger, .*; run 1/,
  },
  {
    what: "a deferred trigger that refuses the end",
    then: (name) =>
      trigger(
        name,
        "CONSTRAINT TRIGGER t AFTER UPDATE ON  DEFERRABLE INITIALLY DEFERRED",
        "RAISE EXCEPTION 'no end';",
      ),
    says: /: no end; fix the trigger, .*; run 1/,
  },
  {
    what: "a trigger that drops the end",
    then: (name) => trigger(name, "TRIGGER t BEFORE UPDATE ON ", "RETURN NULL;"),
    says: STILL_RUNNING,
  },
  {
    what: "policies for reading and inserting only",
    then: (name) => [
      `ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY`,
      `CREATE POLICY a ON ${name} FOR SELECT USING (true)`,
      `CREATE POLICY b ON ${name} FOR INSERT WITH CHECK (true)`,
    ],
    says: STILL_RUNNING,
  },
  {
    what: "no policy",
    then: (name) => [`ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY`],
    says: /violates row-level security policy .*; add a policy that lets the role do that \(CREATE POLICY\), or/,
  },
  {
    what: "a rule that drops the end",
    then: (name) => [`CREATE RULE r AS ON UPDATE TO ${name} DO INSTEAD NOTHING`],
    says: /DO INSTEAD NOTHING rules are not supported .*; fix the trigger, .*, rule or .*--schema\)$/m,
  },
  {
    what: "a trigger that drops the run",
    then: (name) => trigger(name, "TRIGGER t BEFORE INSERT ON ", "RETURN NULL;"),
    says: /the database did not store the run; see the table's triggers, rules and policies$/m,
  },
  {
    what: "a view of a table that is UNLOGGED",
    then: (name) => [
      `ALTER TABLE ${name} SET UNLOGGED`,
      `ALTER TABLE ${name} RENAME TO ${name}_base`,
      `CREATE VIEW ${name} AS SELECT * FROM ${name}_base`,
      `GRANT ALL ON ${name} TO sera`,
    ],
    says: /the table is UNLOGGED, .*; ALTER TABLE runs_\w+_base SET LOGGED$/m,
  },
  {
    what: "a view that cannot be written to",
    then: (name) => [
      `ALTER TABLE ${name} RENAME TO ${name}_base`,
      `CREATE VIEW ${name} AS SELECT DISTINCT * FROM ${name}_base`,
      `GRANT ALL ON ${name} TO sera`,
    ],
    says: /cannot \w+ (?:into )?view "runs_\w+"; make the view writable, or name a table with --ledger-table$/m,
  },
  {
    what: "a part that is UNLOGGED",
    then: (name) =>
      parted(name, "CREATE TABLE PART FOR VALUES IN ('running', 'unstarted')", "CREATE UNLOGGED TABLE PART DEFAULT"),
    says: /the table is UNLOGGED, .*; ALTER TABLE runs_\w+_1 SET LOGGED$/m,
  },
  {
    what: "no part for the outcome",
    then: (name) => parted(name, "CREATE TABLE PART FOR VALUES IN ('running', 'unstarted')"),
    says: /no partition of relation .*; fix the trigger, .*; run 1/,
  },
  {
    what: "numbers that come to their end",
    then: (name) => [`SELECT setval(pg_get_serial_sequence('${name}', 'id'), 9223372036854775805)`],
    says: /it assigned the number 9223372036854775806, .*; delete the rows with such ids, then SELECT setval\(/,
  },
  {
    what: "numbers that are taken",
    then: (name) => [
      `INSERT INTO ${name} (id, lock_name, started, outcome) SELECT number, 'x', now(), 'succeeded'
        FROM generate_series(1, 50) number`,
    ],
    says:
      /the run numbers that it assigns are already taken; SELECT setval\(pg_get_serial_sequence\('runs_\w+', 'id'\), \(SELECT MAX/,
  },
];

/** Creates the table as `sera history --schema` prints it, apart from the fault. */
async function makeTable({ sql, name }: Bench, place: Place, { definition, then }: Fault): Promise<void> {
  const { stdout } = await place.sera(["history", "--schema"]);
  const statements = stdout.replace(/^--.*$/gm, "").split(";\n").filter((text) => text.trim() !== "");
  for (const statement of statements) {
    const changed = definition?.(statement) ?? statement;
    await sql(changed);
  }
  if (/postgres:/.test(place.server)) await sql(`GRANT ALL ON ${name} TO sera`);
  for (const statement of then?.(name) ?? []) await sql(statement);
}

async function removeAll({ sql, name }: Bench, kind: DatabasePlace["kind"]): Promise<void> {
  const cascade = kind === "postgres" ? " CASCADE" : "";
  for (const table of [name, `${name}_base`]) {
    await sql(`DROP VIEW IF EXISTS ${table}${cascade}`).catch(() => undefined);
    await sql(`DROP TABLE IF EXISTS ${table}${cascade}`).catch(() => undefined);
  }
}

for (const database of PLACES) {
  const { test, kind } = database;

  for (const fault of kind === "mysql" ? MYSQL : POSTGRES) {
    test(`${fault.what}: one line at once, and doctor fails`, async () => {
      await using bench = await database.bench(fault.params);
      await using place = await Place.make(bench.server, { SERA_LEDGER_TABLE: bench.name });
      await makeTable(bench, place, fault);
      try {
        // What doctor tries with a sequence is gone.
        const doctor = /numbers/.test(fault.what) ? undefined : await place.sera(["doctor", ...ONCE]);
        const { code, stdout, stderr } = await place.sera([...ONCE, "0", "echo", "ran"]);
        assert.match(stderr, /^sera: Cannot use the ledger [^\n]+\n$/);
        const isStarted = stderr.includes("counts as abandoned");
        // Doctor has used numbers.
        const line = stderr.replace(/\brun \d+/g, "run 1");
        assert.match(line, fault.says);
        assert.deepEqual({ code, stdout }, isStarted ? { code: 0, stdout: "ran\n" } : { code: 202, stdout: "" });
        if (isStarted) assert.ok(line.includes(UNHELD), line);
        if (doctor) {
          assert.match(doctor.stdout, /^fail {2}ledger /m);
          assert.equal(doctor.code, 202);
        }
      } finally {
        await removeAll(bench, kind);
      }
    });
  }

  test("without the right to UPDATE the command is not started, and no run is left that counts", async () => {
    await using bench = await database.bench();
    await using owner = await Place.make(bench.server, { SERA_LEDGER_TABLE: bench.name });
    await makeTable(bench, owner, { what: "", says: /^/ });
    const { address, grantee } = await database.user(bench);
    await bench.sql(`GRANT SELECT, INSERT ON ${bench.name} TO ${grantee}`);
    await using place = await Place.make(address.server, { SERA_LEDGER_TABLE: bench.name });
    const { code, stdout, stderr } = await place.sera([...ONCE, "0", "echo", "ran"]);
    assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
    assert.match(
      stderr,
      /^sera: Cannot use the ledger [^\n]+ denied [^\n]+; grant the \w+ SELECT, INSERT, UPDATE [^\n]+\n$/,
    );
    assert.deepEqual(await history(place), []);
  });

  if (kind === "mysql") {
    test("a system table is refused, with a hint what to name instead", async () => {
      await using bench = await database.bench();
      await using place = await Place.make(bench.server, { SERA_LEDGER_TABLE: "information_schema.runs" });
      const { code, stdout, stderr } = await place.sera([...ONCE, "0", "echo", "ran"]);
      assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
      assert.match(stderr, /^sera: Cannot use the ledger [^\n]+; name a table in your own database [^\n]+\n$/);
    });
  }

  test("exhausted run ids stay refused, so that the token never decreases", async () => {
    await using bench = await database.bench();
    await using place = await Place.make(bench.server, { SERA_LEDGER_TABLE: bench.name });
    assert.equal((await place.sera([...ONCE, "0", "true"])).code, 0);
    await bench.sql(
      kind === "mysql"
        ? `ALTER TABLE ${bench.name} AUTO_INCREMENT = 9223372036854775806`
        : `SELECT setval(pg_get_serial_sequence('${bench.name}', 'id'), 9223372036854775805)`,
    );
    for (let time = 1; time <= 4; time++) {
      const { code, stdout, stderr } = await place.sera(["--name", "n", "--ledger", "0", "echo", "ran"]);
      assert.deepEqual({ code, stdout }, { code: 202, stdout: "" }, `${time}`);
      assert.match(stderr, /^sera: Cannot use the ledger [^\n]+; delete the rows with such ids, then [^\n]+\n$/);
    }
  });

  const gone = {
    "whose run is deleted": (name: string) => [`DELETE FROM ${name}`],
    "that is dropped and made anew": (name: string) => [
      `ALTER TABLE ${name} RENAME TO ${name}_base`,
      `CREATE TABLE ${name} ${kind === "mysql" ? `LIKE ${name}_base` : `(LIKE ${name}_base INCLUDING ALL)`}`,
      ...kind === "mysql" ? [] : [`GRANT ALL ON ${name} TO sera`],
    ],
  };
  for (const [what, statements] of Object.entries(gone)) {
    test(`a ledger ${what} during a successful run: sera says what follows and what to do`, async () => {
      await using bench = await database.bench();
      await using place = await Place.make(bench.server, { SERA_LEDGER_TABLE: bench.name });
      await using run = place.startSera(["--name", "n", "--once", "k", "0", fixture("hold.sh")], { stdin: "open" });
      await run.says("ready");
      for (const statement of statements(bench.name)) await bench.sql(statement);
      await run.closeStdin();
      const { code, stderr } = await run.ended;
      assert.equal(code, 0);
      assert.match(
        stderr,
        /^sera: Cannot use the ledger \S+: run 1 has been deleted, so the command may be run again; the lock was held the whole time, so nobody else has run it; if it must not run again, record a success in its place: sera --name n --once k 0 true\n$/,
      );
      await removeAll({ ...bench, name: `${bench.name}_base` }, kind);
    });
  }

  test("a table that is renamed during a run is waited for, and not recreated", async () => {
    await using bench = await database.bench();
    await using place = await Place.make(bench.server, { SERA_LEDGER_TABLE: bench.name });
    await using run = place.startSera([...ONCE, "0", fixture("hold.sh")], { stdin: "open" });
    await run.says("ready");
    const other = `${bench.name}_other`;
    const rename = (from: string, to: string) =>
      bench.sql(
        kind === "mysql" ? `RENAME TABLE ${from} TO ${to}` : `ALTER TABLE ${from} RENAME TO ${to}`,
      );
    await rename(bench.name, other);
    await run.closeStdin();
    await run.says("trying to record the end of run 1");
    await rename(other, bench.name);
    assert.equal((await run.ended).code, 0);
    assert.equal((await history(place))[0]!.outcome, "succeeded");
  });

  test("a signal while the table is locked: the exit says that the lock was held", async () => {
    await using bench = await database.bench();
    await using place = await Place.make(bench.server, { SERA_LEDGER_TABLE: bench.name });
    await using run = place.startSera([...ONCE, "0", fixture("hold.sh")], { stdin: "open" });
    await run.says("ready");
    await using admin = await database.admin();
    const { take, giveBack } = database.wholeTable(bench.name);
    for (const statement of take) await admin.query(statement);
    await run.closeStdin();
    await until("it waits", async () => await database.blocked() === 1);
    run.kill("SIGTERM");
    const { code, stderr } = await run.ended;
    assert.equal(code, 0);
    assert.match(stderr, /kept its table locked \([^\n;]+\), and a signal ended the wait; run 1 counts as abandoned/);
    assert.match(stderr, /; the lock was held the whole time, so nobody else has run it; [^\n]+\n$/);
    await admin.query(giveBack);
  });

  test("a wait that is shorter than the ledger's own timeout is not exceeded", async () => {
    await using bench = await database.bench();
    await using place = await Place.make(bench.server, { SERA_LEDGER_TABLE: bench.name });
    assert.equal((await place.sera(["--name", "n", "--ledger", "0", "true"])).code, 0);
    await using admin = await database.admin();
    const { take, giveBack } = database.wholeTable(bench.name);
    for (const statement of take) await admin.query(statement);
    const { code, stdout, stderr } = await place.sera([...ONCE, "2", "echo", "ran"]);
    await admin.query(giveBack);
    assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
    // Not ten.
    assert.match(stderr, /^sera: Cannot use the ledger \S+: [^\n;]+ for [1-4]s; find out which session [^\n]+\n$/);
  });
}

const [, , postgres] = PLACES;

for (const [what, call] of Object.entries({ lock: "pg_try_advisory_lock(bigint)", ledger: "statement_timestamp()" })) {
  postgres!.test(`a function of the ${what}'s that the role may not call: the cure is that right`, async () => {
    await using bench = await postgres!.bench();
    await using place = await Place.make(bench.server, { SERA_LEDGER_TABLE: bench.name });
    await bench.sql(`REVOKE EXECUTE ON FUNCTION ${call} FROM PUBLIC`);
    try {
      const { code, stderr } = await place.sera([...ONCE, "0", "true"]);
      assert.equal(code, 202);
      assert.match(stderr, /^sera: [^\n]+ permission denied for function \w+; grant the role EXECUTE on it\n$/);
    } finally {
      await bench.sql(`GRANT EXECUTE ON FUNCTION ${call} TO PUBLIC`);
    }
  });
}

postgres!.test(
  "a session that is read-only: both who it may be for, and nothing that does not help a standby",
  async () => {
    await using bench = await postgres!.bench("options=-c%20default_transaction_read_only%3Don");
    await using place = await Place.make(bench.server, { SERA_LEDGER_TABLE: bench.name });
    const { code, stderr } = await place.sera(["--allow-unsafe-server", ...ONCE, "0", "true"]);
    assert.equal(code, 202);
    assert.match(
      stderr,
      /read-only transaction; connect to the primary, or find out what makes it read-only \(default_transaction_read_only\)\n$/,
    );
  },
);

const [mariaDb] = PLACES;

// Not utf8 where the server is not strict: it cuts a text before a character that it lacks.
for (
  const [charset, mode, shown] of [
    ["latin1", "", "?ä?"],
    ["latin1", "STRICT_ALL_TABLES", "?ä?"],
    ["utf8", "STRICT_ALL_TABLES", "漢ä?"],
  ] as const
) {
  mariaDb!.test(`a label keeps what a table in ${charset} can hold, sql_mode '${mode}'`, async () => {
    await using bench = await mariaDb!.bench(`sql_mode=%27${mode}%27`);
    await using place = await Place.make(bench.server, { SERA_LEDGER_TABLE: bench.name });
    const definition = (text: string) =>
      text.replaceAll("utf8mb4_bin", `${charset}_bin`).replaceAll("utf8mb4", charset);
    await makeTable(bench, place, { what: "", definition, says: /^/ });
    assert.equal((await place.sera([...ONCE, "--label", "漢ä😀", "0", "true"])).code, 0);
    assert.equal((await history(place))[0]!.label, shown);
  });
}
