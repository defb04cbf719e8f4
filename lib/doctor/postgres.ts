import type { PostgresServer } from "../config/postgres/server.ts";
import { LockUnavailableError } from "../errors.ts";
import { textFrom } from "../foreign.ts";
import { askOne } from "../lock/answer.ts";
import type { PostgresOptions } from "../lock/postgres.ts";
import { throughPooler } from "../lock/postgres_pooler.ts";
import { openPostgresSession, type PostgresSession, sessionSettings } from "../lock/postgres_session.ts";
import { serverWords } from "../lock/server_words.ts";
import { join, sql, word } from "../sql/statement.ts";
import type { Database } from "./database.ts";
import { type Finding, splitMessage } from "./report.ts";

/**
 * What there is to look at on PostgreSQL.
 *
 * @param pair Whether the lock has two keys, as one with a namespace has.
 */
export function postgresDatabase(
  server: PostgresServer,
  options: PostgresOptions,
  pair: boolean,
): Database<PostgresSession> {
  const { sslmode, sslrootcert } = server;
  const never = new AbortController().signal;
  const open = (allowUnsafeServer: boolean) => openPostgresSession(server, { ...options, allowUnsafeServer }, never);
  return {
    addresses: server.hosts.map(({ address }) => address),
    tls: {
      asked: `sslmode=${sslmode}`,
      verified: sslmode === "verify-full"
        ? "its CA and names"
        : sslmode === "verify-ca" || sslrootcert !== undefined
        ? "its CA"
        : "nothing",
      password: server.hosts.some(({ password }) => password !== undefined),
      cure: "use sslmode=verify-full, with sslrootcert=system or the file of its CA",
    },
    now: sql`SELECT extract(epoch FROM clock_timestamp()) AS now`,

    open,

    async version(session) {
      const version = (await askOne(session, sql`SELECT version() AS version`, ["version"])).text("version");
      return serverWords(version.split(" on ")[0]!);
    },

    async topology(session) {
      if (options.allowUnsafeServer) return await allowed(session, open);
      if (!session.pooled) return { session, finding: { found: "a primary, connected without a pooler" } };
      const checked = await throughPooler(session, () => open(false), never);
      return { session: checked, finding: { found: "a primary, behind a pooler that ties locks to connections" } };
    },

    async privileges(session) {
      const type = pair ? "(integer, integer)" : "(bigint)";
      const missing: string[] = [];
      for (const name of ["pg_try_advisory_lock", "pg_advisory_unlock"]) {
        const { may } = await session.query(sql`SELECT has_function_privilege(${name + type}, 'EXECUTE') AS may`);
        if (may !== "t") missing.push(`GRANT EXECUTE ON FUNCTION ${name}${type}`);
      }
      const { may } = await session.query(sql`SELECT has_table_privilege('pg_catalog.pg_locks', 'SELECT') AS may`);
      if (may !== "t") missing.push("GRANT SELECT ON pg_locks");
      if (missing.length === 0) return { found: "the user may use advisory locks, and see them" };
      const cure = missing.map((grant) => `${grant} TO ${server.user}`).join(", ");
      throw new LockUnavailableError(`The user may not use advisory locks in this database; ${cure}`);
    },

    async settings(session) {
      const tcp = session.socket.remoteAddress !== undefined;
      const asked = sessionSettings(options.lease).filter(([name]) => tcp || !name.startsWith("tcp_"));
      const names = join(asked.map(([name]) => word(name)));
      const rows = await session.queryAll(sql`SELECT name, setting, unit FROM pg_settings WHERE name IN (${names})`);
      const refused = asked.flatMap(([name, value]) => {
        const row = rows.find((row) => row.name === name);
        if (!row) return [`${name} (unknown there, not ${value})`];
        return Number(row.setting) === parseInt(value)
          ? []
          : [`${name} (${textFrom(row.setting)}${textFrom(row.unit) ?? ""}, not ${value})`];
      });
      if (refused.length === 0) return { found: `the server took all ${asked.length} settings, as the ttl asks` };
      return {
        found: `not taken: ${refused.join(", ")}: the lock of a vanished node may stay for longer than the ttl`,
        cure: "use PostgreSQL 14 or later, without anything between that changes settings",
      };
    },
  };
}

/** What allow-unsafe-server passes over. */
async function allowed(
  session: PostgresSession,
  open: (allowUnsafeServer: boolean) => Promise<PostgresSession>,
): Promise<{ finding: Finding; session: PostgresSession }> {
  const { standby } = await session.query(sql`SELECT pg_is_in_recovery() AS standby`);
  if (standby === "t") {
    return {
      session,
      finding: {
        found: "the server is a standby, and a lock there excludes nobody elsewhere (allow-unsafe-server)",
        cure: "name the primary",
      },
    };
  }
  if (!session.pooled) return { session, finding: { found: "a primary, connected without a pooler" } };
  try {
    const checked = await throughPooler(session, () => open(true), new AbortController().signal);
    return { session: checked, finding: { found: "a primary, behind a pooler that ties locks to connections" } };
  } catch (error) {
    if (!(error instanceof LockUnavailableError) || error.transient) throw error;
    const { found, cure } = splitMessage(error.message);
    const what = found.replace(/^Cannot lock on /, "");
    return { session: await open(true), finding: { found: `${what} (allow-unsafe-server)`, cure } };
  }
}
