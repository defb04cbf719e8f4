import { ConfigError } from "../errors.ts";
import type { MySqlDsn } from "./mysql_dsn.ts";

/** Locks of the operating system, on this machine only. */
export interface FileServer {
  readonly kind: "file";
  /** An absolute path; without one it is the default folder. */
  readonly folder?: string | undefined;
}

/** Where the lock lives. */
export type Server = FileServer | MySqlDsn;

/**
 * Reads the `server` setting.
 *
 * @param text `file:` with an optional absolute path, or a Go MySQL DSN. May hold a password: no error repeats it.
 * @param source Where the text came from, for the error.
 * @throws {ConfigError} When it cannot work.
 */
export async function parseServer(text: string, source: string): Promise<Server> {
  if (text.startsWith("file:")) return { kind: "file", folder: parseFolder(text.slice("file:".length), source) };
  if (/^postgres(ql)?:/i.test(text)) {
    throw new ConfigError(`Cannot use the server in ${source}: PostgreSQL is not supported yet; use MySQL, or file:`);
  }
  const { DsnError, parseMySqlDsn } = await import("./mysql_dsn.ts");
  try {
    return parseMySqlDsn(text);
  } catch (error) {
    if (!(error instanceof DsnError)) throw error;
    throw new ConfigError(`Cannot use the server in ${source}: ${error.message}`);
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
