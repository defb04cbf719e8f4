import type { Socket } from "node:net";
import type { PostgresServer } from "./server.ts";
import { LockUnavailableError } from "../../errors.ts";
import { textFrom } from "../../text/untrusted.ts";
import { isPlain, MAX_NAME_LENGTH } from "../../text/redaction.ts";
import { askOne } from "../sql/answer.ts";
import type { PostgresOptions } from "./options.ts";
import { isNamespacedName } from "../../lock/namespaced_name.ts";
import { requireSessionPooling } from "./pooler.ts";
import { openPostgresSession } from "./open_session.ts";
import type { PostgresSession } from "./session.ts";
import { sessionSettings } from "./set_up.ts";
import { serverWords } from "../network/server_words.ts";
import { join, sql, type Statement, word } from "../sql/statement.ts";
import type { LeaseDatabase } from "../sql/lease/checks.ts";
import type { Database } from "../sql/checks.ts";
import type { Finding } from "../../doctor/report.ts";
import { NEVER } from "../../waiting.ts";

/** What `sera doctor` checks on PostgreSQL. */
export function postgresDatabase(
  server: PostgresServer,
  options: PostgresOptions,
  leases?: LeaseDatabase<PostgresSession>,
): Database<PostgresSession> {
  const { sslmode, sslrootcert } = server;
  const open = (allowUnsafeServer: boolean) =>
    leases && !allowUnsafeServer ? leases.server.open(NEVER, Infinity) : openPostgresSession(
      server,
      { ...options, allowUnsafeServer, leased: leases !== undefined, observesOnly: true },
      NEVER,
    );
  return {
    leases,
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
      if (leases) return { session, finding: { found: whereLeasesAre(session) } };
      if (options.allowUnsafeServer) return await topologyIfAllowed(session, open);
      if (!session.pooled) return { session, finding: { found: "a primary, connected without a pooler" } };
      const checked = await requireSessionPooling(session, () => open(false), NEVER);
      return { session: checked, finding: { found: "a primary, behind a pooler that ties locks to connections" } };
    },

    async privileges(session) {
      if (!session.hasSessionLocks) return { found: "leases need only those on their table" };
      // A lock in a namespace has a pair of keys.
      const type = isNamespacedName(options.presence.lock) ? "(integer, integer)" : "(bigint)";
      const missing: string[] = [];
      if (!await may(session, sql`has_function_privilege(${`pg_try_advisory_lock${type}`}, 'EXECUTE')`)) {
        missing.push(`EXECUTE ON FUNCTION pg_try_advisory_lock${type}`);
      }
      if (!await may(session, sql`has_table_privilege('pg_catalog.pg_locks', 'SELECT')`)) {
        missing.push("SELECT ON pg_locks");
      }
      const unlock = `EXECUTE ON FUNCTION pg_advisory_unlock${type}`;
      const mayUnlock = await may(session, sql`has_function_privilege(${`pg_advisory_unlock${type}`}, 'EXECUTE')`);
      const role = isPlain(server.user, MAX_NAME_LENGTH) ? server.user : "the role";
      const cure = [...missing, ...mayUnlock ? [] : [unlock]].map((grant) => `GRANT ${grant} TO ${role}`).join(", ");
      if (missing.length > 0) {
        throw new LockUnavailableError("The user may not use advisory locks in this database", cure);
      }
      if (mayUnlock) return { found: "the user may use advisory locks, and see them" };
      return { found: "the user may not release advisory locks, which end with the connection only", cure };
    },

    async settings(session) {
      if (!session.hasSessionLocks) return { found: "not applied: a pooler's sessions are left as they are" };
      const tcp = session.socket.remoteAddress !== undefined;
      const asked = sessionSettings(options.lease).filter(([name]) =>
        (tcp || !name.startsWith("tcp_")) && !(leases && name === "lock_timeout")
      );
      const names = join(asked.map(([name]) => word(name)));
      const rows = await session.queryAll(sql`SELECT name, setting, unit FROM pg_settings WHERE name IN (${names})`);
      const refused = asked.flatMap(([name, value]) => {
        const row = rows.find((row) => row.name === name);
        if (!row) return [`${name} (unknown there, not ${value})`];
        return Number(row.setting) === parseInt(value)
          ? []
          : [`${name} (${textFrom(row.setting)}${textFrom(row.unit) ?? ""}, not ${value})`];
      });
      if (refused.length === 0) return { found: "session settings applied" };
      return {
        found: `session settings not applied: ${
          refused.join(", ")
        }: the lock of a vanished node may stay for longer than the ttl`,
        cure: "use PostgreSQL 14 or later, and no proxy that changes settings",
      };
    },

    async roundTrips(session) {
      if (session.oneAtATime) return undefined;
      const login = await connectingTrips(session, server) + session.loginTrips;
      return { login, run: leases ? 4 : 3, ledger: 2 };
    },

    async view(session) {
      const tracks = sql`current_setting('track_activities') AS tracks`;
      const all = sql`pg_has_role('pg_read_all_stats', 'USAGE') AS all_sessions`;
      const seen = await askOne(session, sql`SELECT ${tracks}, ${all}`, ["tracks", "all_sessions"]);
      if (!seen.is("tracks", "on")) {
        return {
          found: "track_activities is off, so sera status cannot say who holds a lock; locking is not affected",
          cure: "set track_activities = on in the server's configuration, and reload it",
        };
      }
      return {
        found: seen.truth("all_sessions")
          ? "sera status can show who holds each lock"
          : "this user can only see the details of its own sessions; pg_read_all_stats shows those of other users",
      };
    },
  };
}

