import type { MySqlDsn } from "./server.ts";
import { formatDuration } from "../../text/duration.ts";
import { NEVER } from "../../waiting.ts";
import { askOne } from "../sql/answer.ts";
import type { MySqlOptions } from "./options.ts";
import { type MySqlSession, openMySqlSession } from "./session.ts";
import { isGaleraNode, type ServerVariables, whyNodeLocal, whyUnsafe } from "./topology.ts";
import { serverWords } from "../network/server_words.ts";
import { sql } from "../sql/statement.ts";
import { howToListLocks, isPerformanceSchemaOn, listedLocks } from "./all_sightings.ts";
import { readAttributes } from "./attributes.ts";
import { isReplica } from "./replication.ts";
import type { LeaseDatabase } from "../sql/lease/checks.ts";
import type { Database } from "../sql/checks.ts";

/** What `sera status` can show, depending on whose attributes this user may see. */
const VISIBILITY = {
  all: "sera status can list all locks",
  "this host": "this user can only see sessions from this host; sera status --name NAME asks for one lock of any host",
  listed: "sera status can list all locks; host, process and label of a holder only if the ledger has its run, since " +
    "performance_schema is off",
  none: "this user can only see its own sessions; sera status --name NAME asks for one lock of any user",
} as const;

function isMariaDb(variables: ServerVariables): boolean {
  return /mariadb/i.test(variables.get("version") ?? "");
}

/** A run does not check this: a replica that takes writes is fine if every node locks there. */
const REPLICATES = {
  found: "the server accepts writes, but replicates from another one: its locks do not count there",
  cure: "name the primary in the server setting of every node, or set read_only on replicas",
};

/** What `sera doctor` checks on MySQL and MariaDB. */
export function mySqlDatabase(
  dsn: MySqlDsn,
  options: MySqlOptions,
  leases?: LeaseDatabase<MySqlSession>,
): Database<MySqlSession> {
  return {
    leases,
    addresses: dsn.addresses,
    tls: {
      asked: dsn.tls === "off"
        ? "tls=false"
        : dsn.allowFallbackToPlaintext
        ? "tls if the server can"
        : `tls=${dsn.tls === "verify" ? "true" : dsn.tls}`,
      verified: dsn.tls === "verify" ? "its CA and names" : "nothing",
      password: dsn.password !== "",
      cure: "add tls=true to the DSN, and tls-ca if its CA is your own",
    },
    // Whole seconds: MySQL before 5.6 has no fractions.
    now: sql`SELECT UNIX_TIMESTAMP() AS now`,

    open: (allowUnsafeServer) =>
      leases && !allowUnsafeServer
        ? leases.server.open(NEVER, Infinity)
        : openMySqlSession(dsn, { ...options, allowUnsafeServer, observesOnly: true }, NEVER),

    version(session) {
      const { variables } = session;
      const [version = "unknown", comment = ""] = ["version", "version_comment"].map((name) => variables.get(name));
      const product = isMariaDb(variables) ? "MariaDB" : "MySQL";
      return Promise.resolve(serverWords(`${product} ${version}${comment && ` (${comment})`}`));
    },

    async topology(session) {
      const { variables } = session;
      const why = whyUnsafe(variables, options.leased);
      if (why !== undefined) {
        return { session, finding: { found: `${why.what} (--allow-unsafe-server)`, cure: why.cure } };
      }
      if (whyNodeLocal(variables) !== undefined) {
        const cluster = isGaleraNode(variables) ? "a Galera cluster" : "a group with several primaries";
        return { session, finding: { found: `a node of ${cluster}: there leases count, session locks do not` } };
      }
      const replicates = await isReplica(session, NEVER);
      return { session, finding: replicates ? REPLICATES : { found: "a single writable server, not a cluster" } };
    },

    privileges: () =>
      Promise.resolve({ found: leases ? "leases need only those on their table" : "locks need no privileges" }),

    async settings(session) {
      const asked = Math.ceil(options.lease.ttl / 1000);
      const got = (await askOne(session, sql`SELECT @@SESSION.wait_timeout AS got`, ["got"])).whole("got");
      const shown = `wait_timeout is ${formatDuration(got * 1000)}`;
      if (got === asked) return { found: `session settings applied: ${shown}` };
      const ttl = formatDuration(asked * 1000);
      return got < asked
        ? {
          found: `${shown}, not ${ttl}: the server frees the lock before the ttl is over`,
          cure: `set --ttl ${got}, or raise the limit on the server (maximum-wait-timeout)`,
        }
        : {
          found: `${shown}, not ${ttl}: the server keeps the lock of a vanished node for longer than the ttl says`,
          cure: "connect directly to the server, not through a proxy",
        };
    },

    roundTrips({ socket, login, oneAtATime }) {
      if (!login?.takesSeveral || oneAtATime) return Promise.resolve(undefined);
      const { remoteAddress, encrypted = false } = socket as typeof socket & { readonly encrypted?: boolean };
      // The greeting takes one, too. TLS is asked for without waiting, so that only the handshake comes on top.
      const before = (remoteAddress === undefined ? 0 : 1) + 1 + (encrypted ? 1 : 0) + login.trips;
      return Promise.resolve({ login: before, run: leases ? 4 : 3, ledger: 2 });
    },

    async view(session) {
      if (!await isPerformanceSchemaOn(session, NEVER)) {
        if (await listedLocks(session, NEVER)) return { found: VISIBILITY.listed };
        return {
          found: "performance_schema is off, so sera status cannot list all locks; locking is not affected",
          cure: `ask for one lock with --name, or ${howToListLocks(isMariaDb(session.variables))}`,
        };
      }
      const { scope } = await readAttributes(session, NEVER);
      return { found: VISIBILITY[scope] };
    },
  };
}
