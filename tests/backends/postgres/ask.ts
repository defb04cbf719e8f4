/** Connections to PostgreSQL as sera makes them, and assertions about them. */

import assert from "node:assert/strict";
import { LockUnavailableError } from "../../../lib/errors.ts";
import type { Lock } from "../../../lib/lock/lock.ts";
import { openPostgresSession } from "../../../lib/backends/postgres/open_session.ts";
import type { Row } from "../../../lib/backends/sql/row.ts";
import { administratorsSql } from "../../../lib/backends/sql/statement.ts";
import { freshName, never, plainOptions, plainSession } from "../open.ts";
import { type Env, parse, parsePostgres } from "../parse.ts";

/** The first row of the answer to a statement, in a session like a lock's. All values are text. */
export async function ask(url: string, sql: string, env?: Env, tlsCa?: string): Promise<Row> {
  const session = await openPostgresSession(await parsePostgres(url, env, tlsCa), plainSession, never);
  try {
    return { ...await session.query(administratorsSql(sql)) };
  } finally {
    await session.close();
  }
}

/** Opens the backend for a lock. Dispose of it. */
export async function openWith(url: string, name: string, env: Env = {}, tlsCa?: string): Promise<Lock> {
  return await (await parse(url, env, tlsCa)).lock(name, { ...plainOptions, env: (name) => env[name] });
}

/** Asserts that a lock can be acquired, and not a second time while it is held. */
export async function assertLocks(url: string, env?: Env, tlsCa?: string): Promise<void> {
  const name = freshName();
  await using one = await openWith(url, name, env, tlsCa);
  await using other = await openWith(url, name, env, tlsCa);
  const lock = await one.acquire(0, never);
  assert.ok(lock, url);
  assert.equal(await other.acquire(0, never), undefined);
  await lock.release();
}

/** Asserts that no lock can be acquired: exit code 202, and one line that says where and what, without a password. */
export async function assertUnavailable(url: string, message: RegExp, env?: Env, tlsCa?: string): Promise<void> {
  const backend = await openWith(url, freshName(), env, tlsCa);
  const error = await backend.acquire(0, never).then(
    (lock) => assert.fail(`expected an error for ${url}, but the lock was ${lock ? "held" : "busy"}`),
    (error) => error,
  ).finally(() => backend[Symbol.asyncDispose]());
  assertRefused(error, message);
}

/** Asserts that an error is as {@linkcode assertUnavailable} expects it. */
export function assertRefused(error: unknown, message: RegExp): void {
  assert.ok(error instanceof LockUnavailableError, `${error instanceof Error ? error.stack : error}`);
  assert.equal(error.exitCode, 202);
  assert.match(error.message, /^Cannot lock on PostgreSQL at (tcp|unix)\([^\n]+$/);
  assert.match(error.message, message);
  assert.doesNotMatch(error.message, /secret/);
}
