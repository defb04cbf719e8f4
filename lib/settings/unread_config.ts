/** What to do about a config file that cannot be read; loaded only then. */

import { UnfitFileError } from "../system/small_file.ts";

/**
 * What to do about a config file that is there, or on whose way something else is.
 *
 * @param isClosed Whether it is where the runtime lets sera open next to nothing.
 * @param otherwise What to do without it.
 */
export function cureOf(error: unknown, isClosed: boolean, otherwise: string): string {
  if (error instanceof Deno.errors.NotCapable || isClosed) {
    return "copy it to another place, or pass it as <(cat FILE) in bash";
  }
  return error instanceof UnfitFileError ? otherwise : "correct the path";
}
