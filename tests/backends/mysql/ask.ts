/** Connections as sera makes them, and assertions about them. */

import assert from "node:assert/strict";
import { LockUnavailableError } from "../../../lib/errors.ts";
import { openMySqlSession } from "../../../lib/backends/mysql/session.ts";
import type { Row } from "../../../lib/backends/sql/row.ts";
import { administratorsSql } from "../../../lib/backends/sql/statement.ts";
import { failure, never, plainSession } from "../open.ts";
import { parseMySql } from "../parse.ts";

/** The first row of the answer to a statement, in a session like a lock's. */
export async function ask(dsn: string, sql: string, tlsCa?: string): Promise<Row> {
  const session = await openMySqlSession(await parseMySql(dsn), { ...plainSession, tlsCa }, never);
  try {
    return await session.query(administratorsSql(sql));
  } finally {
    await session.close();
  }
}

/** Asserts that no lock can be acquired: exit code 202, and one line that says where and what, without a password. */
export async function assertUnavailable(dsn: string, message: RegExp, tlsCa?: string): Promise<void> {
  const error = await failure(dsn, tlsCa);
  assert.ok(error instanceof LockUnavailableError, `${error}`);
  assert.equal(error.exitCode, 202);
  assert.match(error.message, /^Cannot lock on MySQL at (tcp|unix)\([^\n]+$/);
  assert.match(error.message, message);
  assert.doesNotMatch(error.message, /secret/);
}
