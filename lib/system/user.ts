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
