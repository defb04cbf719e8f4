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
