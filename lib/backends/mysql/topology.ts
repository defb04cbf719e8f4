import { LockUnavailableError, type Trouble, UnsafeServerError } from "../../errors.ts";
import type { Session } from "../sql/session.ts";
import { join, sql, type Statement, variable, word } from "../sql/statement.ts";

/** A server's global variables, by name in lower case; without those that it does not have. */
export type ServerVariables = ReadonlyMap<string, string>;

/** Identify a server, to notice a successor at the same address; for MariaDB, which has no server_uuid. */
const IDENTIFYING = ["server_id", "hostname", "port"];

/** What can change during a session: by a switchover, or by an administrator. */
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

/**
 * Reads the variables that tell what a server is.
 *
 * @throws {LockUnavailableError} When it does not tell.
 */
export async function askVariables(session: Session, signal?: AbortSignal): Promise<ServerVariables> {
  const names = join(VARIABLES.map(word));
  const rows = await session.queryAll(sql`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names})`, { signal });
  const variables = new Map<string, string>();
  for (const row of rows) {
    // By position, since servers spell the columns' names differently.
    const [name, value, ...others] = Object.values(row);
    if (typeof name !== "string" || typeof value !== "string" || others.length > 0) throw unknown(session);
    variables.set(name.toLowerCase(), value);
  }
  return variables;
}

function unknown({ where }: Session): LockUnavailableError {
  return LockUnavailableError.on(where, {
    what: "the server does not say what it is (SHOW GLOBAL VARIABLES)",
    cure: "connect to the server itself",
  });
}

/** Which server it is: SQL that asks for its mark, and the answer to expect. */
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

/** Why locks on this server are not cluster-wide, and what to do; undefined if they are. */
export function whyUnsafe(variables: ServerVariables): Required<Trouble> | undefined {
  // Newer versions of MariaDB have other values of read_only than ON and OFF.
  const isOn = (name: string) => !["", "0", "OFF"].includes(variables.get(name)?.toUpperCase() ?? "");
  if (isOn("wsrep_on")) {
    return {
      what: "the server is a node of a Galera cluster, and a lock there is the node's own",
      cure: "use a server outside of it",
    };
  }
  if (variables.get("group_replication_group_name") && !isOn("group_replication_single_primary_mode")) {
    return {
      what: "the server is in a group with several primaries, and a lock there is the server's own",
      cure: "use another server",
    };
  }
  if (isOn("read_only") || isOn("super_read_only") || isOn("innodb_read_only")) {
    return {
      what: "the server is read-only, most likely a replica, and a lock there excludes nobody elsewhere",
      cure: "name the primary",
    };
  }
  return undefined;
}

/** @throws {UnsafeServerError} When locks on this server are not cluster-wide. */
export function refuseUnsafe(where: string, variables: ServerVariables): void {
  const why = whyUnsafe(variables);
  if (why !== undefined) {
    throw UnsafeServerError.on(where, { what: why.what, cure: `${why.cure}, or allow it with --allow-unsafe-server` });
  }
}
