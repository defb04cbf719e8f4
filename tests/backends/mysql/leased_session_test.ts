/** Sessions for locks that are rows: what they set, what they ask, and on which servers they are opened. */

import assert from "node:assert/strict";
import { LockUnavailableError, UnsafeServerError } from "../../../lib/errors.ts";
import { mySqlDatabase } from "../../../lib/backends/mysql/checks.ts";
import { whatIsElsewhere } from "../../../lib/backends/mysql/replication.ts";
import { type MySqlSession, openMySqlSession } from "../../../lib/backends/mysql/session.ts";
import { administratorsSql } from "../../../lib/backends/sql/statement.ts";
import { until } from "../../cli/wait.ts";
import { type Galera, galeraUnavailable, startGalera } from "../../servers/galera.ts";
import type { MySqlServer } from "../../servers/mysql_process.ts";
import { type Answer, type AnswerRow, ServerError } from "../fake_server.ts";
import { never, plainSession } from "../open.ts";
import { parseMySql } from "../parse.ts";
import { RESTARTS, sharedMariaDb, sharedMySql56, SharedServer } from "../shared_server.ts";
import { FakeMySql } from "./fake_server.ts";

const leased = { ...plainSession, leased: true };

/** What to ask a session for the variables that it sets. */
const SETTINGS = "SELECT @@autocommit AS auto, @@lock_wait_timeout AS tables, @@innodb_lock_wait_timeout AS `rows`, " +
  "@@wait_timeout AS idle";

