/** The user's entry in the system's user database; undefined if there is none, as in many containers. */
export function systemUser(): { readonly username: string; readonly homedir: string } | undefined {
  try {
    // Not an import, which would slow down every start for something rarely needed.
    // deno-lint-ignore no-process-global
    return process.getBuiltinModule("node:os").userInfo();
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}
