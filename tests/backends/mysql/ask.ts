/** Connections made as sera makes them, and looked at. */

import assert from "node:assert/strict";
import { LockUnavailableError } from "../../../lib/errors.ts";
import { openMySqlSession } from "../../../lib/backends/mysql/session.ts";
import type { Row } from "../../../lib/backends/sql/session.ts";
import { administratorsSql } from "../../../lib/backends/sql/statement.ts";
import { failure, never, plainSession } from "../open.ts";
import { parseMySql } from "../parse.ts";

/** The first row of the answer to a statement, asked over a session such as a lock gets. */
export async function ask(dsn: string, sql: string, tlsCa?: string): Promise<Row> {
  const session = await openMySqlSession(await parseMySql(dsn), { ...plainSession, tlsCa }, never);
  try {
    return await session.query(administratorsSql(sql));
  } finally {
    await session.close();
  }
}

/** Asserts that no lock is to be had: exit code 202, one line that says where and what, and no password. */
export async function assertUnavailable(dsn: string, message: RegExp, tlsCa?: string): Promise<void> {
  const error = await failure(dsn, tlsCa);
  assert.ok(error instanceof LockUnavailableError, `${error}`);
  assert.equal(error.exitCode, 202);
  assert.match(error.message, /^Cannot lock on MySQL at (tcp|unix)\([^\n]+$/);
  assert.match(error.message, message);
  assert.doesNotMatch(error.message, /secret/);
}
