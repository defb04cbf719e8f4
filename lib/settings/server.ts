import { ConfigError } from "../errors.ts";
import { DsnError } from "../backends/address_text.ts";
import type { MySqlDsn } from "../backends/mysql/dsn.ts";
import type { PostgresServer, PostgresSurroundings } from "../backends/postgres/address.ts";

/** Locks of the operating system, on this machine only. */
export interface FileServer {
  readonly kind: "file";
  /** An absolute path; without one it is the default folder. */
  readonly folder?: string | undefined;
}

/** Where the lock lives. */
export type Server = FileServer | MySqlDsn | PostgresServer;

/** What completes the setting. */
export interface ServerSurroundings {
  /** Reads an environment variable. */
  readonly env: (name: string) => string | undefined;
  /** PEM file with the CA that signed the server's certificate, if the `tls-ca` setting names one. */
  readonly tlsCa?: string | undefined;
}

/**
 * Reads the `server` setting.
 *
 * @param text `file:` with an optional absolute path, a PostgreSQL URL or keywords, or a Go MySQL DSN. May hold a
 * password: no error repeats it.
 * @param source Where the text came from, for the error.
 * @throws {ConfigError} When it cannot work.
 */
export async function parseServer(text: string, source: string, surroundings: ServerSurroundings): Promise<Server> {
  text = withoutLineEnd(text);
  if (beginsQuoted(text) && /^(.).*\1$|^.(?:file:|\w+:\/\/|\w+\s*=)/s.test(text)) {
    throw new ConfigError(`Cannot use the server in ${source}: the quotes around it are part of it`, "leave them out");
  }
  if (text.startsWith("file:")) return { kind: "file", folder: parseFolder(text.slice("file:".length), source) };
  try {
    refuseUnknownScheme(text);
    if (await isPostgres(text)) return await parsePostgres(text, surroundings);
    const { parseMySqlDsn } = await import("../backends/mysql/dsn.ts");
    return parseMySqlDsn(text);
  } catch (error) {
    if (!(error instanceof DsnError)) throw error;
    throw (await import("./refused_server.ts")).refusedServer(text, source, error);
  }
}

/** Spares nearly all servers a pattern that takes its time to make. */
function beginsQuoted(text: string): boolean {
  return text !== "" && "\"'`".includes(text[0]!);
}

function refuseUnknownScheme(text: string): void {
  if (text.trimStart() !== text && /^\s+(?:file:|[a-z]+:\/\/)/i.test(text)) {
    throw new DsnError("A blank stands before it", "take it out");
  }
  const scheme = /^([a-z][a-z:]*):\/{1,2}(?!\/)/i.exec(text)?.[1];
  if (scheme === undefined || /^(mysql|postgres|postgresql)$/i.test(scheme) && /^\S+:\/\//.test(text)) return;
  // User, password and a slash in the database make a Go DSN of it, with a scheme for a user.
  if (/@\w*\(.*\)\//.test(text)) return;
  throw new DsnError("No server has this scheme", "write postgres://, mysql://, file:, or user:password@tcp(host)/");
}

/** Loads what can tell only when it looks like it: most DSNs of MySQL do not. */
async function isPostgres(text: string): Promise<boolean> {
  if (!/^\s*(postgres|\w+\s*=)/i.test(text)) return false;
  return (await import("../backends/postgres/address.ts")).isPostgresServer(text);
}

/**
 * Reads a PostgreSQL server, completed by libpq's variables and files.
 *
 * @param text As libpq takes it; an empty one leaves all to the surroundings.
 * @throws {DsnError} When it cannot work.
 */
export async function parsePostgres(text: string, surroundings: ServerSurroundings): Promise<PostgresServer> {
  const { parsePostgresServer } = await import("../backends/postgres/address.ts");
  return parsePostgresServer(text, postgresSurroundings(surroundings));
}

/**
 * Which parts of a server that decide whom its locks exclude come from elsewhere than the setting.
 *
 * @param text The `server` setting, which `parseServer` could read.
 * @returns Such as `host from PGHOST`.
 */
export async function foreignPartsOf(text: string, surroundings: ServerSurroundings): Promise<readonly string[]> {
  const bare = withoutLineEnd(text);
  if (bare.startsWith("file:") || !await isPostgres(bare)) return [];
  const { foreignParts } = await import("../backends/postgres/origins.ts");
  return foreignParts(bare, postgresSurroundings(surroundings));
}

function postgresSurroundings({ env, tlsCa }: ServerSurroundings): PostgresSurroundings {
  return {
    env,
    tlsCa,
    get home() {
      return env("HOME") ?? env("USERPROFILE") ?? systemUser()?.homedir;
    },
    systemUser: () => systemUser()?.username,
  };
}

/** A line end that came along with a secret from a file belongs to nothing. */
export function withoutLineEnd(text: string): string {
  return text.replace(/[\r\n]+$/, "");
}

/** What the system knows of the user; undefined for one without an entry, as in containers. */
export function systemUser(): { readonly username: string; readonly homedir: string } | undefined {
  try {
    // Seldom needed, and not worth an import for every run.
    // deno-lint-ignore no-process-global
    return process.getBuiltinModule("node:os").userInfo();
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

function parseFolder(text: string, source: string): string | undefined {
  if (text === "") return undefined;
  const path = text.startsWith("///") ? text.slice("//".length) : text;
  const absolute = Deno.build.os === "windows" ? /^[A-Za-z]:[\\/]/.test(path) : path.startsWith("/") && path[1] !== "/";
  if (absolute) return path.length > 1 ? path.replace(/\/+$/, "") : path;
  throw new ConfigError(
    `Cannot use the server in ${source}: file: takes an absolute path, such as file:/var/lib/sera, or none`,
  );
}
