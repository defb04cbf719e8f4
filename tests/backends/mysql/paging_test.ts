/** However many sessions there are, no answer exceeds the limit. */

import assert from "node:assert/strict";
import type { Session } from "../../../lib/backends/sql/session.ts";
import type { Row } from "../../../lib/backends/sql/row.ts";
import { MYSQL, POSTGRESQL, type Quoting } from "../../../lib/backends/sql/quoting.ts";
import { sql, type Statement } from "../../../lib/backends/sql/statement.ts";
import { readAttributes } from "../../../lib/backends/mysql/attributes.ts";
import { readProcesses } from "../../../lib/backends/mysql/processes.ts";
import { readSessionInfos } from "../../../lib/backends/postgres/session_info.ts";

const SESSIONS = 2500;
const { signal } = new AbortController();

/** A server with many sessions, which keeps to the order and the limit that a statement asks for. */
function serverWith(
  quoting: Quoting,
  row: (id: number) => Row,
): { readonly session: Session; readonly sizes: number[] } {
  const sizes: number[] = [];
  const session = {
    queryAll(statement: Statement): Promise<readonly Row[]> {
      const text = statement.textFor(quoting);
      const [, after, limit] = / > (\d+)[^]* ORDER BY \w+ LIMIT (\d+)$/.exec(text)!;
      const ids = Array.from({ length: SESSIONS }, (_, index) => 10 * (index + 1)).filter((id) => id > Number(after));
      const rows = ids.slice(0, Number(limit)).map(row);
      sizes.push(JSON.stringify(rows).length);
      return Promise.resolve(rows);
    },
  };
  return { session: session as unknown as Session, sizes };
}

const LONG = "f".repeat(1500);

Deno.test("all sessions of MySQL's list of processes are read, and no answer is too long", async () => {
  const { session, sizes } = serverWith(MYSQL, (id) => ({
    id,
    user: LONG.slice(0, 128),
    host: LONG.slice(0, 200),
    asks: LONG,
    idle: 0,
    client: 1,
    own: id === 70 ? 1 : 0,
  }));
  const { others, own } = await readProcesses(session, signal);
  assert.deepEqual([others.length, own?.id], [SESSIONS - 1, 70]);
  assert.ok(Math.max(...sizes) < 1024 * 1024, `${sizes}`);
});

Deno.test("all attributes are read, and no answer is too long", async () => {
  const { session, sizes } = serverWith(MYSQL, (id) => ({ id, sera_lock: "6161", sera_host: LONG, sera_label: LONG }));
  const { byConnection, scope } = await readAttributes(session, signal);
  assert.deepEqual([byConnection.size, scope, byConnection.get(70)?.lock], [SESSIONS, "all", "aa"]);
  assert.ok(Math.max(...sizes) < 1024 * 1024, `${sizes}`);
});

Deno.test("all sessions of PostgreSQL are read, and no answer is too long", async () => {
  const { session, sizes } = serverWith(
    POSTGRESQL,
    (id) => ({ session: String(id), query: LONG + LONG, user_name: LONG }),
  );
  assert.equal((await readSessionInfos(session, sql`TRUE`, signal))?.length, SESSIONS);
  assert.ok(Math.max(...sizes) < 1024 * 1024, `${sizes}`);
});
