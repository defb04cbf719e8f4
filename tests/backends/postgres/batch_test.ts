/** Several statements that are sent in one message, and answered one after another. */

import assert from "node:assert/strict";
import { openPostgresSession } from "../../../lib/backends/postgres/open_session.ts";
import type { PostgresSession } from "../../../lib/backends/postgres/session.ts";
import type { PostgresSessionOptions } from "../../../lib/backends/postgres/options.ts";
import type { Outcome } from "../../../lib/backends/sql/batch.ts";
import { administratorsSql } from "../../../lib/backends/sql/statement.ts";
import { pgBouncerUnavailable, startPgBouncer } from "../../servers/pgbouncer.ts";
import type { PostgresServer } from "../../servers/postgres_process.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../../servers/postgres_system.ts";
import { Proxy } from "../../servers/proxy.ts";
import { until } from "../../cli/wait.ts";
import { FAKE_POSTGRES } from "../fake_sessions.ts";
import { PID } from "./fake_server.ts";
import { never, plainSession } from "../open.ts";
import { parsePostgres } from "../parse.ts";
import { sharedPostgres, SharedServer } from "../shared_server.ts";

const open = async (url: string, options: Partial<PostgresSessionOptions> = {}) =>
  await openPostgresSession(await parsePostgres(url), { ...plainSession, ...options }, never);

const batch = (session: PostgresSession, ...statements: string[]) =>
  session.batch(statements.map((statement) => administratorsSql(statement)));

/** The first value of each answer, or the error's subject. */
const told = (outcomes: readonly Outcome[]) =>
  outcomes.map((outcome) =>
    "error" in outcome
      ? /division by zero|abandoned/.exec(outcome.error.message)?.[0]
      : Object.values(outcome.rows[0] ?? {})[0]
  );

const direct = sharedPostgres();

direct.test("a batch is answered in order, and a failure stops none of those after it", async (server) => {
  const session = await open(server.url());
  const answers = await batch(session, "SELECT 1", "SELECT 1/0", "SELECT 'x' WHERE false", "SELECT 4");
  assert.deepEqual(told(answers), ["1", "division by zero", undefined, "4"]);
  // Also beside statements that are not of it.
  const [before, all, after] = await Promise.all([
    session.query(administratorsSql("SELECT 1")),
    batch(session, "SELECT 2", "SELECT 3"),
    session.query(administratorsSql("SELECT 4")),
  ]);
  assert.deepEqual([...Object.values(before), ...told(all), ...Object.values(after)], ["1", "2", "3", "4"]);
  assert.deepEqual(await batch(session), []);
  await session.close();
});

direct.test("each statement of a batch is a transaction of its own", async (server) => {
  const session = await open(server.url());
  const asked = "SELECT extract(epoch FROM now())::text, pg_sleep(0.001)";
  const times = told(await batch(session, asked, asked, asked));
  assert.equal(new Set(times).size, 3);
  await session.close();
});

direct.test("when the session ends during a batch, each unanswered statement gets an error", async (server) => {
  const session = await open(server.url());
  const answers = batch(session, "SELECT 1", "SELECT pg_sleep(60)", "SELECT 3");
  await session.query(administratorsSql("SELECT 1"), { signal: AbortSignal.timeout(1) }).catch(() => undefined);
  assert.deepEqual(told(await answers).slice(1), ["abandoned", "abandoned"]);
  assert.deepEqual(told(await batch(session, "SELECT 1", "SELECT 2")), ["abandoned", "abandoned"]);
});

Deno.test("a batch is sent in one message, before its first statement is answered", async () => {
  using server = FAKE_POSTGRES.start(true);
  const { port } = new URL(server.setting);
  await using proxy = await Proxy.open(Number(port));
  const session = await open(server.setting.replace(port, `${proxy.port}`));
  proxy.stall("toClient");
  const asked = proxy.requests.length;
  const answers = batch(session, "SELECT AS got", "SELECT AS pid", "SELECT AS idle");
  await until("all three have arrived", () => server.statements.length === 4);
  assert.equal(proxy.requests.length, asked + 1);
  proxy.resume();
  assert.deepEqual(told(await answers), ["t", `${PID}`, "0"]);
  await session.close();
});

const behind = new SharedServer("PgBouncer", systemPostgresUnavailable ?? pgBouncerUnavailable, startSystemPostgres);

for (const mode of ["session", "transaction", "statement"] as const) {
  behind.test(`a batch through its ${mode} mode is answered in order`, async (server: PostgresServer) => {
    await using pool = await startPgBouncer(server, mode, { default_pool_size: mode === "session" ? "4" : "2" });
    const sessions = await Promise.all(Array.from({ length: 4 }, () => open(pool.url(), { leased: true })));
    for (let round = 0; round < 20; round++) {
      const answers = await Promise.all(
        sessions.map((session, which) => batch(session, `SELECT ${which}`, "SELECT 1/0", `SELECT ${which + 4}`)),
      );
      assert.deepEqual(answers.map(told), sessions.map((_, which) => [`${which}`, "division by zero", `${which + 4}`]));
    }
    await Promise.all(sessions.map((session) => session.close()));
  });
}
