/** What PgBouncer refuses, and what sera says of it. */

import assert from "node:assert/strict";
import { pgBouncerUnavailable, startPgBouncer } from "../servers/pgbouncer.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../servers/postgres_system.ts";
import { linux, testWith } from "./needs.ts";
import { sera } from "./program.ts";
import { until } from "./wait.ts";

/** What sera says when it cannot lock there; the empty text if it can. */
async function toldOf(server: string): Promise<string> {
  const { code, stderr } = await sera(["--lease", "--server", server, "0", "true"]);
  assert.equal(code, stderr === "" ? 0 : 202, stderr);
  return stderr.replace(/^sera: Cannot lock on PostgreSQL at tcp\(127\.0\.0\.1:\d+\): /, "");
}

const needs = [linux, systemPostgresUnavailable, pgBouncerUnavailable];

testWith(needs, "a pooler's errors come with a cure, also when its server is down", async () => {
  await using server = await startSystemPostgres();
  await using pooler = await startPgBouncer(server, "transaction");
  const noLogin = "SASL authentication failed; check user and password, in the server setting and in the pooler's " +
    "auth_file or auth_query\n";
  assert.equal(await toldOf(pooler.url().replace(server.password, "wrong")), noLogin);
  assert.equal(await toldOf(pooler.url().replace(server.user, "nobody")), noLogin);
  assert.equal(
    await toldOf(pooler.url().replace(/[^/]+$/, "nowhere")),
    "no such database: nowhere; name a database of the pooler's [databases] in the server setting, or add it there\n",
  );
  assert.equal(await toldOf(pooler.url()), "");
  await server.stop();
  // The first one is kept waiting until the pooler knows.
  let told = "";
  await until("the pooler says that its server is down", async () => {
    told = await toldOf(pooler.url("connect_timeout=2"));
    return !told.startsWith("no answer within 2s; ");
  });
  assert.match(
    told,
    /^server login has been failing, [^;]*; start the server behind the pooler; .* server_login_retry, so set it to 1 \(/,
  );
});
