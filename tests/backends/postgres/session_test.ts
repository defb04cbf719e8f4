/** A session's settings, as the server shows them. */

import assert from "node:assert/strict";
import { openPostgresSession } from "../../../lib/backends/postgres/open_session.ts";
import { identifier, join, sql } from "../../../lib/backends/sql/statement.ts";
import { never, plainSession } from "../open.ts";
import { sharedPostgres } from "../shared_server.ts";
import { parsePostgres } from "../parse.ts";

/** The lease's settings of a session, as the server shows them. */
const SETTINGS = [
  "idle_session_timeout",
  "tcp_keepalives_idle",
  "tcp_keepalives_interval",
  "tcp_keepalives_count",
  "tcp_user_timeout",
  "client_connection_check_interval",
];

sharedPostgres().test("the server is told the lease, over TCP in all ways there are", async (server) => {
  const cases: [ttl: number, url: string, values: string[]][] = [
    [3000, server.url(), ["3s", "1", "1", "2", "3000", "1s"]],
    [3000, server.url("options=-c%20idle_session_timeout%3D1h"), ["3s", "1", "1", "2", "3000", "1s"]],
    [30_000, server.url(), ["30s", "10", "10", "2", "30000", "10s"]],
    // Unanswered probes do not end it before the TTL.
    [5000, server.url(), ["5s", "2", "2", "2", "5000", "1667ms"]],
    // A socket's peer cannot vanish alone.
    [3000, `postgres://sera:secret@/sera?host=${server.socketFolder}&port=${server.port}`, [
      "3s",
      "0",
      "0",
      "0",
      "0",
      "1s",
    ]],
  ];
  for (const [ttl, url, values] of cases) {
    const options = { ...plainSession, lease: { ttl, grace: 0 } };
    const session = await openPostgresSession(await parsePostgres(url), options, never);
    const list = SETTINGS.map((name) => sql`current_setting(${name}) AS ${identifier(name)}`);
    const row = await session.query(sql`SELECT ${join(list)}`);
    await session.close();
    assert.deepEqual(SETTINGS.map((name) => row[name]), values, url);
    assert.equal(session.idleTimeout, ttl);
  }
});
