import { quotedForShell } from "../text/shell_word.ts";

/** The flags that name a lock, for a command line to copy; undefined if the lock is named after its command. */
export function lockFlagsOf(
  { namespace, name }: { readonly namespace?: string; readonly name?: string },
): string | undefined {
  if (name === undefined) return undefined;
  const flags = namespace === undefined ? "" : `--namespace ${quotedForShell(namespace)} `;
  return `${flags}--name ${quotedForShell(name)}`;
}
