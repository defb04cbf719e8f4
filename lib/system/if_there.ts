/**
 * What lies at a path itself, without following a link.
 *
 * @returns Undefined where there is nothing.
 * @throws {Error} The system's, when that cannot be seen.
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
 * What is at a path, links followed; undefined where there is nothing, or that cannot be seen.
 *
 * @param stat How to look: `Deno.lstatSync` follows no link.
 */
export function statIfSeen(path: string, stat = Deno.statSync): Deno.FileInfo | undefined {
  try {
    return stat(path);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** Whether there is something at a path, or at what a link there leads to; also where that cannot be seen. */
export function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    // What else is wrong with it will be told by whoever uses it.
    return !(error instanceof Deno.errors.NotFound);
  }
}
