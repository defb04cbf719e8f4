import { ConfigError, messageOf } from "../errors.ts";
import { systemCure } from "../system/limits.ts";
import { UnfitFileError } from "../system/small_file.ts";
import { pathOr } from "../text/redaction.ts";

/**
 * The error for a file that exists and cannot be read, or whose path leads through something that is not a folder.
 *
 * @param kind What it is, for messages.
 * @param isClosed Whether it is in one of the system's folders in which the runtime lets sera open next to nothing.
 * @param otherwise How to do without it.
 */
export function unreadFile(
  kind: string,
  path: string,
  error: unknown,
  isClosed: boolean,
  otherwise: string,
): ConfigError {
  const shown = pathOr(path);
  if (error instanceof Deno.errors.PermissionDenied) {
    return new ConfigError(
      `Cannot read the ${kind}: ${shown}: permission denied`,
      "let a group of this user read it (chgrp, chmod g+r), but not everybody, since it may hold a password",
    );
  }
  if (error instanceof UnfitFileError && error.cure !== undefined) {
    return new ConfigError(`Cannot use the ${kind}: ${path}: ${error.what}`, error.cure);
  }
  const cure = systemCure(error) ?? cureOf(error, isClosed, otherwise);
  return new ConfigError(`Cannot read the ${kind}: ${shown}: ${messageOf(error)}`, cure);
}

function cureOf(error: unknown, isClosed: boolean, otherwise: string): string {
  if (error instanceof Deno.errors.NotCapable || isClosed) {
    return "copy it to another place, or pass it as <(cat FILE) in bash";
  }
  return error instanceof UnfitFileError ? otherwise : "correct the path";
}
