/** Databases as administrators set them up, and what doctor and a run come to there. */

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import type { SharedServer } from "../backends/shared_server.ts";
import type { MySqlServer } from "../servers/mysql_process.ts";
import type { PostgresServer } from "../servers/postgres_process.ts";
import { doctor } from "./doctor_report.ts";
import { sera } from "./program.ts";

/** A database as an administrator set it up, and the result of a run there. */
export interface SetUp {
  readonly what: string;
  /** Statements of the administrator's, for the database `jobs`, or the schema of that name, and the user `tester`. */
  readonly before: readonly string[];
  readonly table?: string;
  readonly flags?: readonly string[];
  /** Parameters of the server's address. */
  readonly parameters?: string;
  /** Whether an earlier run could not record its end. */
  readonly hasLeft?: boolean;
  /** What doctor has to say of the ledger, in so many words. */
  readonly says: RegExp;
}

type Server = MySqlServer | PostgresServer;

/** The difference between the kinds of servers. */
export interface Kind<S extends Server> {
  address(server: S, parameters?: string): string;
  /** The state before each set-up. */
  readonly fresh: readonly string[];
  readonly ledger: readonly string[];
  /** What an administrator sees of the tables and their rows. */
  look(server: S): Promise<unknown>;
}

const RIGHTS = ["SELECT", "INSERT", "UPDATE", "DELETE"];

/** Every set of privileges on a table that is there. */
export function rights<S extends Server>({ ledger }: Kind<S>, grantee: string): SetUp[] {
  return Array.from({ length: 2 ** RIGHTS.length }, (_, bits) => RIGHTS.filter((_, index) => (bits >> index) % 2 === 1))
    .map((some) => {
      const lacks = RIGHTS.find((right) => !some.includes(right));
      return {
        what: `a table with ${some.join(", ") || "no right"}`,
        hasLeft: true,
        before: [...ledger, ...some.length > 0 ? [`GRANT ${some.join(", ")} ON jobs.sera_runs TO ${grantee}`] : []],
        says: lacks === undefined
          ? /^pass it can be read and written; it has no run yet$/
          : lacks === "DELETE"
          ? /^warn it can be read and written, but old runs are never deleted: .* denied .*; grant DELETE on it$/
          : /^fail Cannot use the ledger jobs\.sera_runs: .* denied .*; grant the (user|role) SELECT, INSERT/,
      };
    });
}

/** What a run leaves behind if it could not record its end. */
function leave(): string {
  return `INSERT INTO jobs.sera_runs (lock_name, started, outcome)
    VALUES ('${lockName("true")}', '2026-01-01 00:00:00', 'running')`;
}

/** Defines a test of each set-up. */
export function testAll<S extends Server>(
  servers: SharedServer<S>,
  kind: Kind<S>,
  setUps: readonly SetUp[],
): void {
  for (const { what, before, hasLeft, table = "jobs.sera_runs", parameters, flags: more = [], says } of setUps) {
    servers.test(`doctor fails whenever a run does: ${what}`, async (server) => {
      for (const statement of [...kind.fresh, ...before]) await server.query(statement);
      const flags = ["--server", kind.address(server, parameters), "--ledger-table", table, "--every", "1ms", ...more];
      const seen = await kind.look(server);
      const told = await doctor(flags);
      assert.deepEqual(await kind.look(server), seen, "doctor has changed something");
      assert.match(told.checks.get("ledger") ?? told.stdout, says);
      // Who may not record an end is refused from the second run on.
      if (hasLeft) await server.query(leave());
      const run = await sera([...flags, "0", "true"]);
      assert.equal(told.code, run.code, `${told.stdout}${run.stderr}`);
      assert.equal(told.code === 0, !told.checks.get("ledger")!.startsWith("fail"));
    });
  }
}