/** The version from which on servers, unless they are told otherwise, take the curve that the runtime offers first. */
const TAKES_X25519 = 180_000;

/**
 * How many round trips it takes to connect. With TLS that is one to ask for it, unless it is there from the first byte, one for the handshake, and one more if the
 * server wants another curve; which ones it takes only an administrator may see.
 */
async function connectingTrips(session: PostgresSession, { sslmode, sslnegotiation }: PostgresServer): Promise<number> {
  const { remoteAddress, encrypted = false } = session.socket as Socket & { readonly encrypted?: boolean };
  if (remoteAddress === undefined) return 0;
  if (!encrypted) return sslmode === "prefer" ? 2 : 1;
  const asked = await askOne(session, sql`SELECT current_setting('server_version_num') AS version`, ["version"]);
  const handshake = asked.whole("version") >= TAKES_X25519 ? 1 : 2;
  return 1 + (sslnegotiation === "direct" ? 0 : 1) + handshake;
}

async function may(session: PostgresSession, privilege: Statement): Promise<boolean> {
  return (await askOne(session, sql`SELECT ${privilege} AS may`, ["may"])).truth("may");
}

function whereLeasesAre({ pooled, hasSessionLocks }: PostgresSession): string {
  if (!pooled) return "a primary, connected without a pooler";
  return hasSessionLocks
    ? "a primary, behind a pooler that ties locks to connections"
    : "a primary, behind a pooler that moves sessions: there leases count, session locks do not";
}

/** The finding where allow-unsafe-server is set: what it makes sera ignore, if anything. */
async function topologyIfAllowed(
  session: PostgresSession,
  open: (allowUnsafeServer: boolean) => Promise<PostgresSession>,
): Promise<{ finding: Finding; session: PostgresSession }> {
  const { standby } = await session.query(sql`SELECT pg_is_in_recovery() AS standby`);
  if (standby === "t") {
    return {
      session,
      finding: {
        found: "the server is a standby, and its locks do not count elsewhere (--allow-unsafe-server)",
        cure: "name the primary",
      },
    };
  }
  if (!session.pooled) return { session, finding: { found: "a primary, connected without a pooler" } };
  try {
    const checked = await requireSessionPooling(session, () => open(true), NEVER);
    return { session: checked, finding: { found: "a primary, behind a pooler that ties locks to connections" } };
  } catch (error) {
    if (!(error instanceof LockUnavailableError) || error.transient) throw error;
    const { reason, cure } = error;
    return { session: await open(true), finding: { found: `${reason} (--allow-unsafe-server)`, cure } };
  }
}
