import { LockUnavailableError, type Trouble, UnsafeServerError } from "../../errors.ts";
import type { Row } from "../sql/row.ts";
import type { Session } from "../sql/session.ts";
import { join, sql, type Statement, variable, word } from "../sql/statement.ts";

/** A server's global variables, by name in lower case; without those that it does not have. */
export type ServerVariables = ReadonlyMap<string, string>;

/** Identify a server, to notice a successor at the same address; for MariaDB, which has no server_uuid. */
const IDENTIFYING = ["server_id", "hostname", "port"];

/** Variables that can change during a session, by a switchover or an administrator. */
const STATE = [
  "read_only",
  "super_read_only",
  "innodb_read_only",
  "wsrep_on",
  "group_replication_group_name",
  "group_replication_single_primary_mode",
];

const VARIABLES = [
  "version",
  "version_comment",
  "server_uuid",
  ...IDENTIFYING,
  ...STATE,
];

/** Reads the variables that tell what a server is. */
export function askVariables(): Statement {
  return sql`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${join(VARIABLES.map(word))})`;
}

/**
 * Reads the answer to {@linkcode askVariables}.
 *
 * @throws {LockUnavailableError} When it is invalid.
 */
export function readVariables({ where }: Session, rows: readonly Row[]): ServerVariables {
  const variables = new Map<string, string>();
  for (const row of rows) {
    // By position, since the column names differ between servers.
    const [name, value, ...others] = Object.values(row);
    if (typeof name !== "string" || typeof value !== "string" || others.length > 0) throw unknown(where);
    variables.set(name.toLowerCase(), value);
  }
  return variables;
}

function unknown(where: string): LockUnavailableError {
  return LockUnavailableError.on(where, {
    what: "the server does not say what it is (SHOW GLOBAL VARIABLES)",
    cure: "connect directly to the server",
  });
}

/** Identifies the server: SQL for its mark, and the expected answer. */
export function serverIdentity(variables: ServerVariables): { readonly expression: Statement; readonly mark: string } {
  const uuid = variables.get("server_uuid");
  if (uuid !== undefined) return { expression: sql`@@server_uuid`, mark: uuid };
  return {
    expression: sql`CONCAT_WS('/', ${join(IDENTIFYING.map((name) => variable(`@@${name}`)))})`,
    mark: IDENTIFYING.map((name) => variables.get(name)).join("/"),
  };
}

/** How to ask, within another statement, for the variables that {@linkcode whyUnsafe} needs. */
export interface AskState {
  /** SQL for their values in one text, with slashes between them. */
  readonly expression: Statement;
  /** How many values there are. */
  readonly count: number;
  /** Turns the values into variables again. */
  readonly read: (texts: readonly string[]) => ServerVariables;
}

/**
 * How to ask again for the variables that may change.
 *
 * @param variables What the server answered before: asking for a variable that it does not have is an error.
 */
export function askState(variables: ServerVariables): AskState {
  const names = STATE.filter((name) => variables.has(name));
  const values = names.map((name) => sql`IFNULL(${variable(`@@GLOBAL.${name}`)}, '')`);
  return {
    expression: values.length === 0 ? sql`''` : sql`CONCAT_WS('/', ${join(values)})`,
    count: names.length,
    read: (texts) => new Map(names.map((name, index) => [name, texts[index]!])),
  };
}

/** Whether the server is a node of a Galera cluster. */
export function isGaleraNode(variables: ServerVariables): boolean {
  return isOn(variables, "wsrep_on");
}

/** Why a session lock would be local to this node, and what to do; undefined outside multi-primary clusters. */
export function whyNodeLocal(variables: ServerVariables): Required<Trouble> | undefined {
  if (isGaleraNode(variables)) {
    return {
      what: "the server is a node of a Galera cluster, where each node has its own locks",
      cure: "use --lease or a server outside the cluster",
    };
  }
  if (variables.get("group_replication_group_name") && !isOn(variables, "group_replication_single_primary_mode")) {
    return {
      what: "the server is in a group with several primaries, each of which has its own locks",
      cure: "use --lease or another server",
    };
  }
  return undefined;
}

/**
 * Why locks on this server are not cluster-wide, and what to do; undefined if they are.
 *
 * @param leased Whether they are kept in rows, which all nodes of a cluster share.
 */
export function whyUnsafe(variables: ServerVariables, leased = false): Required<Trouble> | undefined {
  const why = leased ? undefined : whyNodeLocal(variables);
  if (why !== undefined) return why;
  if (["read_only", "super_read_only", "innodb_read_only"].some((name) => isOn(variables, name))) {
    return {
      what: `the server is read-only, most likely a replica, and ${
        leased ? "cannot store a lease" : "its locks do not count elsewhere"
      }`,
      cure: "name the primary",
    };
  }
  return undefined;
}

/** Newer versions of MariaDB have other values of read_only than ON and OFF. */
function isOn(variables: ServerVariables, name: string): boolean {
  return !["", "0", "OFF"].includes(variables.get(name)?.toUpperCase() ?? "");
}

/**
 * @param leased Whether locks are kept in rows, see {@linkcode whyUnsafe}.
 * @throws {UnsafeServerError} When locks on this server are not cluster-wide.
 */
export function refuseUnsafe(where: string, variables: ServerVariables, leased = false): void {
  const why = whyUnsafe(variables, leased);
  if (why === undefined) return;
  // A row cannot be written there, whatever is allowed.
  const cure = leased ? why.cure : `${why.cure}, or allow it with --allow-unsafe-server`;
  throw UnsafeServerError.on(where, { what: why.what, cure });
}
