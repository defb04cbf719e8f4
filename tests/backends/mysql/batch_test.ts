/** Several statements in one message, and servers that take only one. */

import assert from "node:assert/strict";
import type { Outcome } from "../../../lib/backends/sql/batch.ts";
import { type MySqlSession, openMySqlSession } from "../../../lib/backends/mysql/session.ts";
import { sql } from "../../../lib/backends/sql/statement.ts";
import { type Answer, ServerError } from "../fake_server.ts";
import { never, plainSession } from "../open.ts";
import { parseMySql } from "../parse.ts";
import { sharedMariaDb, sharedMySql56 } from "../shared_server.ts";
import { FakeMySql, type Several } from "./fake_server.ts";

/** Uses a session like a lock's. */
async function inSession<T>(dsn: string, use: (session: MySqlSession) => Promise<T>): Promise<T> {
  const session = await openMySqlSession(await parseMySql(dsn), plainSession, never);
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

/** The rows of each outcome, or the error's message. */
function shown(outcomes: readonly Outcome[]): unknown[] {
  return outcomes.map((outcome) => "rows" in outcome ? outcome.rows.map((row) => ({ ...row })) : outcome.error.reason);
}

/** How many messages a session sends for something. */
async function messagesOf(session: MySqlSession, act: () => Promise<unknown>): Promise<number> {
  const { socket } = session;
  const write = socket.write;
  let messages = 0;
  socket.write = (...args: unknown[]) => {
    messages++;
    return write.apply(socket, args as Parameters<typeof write>);
  };
  try {
    await act();
  } finally {
    socket.write = write;
  }
  return messages;
}

const ONE = sql`SELECT 1 AS one`;
const TWO = sql`SELECT 2 AS two UNION SELECT 3`;
const NOTE = sql`SET @note = 4`;
const READ_NOTE = sql`SELECT @note AS note`;
const WRONG = sql`SELECT no_such_column`;

for (const shared of [sharedMariaDb(), sharedMySql56()]) {
  const test = (name: string, params: string, use: (session: MySqlSession) => Promise<void>) =>
    shared.test(name, (server) => inSession(server.dsn(params), use));

  for (const [params, expected] of [["", 1], ["compress=true", 5]] as const) {
    test(`each of several statements gets its own answer (${params})`, params, async (session) => {
      let each: readonly Outcome[] = [];
      const messages = await messagesOf(session, async () => {
        each = await session.batch([TWO, NOTE, sql`SELECT @note AS note, NULL AS nothing`, sql`DO 0`, ONE]);
      });
      assert.deepEqual(shown(each), [[{ two: 2 }, { two: 3 }], [], [{ note: 4, nothing: null }], [], [{ one: 1 }]]);
      // A compressed one is written in two parts.
      assert.equal(params === "" ? messages : messages / 2, expected);
      assert.deepEqual({ ...await session.query(ONE) }, { one: 1 });
    });
  }

  test("after a failed statement the rest is not run, and the session stays usable", "", async (session) => {
    const each = await session.batch([ONE, WRONG, NOTE]);
    const [first, failed, skipped] = shown(each);
    assert.deepEqual(first, [{ one: 1 }]);
    assert.match(String(failed), /^MySQL at .*: Unknown column 'no_such_column'/);
    assert.equal(skipped, failed);
    assert.deepEqual({ ...await session.query(READ_NOTE) }, { note: null });
    // Other statements still go together.
    assert.equal(await messagesOf(session, () => session.batch([ONE, TWO])), 1);
  });

  test("a failure in the middle of rows loses none of the earlier answers", "", async (session) => {
    const subquery = sql`SELECT (SELECT 1 UNION SELECT n) AS value FROM (SELECT 1 AS n UNION SELECT 2) numbers`;
    const [first, failed] = shown(await session.batch([TWO, subquery, ONE]));
    assert.deepEqual(first, [{ two: 2 }, { two: 3 }]);
    assert.match(String(failed), /Subquery returns more than 1 row/);
  });

  test("a syntax error is reported once, whichever statement has it", "", async (session) => {
    for (const [index, batch] of [[sql`SELEKT`, ONE, TWO], [ONE, sql`SELEKT`, TWO]].entries()) {
      assert.match(String(shown(await session.batch(batch))[index]), /error in your SQL syntax/);
      assert.equal(session.oneAtATime, false);
    }
  });

  test("affected rows are counted for each statement", "", async (session) => {
    const each = await session.batch([sql`DO LAST_INSERT_ID(5)`, NOTE], { counts: true });
    assert.deepEqual(shown(each).map((rows) => (rows as { affected: string }[])[0]!.affected), ["0", "0"]);
  });

  test(
    "a semicolon in the administrator's SQL keeps the server from acquisition a second statement",
    "@a='x;y'",
    async (session) => {
      assert.deepEqual({ ...await session.query(sql`SELECT @a AS a`) }, { a: "x;y" });
      assert.equal(await messagesOf(session, () => session.batch([ONE, TWO])), 2);
      await assert.rejects(session.query(sql`SELECT 1; SELECT 2`), /error in your SQL syntax/);
    },
  );

  for (const value of ["1;SET @b=2", "1;"]) {
    shared.test(`a second statement in the DSN is refused: ${value}`, async (server) => {
      const dsn = server.dsn(`@a=${encodeURIComponent(value)}`);
      await assert.rejects(inSession(dsn, () => Promise.resolve()), /error in your SQL syntax/);
    });
  }
}

/** The messages for a batch of three and then one of two, on four kinds of servers. */
const KINDS: readonly (readonly [Several, what: string, messages: readonly [number, number]])[] = [
  ["takes", "takes several statements", [1, 1]],
  ["refuses", "says that it takes one statement at a time", [3, 2]],
  ["cannot read", "cannot read several statements", [4, 2]],
];

const fakeAnswer = (sql: string): Answer => sql.startsWith("SELECT") ? { n: Number(sql.split(" ")[1]) } : {};

for (const [several, what, [first, second]] of KINDS) {
  Deno.test(`a server that ${what} answers all statements`, async () => {
    using fake = new FakeMySql(fakeAnswer, undefined, undefined, several);
    await inSession(fake.dsn, async (session) => {
      session.oneAtATime = false;
      const messagesFor = async (...numbers: number[]) => {
        const before = fake.messages;
        const each = await session.batch(numbers.map((n) => sql`SELECT ${n} AS n`));
        assert.deepEqual(shown(each), numbers.map((n) => [{ n }]));
        return fake.messages - before;
      };
      assert.equal(await messagesFor(1, 2, 3), first);
      assert.equal(await messagesFor(4, 5), second);
    });
  });
}

Deno.test("a server that answers only the first of several is asked one by one afterwards", async () => {
  using fake = new FakeMySql(fakeAnswer, undefined, undefined, "forgets");
  await inSession(fake.dsn, async (session) => {
    session.oneAtATime = false;
    const [first, second] = shown(await session.batch([sql`SELECT 1 AS n`, sql`SELECT 2 AS n`]));
    assert.deepEqual(first, [{ n: 1 }]);
    assert.match(String(second), /the server did not answer each statement$/);
    assert.deepEqual(shown(await session.batch([sql`SELECT 3 AS n`, sql`SELECT 4 AS n`])), [[{ n: 3 }], [{ n: 4 }]]);
  });
});

Deno.test("a connection that ends leaves no statement of a batch without an error", async () => {
  const silent = new FakeMySql((sql) =>
    sql.startsWith("SELECT 2") ? new ServerError(1053, "Server shutdown in progress") : fakeAnswer(sql)
  );
  using fake = silent;
  await inSession(fake.dsn, async (session) => {
    const each = await session.batch([sql`SELECT 1 AS n`, sql`SELECT 2 AS n`, sql`SELECT 3 AS n`]);
    assert.deepEqual(each.map((outcome) => "rows" in outcome || outcome.error.transient), [true, true, true]);
    session.destroy();
    const after = await session.batch([sql`SELECT 1 AS n`, sql`SELECT 2 AS n`]);
    assert.match(String(shown(after)), /the connection was abandoned.*the connection was abandoned/);
  });
});
