/**
 * Tidies up files that are no longer needed, such as those that a killed sera has left. An error of the system is ignored:
 * the folder may not be readable, the file another user's, or something else may remove old files there. They stay, then.
 *
 * @returns Undefined after an error.
 */
export function ifPossible<T>(tidy: () => T): T | undefined {
  try {
    return tidy();
  } catch (error) {
    // Only errors of the system have a code.
    if (!(error instanceof Error && "code" in error)) throw error;
    return undefined;
  }
}