/** Opens a session, and closes it after use. */
async function inSession<T>(
  dsn: string,
  options: typeof leased,
  use: (session: MySqlSession) => Promise<T>,
): Promise<T> {
  const session = await openMySqlSession(await parseMySql(dsn), options, never);
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

async function ask(dsn: string, options: typeof leased, sql: string): Promise<unknown> {
  return { ...await inSession(dsn, options, (session) => session.query(administratorsSql(sql))) };
}

const OVERRIDING = "autocommit=0&lock_wait_timeout=77&innodb_lock_wait_timeout=78";

const mariaDb = sharedMariaDb();
for (const shared of [mariaDb, sharedMySql56()]) {
  shared.test("each statement commits, and waits for nothing, with a lease and without", async (server) => {
    const expected = { auto: 1, tables: 1, rows: 1, idle: 30 };
    for (const options of [leased, plainSession]) {
      for (const params of ["", OVERRIDING]) {
        assert.deepEqual(await ask(server.dsn(params), options, SETTINGS), expected, params);
      }
    }
  });

  shared.test("session locks work, and cost no further statement", async (server) => {
    for (const options of [leased, plainSession]) {
      assert.equal(await inSession(server.dsn(), options, (session) => Promise.resolve(session.hasSessionLocks)), true);
    }
  });

  shared.test("a DSN variable that the server lacks is reported, also in a session for leases", async (server) => {
    await assert.rejects(inSession(server.dsn("no_such_variable=1"), leased, () => Promise.resolve()), (error) => {
      assert.ok(error instanceof LockUnavailableError);
      assert.match(
        error.message,
        /Unknown system variable 'no_such_variable'; correct or remove the parameter in the DSN$/,
      );
      return true;
    });
  });
}

/** A server with these variables, and with given answers to statements with given beginnings. */
function fake(variables: Readonly<Record<string, string>>, answers: Readonly<Record<string, Answer>> = {}): FakeMySql {
  const rows: AnswerRow[] = Object.entries(variables).map(([name, value]) => ({ Variable_name: name, Value: value }));
  return new FakeMySql((sql) => {
    const answer = Object.entries(answers).find(([words]) => sql.includes(words))?.[1];
    return answer ?? (sql.startsWith("SHOW GLOBAL VARIABLES") ? rows : {});
  });
}

/** A server's statements, without the comment of sera's. */
function statementsOf({ statements }: FakeMySql): string[] {
  return statements.map((sql) => sql.replace(/ ?\/\*.*$/s, "").replace(/( IN) .*/s, "$1"));
}

const PLAIN = { version: "8.4.0", server_uuid: "u", read_only: "OFF" };
const NODE = { version: "10.11.6-MariaDB", read_only: "OFF", wsrep_on: "ON" };
const MEMBER = { ...PLAIN, group_replication_group_name: "g", group_replication_single_primary_mode: "OFF" };
const SHOW = "SHOW GLOBAL VARIABLES WHERE Variable_name IN";
const OLDEST = "SET wait_timeout=30, character_set_connection=@@character_set_client, autocommit=1";
const WITHOUT_INNODB = `${OLDEST}, lock_wait_timeout=1`;
const SET = `${WITHOUT_INNODB}, innodb_lock_wait_timeout=1`;

/** Servers, the statements that open a session for leases there, and whether it has locks of its own. */
const OPENED: [string, Readonly<Record<string, string>>, string[], boolean][] = [
  ["a plain server", PLAIN, [SHOW, SET], true],
  ["a node of a Galera cluster", NODE, [SHOW, SET, "SET wsrep_sync_wait=7", "SELECT 1"], false],
  ["a member of a group with several primaries", MEMBER, [SHOW, SET], false],
];

for (const [what, variables, statements, hasSessionLocks] of OPENED) {
  Deno.test(`${what} is asked for no more than it takes`, async () => {
    using server = fake(variables);
    await inSession(server.dsn, leased, (session) => {
      assert.equal(session.hasSessionLocks, hasSessionLocks);
      return Promise.resolve();
    });
    assert.deepEqual(statementsOf(server), statements);
    using without = fake(variables);
    await inSession(without.dsn, { ...plainSession, allowUnsafeServer: true }, (session) => {
      assert.equal(session.hasSessionLocks, hasSessionLocks);
      return Promise.resolve();
    });
    assert.deepEqual(statementsOf(without), [SHOW, SET]);
  });
}

Deno.test("a server that lacks the latest settings is set up with the others", async () => {
  const lacks = (name: string) => ({ [` ${name}=`]: new ServerError(1193, `Unknown system variable '${name}'`) });
  for (const options of [leased, plainSession]) {
    using withoutInnoDb = fake(PLAIN, lacks("innodb_lock_wait_timeout"));
    await inSession(withoutInnoDb.dsn, options, () => Promise.resolve());
    // One by one, once the server has refused them together.
    assert.deepEqual(statementsOf(withoutInnoDb), [SHOW, SET, SET, WITHOUT_INNODB, SHOW]);
    using old = fake(PLAIN, lacks("lock_wait_timeout"));
    await inSession(old.dsn, options, () => Promise.resolve());
    assert.deepEqual(statementsOf(old), [SHOW, SET, SET, WITHOUT_INNODB, OLDEST, SHOW]);
  }
});

for (const variables of [NODE, MEMBER, PLAIN]) {
  for (const name of ["read_only", "super_read_only", "innodb_read_only"]) {
    Deno.test(`no lease is kept by ${variables.version} with ${name} ${Object.keys(variables).at(-1)}`, async () => {
      using server = fake({ ...variables, [name]: "ON" });
      await assert.rejects(inSession(server.dsn, leased, () => Promise.resolve()), (error) => {
        assert.ok(error instanceof UnsafeServerError);
        assert.match(
          error.message,
          /: the server is read-only, most likely a replica, and cannot store a lease; name the primary$/,
        );
        return true;
      });
    });
  }
}

/** Asserts that a node may not be used now, but perhaps a moment later. */
async function assertCutOff(dsn: string): Promise<void> {
  await assert.rejects(inSession(dsn, leased, () => Promise.resolve()), (error) => {
    assert.ok(error instanceof LockUnavailableError && error.transient, `${error}`);
    assert.match(
      error.message,
      /: the node is cut off from its Galera cluster, or not ready; see wsrep_cluster_status there$/,
    );
    return true;
  });
}

for (const errno of [1047, 1205]) {
  Deno.test(`a node that answers ${errno} counts as outside the primary component`, async () => {
    using server = fake(NODE, { "SELECT 1": new ServerError(errno, "no") });
    await assertCutOff(server.dsn);
  });
}

Deno.test("a node with another error does not count as cut off", async () => {
  using server = fake(NODE, { "SELECT 1": new ServerError(1142, "SELECT command denied") });
  await assert.rejects(inSession(server.dsn, leased, () => Promise.resolve()), /: SELECT command denied$/);
});

/** Servers, and doctor's findings about leases and session locks. */
const FOUND: [string, Readonly<Record<string, string>>, string, RegExp][] = [
  [
    "Galera",
    NODE,
    "a node of a Galera cluster: there leases count, session locks do not",
    /a node of a Galera cluster, where each node/,
  ],
  [
    "a group",
    MEMBER,
    "a node of a group with several primaries: there leases count, session locks do not",
    /in a group with several primaries, each of which/,
  ],
];

for (const [what, variables, found, otherwise] of FOUND) {
  Deno.test(`${what} does not disturb leases, and hides no error`, async () => {
    using server = fake(variables);
    const dsn = await parseMySql(server.dsn);
    const allowed = { ...plainSession, allowUnsafeServer: true };
    await inSession(server.dsn, allowed, async (session) => {
      assert.deepEqual((await mySqlDatabase(dsn, leased).topology(session)).finding, { found });
      const { finding } = await mySqlDatabase(dsn, allowed).topology(session);
      assert.match(finding.found, otherwise);
      assert.match(finding.cure!, /^use --lease or /);
      assert.equal(await whatIsElsewhere(session, true, never), undefined);
      assert.match(await whatIsElsewhere(session, false, never) ?? "", /; use --lease or /);
    });
  });
}

let cluster: Galera;
const galera = new SharedServer<MySqlServer>("Galera", galeraUnavailable, async () => {
  cluster = await startGalera();
  return cluster.nodes[0];
});
Deno.test.afterAll(async () => {
  await cluster?.stop();
});

galera.test("a session for leases decides with the whole cluster", async () => {
  for (const node of cluster.nodes) {
    const asked = `${SETTINGS}, @@wsrep_sync_wait AS sync`;
    assert.deepEqual(await ask(node.dsn(), leased, asked), { auto: 1, tables: 1, rows: 1, idle: 30, sync: 7 });
    const session = { ...plainSession, allowUnsafeServer: true };
    assert.deepEqual(await ask(node.dsn(), session, "SELECT @@wsrep_sync_wait AS sync"), { sync: 0 });
    await inSession(node.dsn(), leased, (session) => {
      assert.equal(session.hasSessionLocks, false);
      return Promise.resolve();
    });
  }
});

galera.test("a node that is cut off from the others is skipped", async () => {
  // The first one weighs more.
  const [killed, lone] = cluster.nodes;
  await killed.kill();
  await until("the node knows that it is alone", async () => {
    const [row] = await lone.query("SHOW STATUS LIKE 'wsrep_cluster_status'");
    return row?.Value === "non-Primary";
  });
  await assertCutOff(lone.dsn());
  const both = `sera:secret@tcp(127.0.0.1:${killed.port},127.0.0.1:${lone.port},127.0.0.1:${mariaDb.server.port})/`;
  await inSession(both, leased, (session) => {
    assert.equal(session.where, `MySQL at tcp(127.0.0.1:${mariaDb.server.port})`);
    return Promise.resolve();
  });
}, RESTARTS);
