/**
 * What is at a path; a link is not followed.
 *
 * @returns Undefined if there is nothing.
 * @throws {Error} The system's error if it cannot be found out.
 */
export function lstatIfThere(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * What is at a path; undefined if there is nothing, or if it cannot be found out.
 *
 * @param stat `Deno.statSync` follows links, `Deno.lstatSync` does not.
 */
export function statIfSeen(path: string, stat = Deno.statSync): Deno.FileInfo | undefined {
  try {
    return stat(path);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** Whether there is something at a path, links followed; true also if it cannot be found out. */
export function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    // Any other error is reported when the path is used.
    return !(error instanceof Deno.errors.NotFound);
  }
}
