import { LockUnavailableError } from "../errors.ts";
import type { Session } from "./session.ts";

/** How a server is told from another that took its address over. */
export interface ServerIdentity {
  /** SQL that gives the server's own mark. */
  readonly expression: string;
  readonly identity: string;
}

/** What a server says of itself. */
export interface ServerFacts {
  /** The number of our connection. */
  readonly connection: number;
  readonly server: ServerIdentity;
  /** Variables by name in lower case; without those that the server does not know. */
  readonly variables: ReadonlyMap<string, string>;
}

const VARIABLES = [
  "version",
  "version_comment",
  "server_uuid",
  "read_only",
  "super_read_only",
  "innodb_read_only",
  "wsrep_on",
  "group_replication_group_name",
  "group_replication_single_primary_mode",
];

/** Asks a server what it is. */
export async function askFacts(session: Session, signal?: AbortSignal): Promise<ServerFacts> {
  const names = VARIABLES.map((name) => `'${name}'`).join(", ");
  const rows = await session.queryAll(`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names})`, { signal });
  // Servers differ in how they write the columns' names.
  const pairs = rows.map((row) => Object.values(row).map(String) as [string, string]);
  const variables = new Map(pairs.map(([name, value]) => [name.toLowerCase(), value]));
  // MariaDB has no uuid.
  const expression = variables.has("server_uuid")
    ? "@@server_uuid"
    : "CONCAT(@@server_id, '/', @@hostname, '/', @@port)";
  const row = await session.query(`SELECT CONNECTION_ID() AS connection, ${expression} AS server`, { signal });
  return { connection: Number(row.connection), server: { expression, identity: String(row.server) }, variables };
}

/** Why a lock on this server would not exclude everybody, and what to do; undefined if it would. */
export function whyUnsafe({ variables }: ServerFacts): string | undefined {
  // Newer MariaDB have more ways for read_only to be on than ON.
  const isOn = (name: string) => !["", "0", "OFF"].includes(variables.get(name)?.toUpperCase() ?? "");
  if (isOn("wsrep_on")) {
    return "the server is a node of a Galera cluster, and a lock there is the node's own; use a server outside of it";
  }
  if (variables.get("group_replication_group_name") && !isOn("group_replication_single_primary_mode")) {
    return "the server is in a group with several primaries, and a lock there is the server's own; use another server";
  }
  if (isOn("read_only") || isOn("super_read_only") || isOn("innodb_read_only")) {
    return "the server is read-only, most likely a replica, and a lock there excludes nobody elsewhere; name the primary";
  }
  return undefined;
}

/** @throws {LockUnavailableError} When a lock on this server would not exclude everybody. */
export function refuseUnsafe(where: string, facts: ServerFacts): void {
  const why = whyUnsafe(facts);
  if (why !== undefined) {
    throw new LockUnavailableError(`Cannot lock on ${where}: ${why}, or allow it with --allow-unsafe-server`);
  }
}
