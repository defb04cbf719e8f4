/** The end of a session, as the server sees it. */

import assert from "node:assert/strict";
import { openMySqlSession } from "../../../lib/backends/mysql/session.ts";
import { openPostgresSession } from "../../../lib/backends/postgres/open_session.ts";
import type { Session } from "../../../lib/backends/sql/session.ts";
import { Proxy } from "../../servers/proxy.ts";
import { FakeClock } from "../../lock/fake_clock.ts";
import { never, plainSession } from "../open.ts";
import { parseMySql, parsePostgres } from "../parse.ts";
import { sharedMariaDb, sharedMySql56, sharedPostgres } from "../shared_server.ts";

for (const shared of [sharedMariaDb(), sharedMySql56()]) {
  shared.test("a closed session no longer counts for connection limits", async (server) => {
    await server.query("GRANT USAGE ON *.* TO 'lone'@'127.0.0.1' IDENTIFIED BY 'secret' WITH MAX_USER_CONNECTIONS 1");
    await assertGone(server.port, async (port) => {
      const dsn = await parseMySql(`lone:secret@tcp(127.0.0.1:${port})/`);
      return await openMySqlSession(dsn, plainSession, never);
    });
  });
}

sharedPostgres().test("a closed session no longer counts for connection limits", async (server) => {
  await server.query("CREATE ROLE lone LOGIN PASSWORD 'secret' CONNECTION LIMIT 1");
  await assertGone(server.port, async (port) => {
    return await openPostgresSession(
      await parsePostgres(`postgres://lone:secret@127.0.0.1:${port}/postgres`),
      plainSession,
      never,
    );
  });
});

/** That a user who may have one session gets another one after it, although the goodbye is long on its way. */
async function assertGone(serverPort: number, open: (port: number) => Promise<Session>): Promise<void> {
  await using proxy = await Proxy.open(serverPort);
  const first = await open(proxy.port);
  await assert.rejects(open(serverPort), /too many connections|max_user_connections/);
  const before = proxy.requests.length;
  proxy.stall("toServer");
  // The goodbye may take as long as it needs.
  using clock = new FakeClock();
  let closed = false;
  const closing = first.close({ untilGone: true }).finally(() => closed = true);
  await clock.until("it says goodbye", () => proxy.requests.length > before);
  await assert.rejects(open(serverPort), /too many connections|max_user_connections/);
  assert.equal(closed, false);
  proxy.resume();
  await closing;
  await (await open(serverPort)).close();
}
