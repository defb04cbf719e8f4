/** `sera doctor` with a ledger in PostgreSQL: it fails exactly when a run would, and leaves nothing. */

import { postgresDialect } from "../../lib/backends/postgres/ledger.ts";
import { createTable } from "../../lib/backends/sql/schema.ts";
import { POSTGRESQL } from "../../lib/backends/sql/quoting.ts";
import { sharedPostgres } from "../backends/shared_server.ts";
import type { PostgresServer } from "../servers/postgres_process.ts";
import { type Kind, rights, type SetUp, testAll } from "./doctor_set_up.ts";

const POSTGRES_KIND: Kind<PostgresServer> = {
  address: ({ port, database }, parameters) =>
    `postgres://tester:secret@127.0.0.1:${port}/${database}${parameters ? `?${parameters}` : ""}`,
  fresh: [
    "DROP SCHEMA IF EXISTS jobs CASCADE",
    "DO $$ BEGIN CREATE ROLE tester LOGIN PASSWORD 'secret'; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
    "DO $$ BEGIN CREATE ROLE team; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
    "REVOKE team FROM tester",
    "CREATE SCHEMA jobs",
    "GRANT USAGE ON SCHEMA jobs TO tester",
  ],
  ledger: createTable(postgresDialect({ schema: "jobs", name: "sera_runs" }))
    .map((statement) => statement.textFor(POSTGRESQL)),
  async look(server) {
    const tables = await server.query(
      "SELECT relname FROM pg_class WHERE relnamespace = 'jobs'::regnamespace ORDER BY 1",
    );
    const rows = tables.some(({ relname }) => relname === "sera_runs")
      ? await server.query("SELECT * FROM jobs.sera_runs")
      : [];
    return { tables, rows };
  },
};

const POSTGRES_SET_UPS: readonly SetUp[] = [
  ...rights(POSTGRES_KIND, "tester"),
  {
    what: "no table, and no right to create it",
    before: [],
    says:
      /^fail .*it does not exist yet, and cannot be created: .*permission denied for schema jobs; grant the role USAGE on the schema; and CREATE, too, or have /,
  },
  {
    what: "no table, and no schema of the role's own",
    before: [],
    table: "sera_runs",
    says:
      /permission denied for schema public; have an administrator run CREATE SCHEMA AUTHORIZATION with the role's name/,
  },
  {
    what: "no table, and the right to create it as a member of a role",
    before: ["GRANT CREATE ON SCHEMA jobs TO team", "GRANT team TO tester"],
    says: /^pass there is no table yet; the first run creates it$/,
  },
  {
    what: "a schema that is not there",
    before: [],
    table: "nowhere.sera_runs",
    says: /^fail .*schema "nowhere" does not exist/,
  },
  {
    what: "a search_path that leads nowhere",
    before: [],
    table: "sera_runs",
    parameters: "options=-csearch_path%3Dnowhere",
    says: /^fail .*no schema has been selected to create in; have an administrator run CREATE SCHEMA AUTHORIZATION /,
  },
  {
    what: "sessions whose transactions may not idle",
    before: [
      ...POSTGRES_KIND.ledger,
      "GRANT ALL ON jobs.sera_runs TO tester",
      "GRANT ALL ON SEQUENCE jobs.sera_runs_id_seq TO tester",
    ],
    parameters: "options=-cidle_in_transaction_session_timeout%3D1",
    says: /^pass it can be read and written; it has no run yet$/,
  },
  {
    what: "sessions that are read-only",
    before: [...POSTGRES_KIND.ledger, "GRANT ALL ON jobs.sera_runs TO tester"],
    parameters: "options=-cdefault_transaction_read_only%3Don",
    says: /^fail .*cannot execute INSERT in a read-only transaction/,
  },
  {
    what: "another program's table",
    before: ["CREATE TABLE jobs.sera_runs (id int)", "GRANT ALL ON jobs.sera_runs TO tester"],
    says: /^fail .*this table is not sera's; name another one with --ledger-table$/,
  },
  {
    what: "a table without a column, and no right to add it",
    before: [
      ...POSTGRES_KIND.ledger,
      "ALTER TABLE jobs.sera_runs DROP COLUMN label",
      "GRANT ALL ON jobs.sera_runs TO tester",
    ],
    says: /^fail .*must be owner of table sera_runs/,
  },
  {
    what: "a table without a column, and the right to add it",
    before: [
      ...POSTGRES_KIND.ledger,
      "ALTER TABLE jobs.sera_runs DROP COLUMN label",
      "ALTER TABLE jobs.sera_runs OWNER TO tester",
    ],
    says: /^pass it can be read and written/,
  },
  {
    what: "a table that a crash empties",
    before: [
      ...POSTGRES_KIND.ledger,
      "GRANT ALL ON jobs.sera_runs TO tester",
      "ALTER TABLE jobs.sera_runs SET UNLOGGED",
    ],
    says: /^fail .*the table is UNLOGGED.*; ALTER TABLE jobs\.sera_runs SET LOGGED$/,
  },
  {
    what: "a policy that refuses rows",
    before: [
      ...POSTGRES_KIND.ledger,
      "GRANT ALL ON jobs.sera_runs TO tester",
      "ALTER TABLE jobs.sera_runs ENABLE ROW LEVEL SECURITY",
    ],
    says: /^fail .*row-level security/,
  },
  {
    what: "a trigger that refuses rows at the end of a transaction",
    before: [
      ...POSTGRES_KIND.ledger,
      "GRANT ALL ON jobs.sera_runs TO tester",
      "CREATE FUNCTION jobs.refuse() RETURNS trigger LANGUAGE plpgsql AS " +
      "$$ BEGIN RAISE EXCEPTION 'no rows today'; END $$",
      "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON jobs.sera_runs DEFERRABLE INITIALLY DEFERRED " +
      "FOR EACH ROW EXECUTE FUNCTION jobs.refuse()",
    ],
    says: /^fail .*no rows today; fix the trigger/,
  },
];

testAll(sharedPostgres(), POSTGRES_KIND, POSTGRES_SET_UPS);
