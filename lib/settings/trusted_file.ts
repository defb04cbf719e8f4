import type { ConfigError } from "../errors.ts";
import { refuseExposed } from "../system/file_trust.ts";
import { readSmallFile, type SmallFile } from "../system/small_file.ts";

/**
 * Reads a file that says how sera is to work, and that may hold a password.
 *
 * @param kind What it is, for messages.
 * @param otherwise How to do without it.
 * @param missing Makes the error for a file that is not there.
 * @throws {ConfigError} When it is missing, cannot be read, or can be written or replaced by everybody.
 */
export async function readTrustedFile(
  kind: string,
  path: string,
  otherwise: string,
  missing: (path: string) => ConfigError,
): Promise<SmallFile> {
  try {
    const file = await readSmallFile(path);
    refuseExposed(path, file.info, true);
    return file;
  } catch (error) {
    // In these folders the runtime lets sera open next to nothing, so that the advice to write a file would not help.
    const isClosed = /^\/(dev|proc|sys)\//.test(path);
    if (error instanceof Deno.errors.NotFound && !isClosed) throw missing(path);
    throw (await import("./unread_file.ts")).unreadFile(kind, path, error, isClosed, otherwise);
  }
}
