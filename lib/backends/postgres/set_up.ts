import type { LeaseTerms } from "../../lock/lease.ts";
import { Answer } from "../sql/answer.ts";
import type { Row } from "../sql/session.ts";
import { join, sql, type Statement, word } from "../sql/statement.ts";
import { askOrAbort, type Client } from "./driver.ts";
import { NotPrimaryError, sqlState, StandbyError, UnsuitableServerError } from "./errors.ts";
import type { PostgresServer } from "./server.ts";
import { inMilliseconds } from "./sql.ts";

/** What sera asks about a new session. */
export type Facts = Answer<"pid" | "born" | "standby" | "read_only" | "idle">;

/**
 * SQL for whether the server is fit to lock on. It may change during a session: by a promotion, or a reload of
 * settings.
 */
export const FITNESS = sql`pg_is_in_recovery() AS standby, current_setting('transaction_read_only') AS read_only`;

/** SQL for {@linkcode Facts}. The timeout is a text such as `1min`, so the server converts it. */
const FACTS = sql`pg_backend_pid() AS pid, extract(epoch FROM pg_postmaster_start_time())::text AS born, ${FITNESS},
  ${inMilliseconds(sql`coalesce(current_setting('idle_session_timeout', true), '0')::interval`)} AS idle`;

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
 * Sets the session's settings and reads its {@linkcode Facts}, in one statement; if the server refuses that, one by
 * one, without the settings that it does not take.
 *
 * @throws {UnsuitableServerError} When the answer cannot be read.
 * @throws The driver's error, or the signal's reason.
 */
export async function setUp(client: Client, lease: LeaseTerms, signal: AbortSignal): Promise<Facts> {
  const ask = (statement: Statement) => askOrAbort(client, statement, signal);
  const facts = (rows: readonly Row[], ...others: "set_config"[]) =>
    new Answer(
      rows,
      ["pid", "born", "standby", "read_only", "idle", ...others],
      ({ what, cure }) => new UnsuitableServerError(what, cure),
    );
  const settings = sessionSettings(lease).map(([name, value]) => sql`set_config(${word(name)}, ${word(value)}, false)`);
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
      "the server is a standby, and a lock there excludes nobody elsewhere",
      "name the primary, or allow it with --allow-unsafe-server",
    );
  }
  if (targetSessionAttrs === "read-write" && facts.text("read_only") !== "off") {
    throw new NotPrimaryError("the session is read-only, and target_session_attrs=read-write asks for another");
  }
}
