import type { LeaseTerms } from "../../lock/lease.ts";
import { Answer } from "../sql/answer.ts";
import { LOCK_WAIT } from "../sql/ledger_statements.ts";
import type { Row } from "../sql/row.ts";
import { join, sql, type Statement, word } from "../sql/statement.ts";
import { askOrAbort, type Client, loginPidOf } from "./driver.ts";
import { NotPrimaryError, sqlState, StandbyError, UnsuitableServerError } from "./errors.ts";
import type { PostgresSessionOptions } from "./options.ts";
import type { PostgresServer } from "./server.ts";
import { inMilliseconds } from "./sql.ts";

/** What sera asks about a new session. */
export type Facts = Answer<"pid" | "born" | "standby" | "read_only" | "idle">;

/**
 * SQL for whether the server is fit to lock on. It may change during a session: by a promotion, or a reload of
 * settings.
 */
export const FITNESS = sql`pg_is_in_recovery() AS standby, current_setting('transaction_read_only') AS read_only`;

/**
 * SQL for how long the server lets a session be idle, in milliseconds; 0 for ever. The setting is a text such as `1min`, so
 * the server converts it.
 */
export const IDLE = sql`${
  inMilliseconds(sql`coalesce(current_setting('idle_session_timeout', true), '0')::interval`)
} AS idle`;

/** SQL for {@linkcode Facts}. */
const FACTS = sql`pg_backend_pid() AS pid, extract(epoch FROM pg_postmaster_start_time())::text AS born, ${FITNESS},
  ${IDLE}`;

/**
 * The settings of a session: no limits that would interrupt a wait or a release, and the ttl, after which the server
 * frees the lock of a node that has vanished. Older servers do not know all of them, and those for TCP have no effect
 * on a Unix socket.
 */
export function sessionSettings({ ttl }: LeaseTerms): [name: string, value: string][] {
  // Rounded up, since keepalives alone must not end a session before the ttl.
  const third = Math.ceil(ttl / 3000);
  return [
    ["statement_timeout", "0"],
    ["lock_timeout", "0"],
    ["idle_session_timeout", `${Math.ceil(ttl)}ms`],
    ["tcp_keepalives_idle", `${third}`],
    ["tcp_keepalives_interval", `${third}`],
    ["tcp_keepalives_count", "2"],
    ["tcp_user_timeout", `${Math.ceil(ttl)}ms`],
    ["client_connection_check_interval", `${Math.ceil(ttl / 3)}ms`],
  ];
}

/**
 * The settings of a leased session, each as an expression that sets it: those of any session, and what the tables of
 * leases and of runs need. With synchronous_commit off, a crash of the server may lose committed changes; all other values
 * prevent that, and are kept.
 */
export function leasedSettings(lease: LeaseTerms): readonly Statement[] {
  const waiting = sql`set_config('lock_timeout', '${LOCK_WAIT}ms', false)`;
  const others = sessionSettings(lease).filter(([name]) => name !== "lock_timeout");
  const synchronous = sql`set_config('synchronous_commit', 'on', false)`;
  return [
    waiting,
    ...others.map(setting),
    sql`CASE current_setting('synchronous_commit') WHEN 'off' THEN ${synchronous} END`,
  ];
}

function setting([name, value]: readonly [name: string, value: string]): Statement {
  return sql`set_config(${word(name)}, ${word(value)}, false)`;
}

/**
 * Sets the session's settings and reads its {@linkcode Facts}, in one statement; if the server refuses that, one by
 * one, without the settings that it does not accept. A leased session through a pooler gets no settings: its server
 * session may be another client's next.
 *
 * @throws {UnsuitableServerError} When the answer cannot be read.
 * @throws The driver's error, or the signal's reason.
 */
export async function setUp(
  client: Client,
  { lease, leased }: Pick<PostgresSessionOptions, "lease" | "leased">,
  signal: AbortSignal,
): Promise<Facts> {
  const ask = (statement: Statement) => askOrAbort(client, statement, signal);
  const facts = (rows: readonly Row[], ...others: "set_config"[]) =>
    new Answer(
      rows,
      ["pid", "born", "standby", "read_only", "idle", ...others],
      ({ what, cure }) => new UnsuitableServerError(what, cure),
    );
  const ifDirect = (setting: Statement) =>
    sql`CASE WHEN pg_backend_pid() = ${loginPidOf(client)} THEN ${setting} END AS set_config`;
  const settings = leased ? leasedSettings(lease).map(ifDirect) : sessionSettings(lease).map(setting);
  try {
    return facts(await ask(sql`SELECT ${join(settings)}, ${FACTS}`), "set_config");
  } catch (error) {
    if (sqlState(error) === undefined) throw error;
    for (const setting of settings) {
      await ask(sql`SELECT ${setting}`).catch((error) => {
        if (sqlState(error) === undefined) throw error;
      });
    }
    return facts(await ask(sql`SELECT ${FACTS}`));
  }
}

/**
 * Refuses a server that is not what the settings ask for.
 *
 * @param facts The answer to {@linkcode FITNESS}.
 * @throws {NotPrimaryError} When the server is not fit to lock on, or no longer.
 */
export function refuseUnsuitable(
  facts: Answer<"standby" | "read_only">,
  { targetSessionAttrs }: Pick<PostgresServer, "targetSessionAttrs">,
  allowUnsafeServer: boolean,
): void {
  if (facts.truth("standby") && !allowUnsafeServer) {
    throw new StandbyError(
      "the server is a standby, and its locks do not count elsewhere",
      "name the primary, or allow it with --allow-unsafe-server",
    );
  }
  if (targetSessionAttrs === "read-write" && facts.text("read_only") !== "off") {
    throw new NotPrimaryError("the session is read-only, and target_session_attrs=read-write asks for a writable one");
  }
}

/**
 * Refuses a server that accepts no writes: no lease can be acquired there.
 *
 * @param facts The answer to {@linkcode FITNESS}.
 * @throws {NotPrimaryError} When it accepts none.
 */
export function refuseReadOnly(facts: Answer<"standby" | "read_only">): void {
  if (facts.truth("standby")) {
    throw new StandbyError("the server is a standby, where no lease can be written", "name the primary");
  }
  if (facts.text("read_only") !== "off") {
    throw new NotPrimaryError(
      "the session is read-only, and a lease must be written",
      "connect to the primary, or turn default_transaction_read_only off for the role",
    );
  }
}
