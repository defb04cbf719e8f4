/** A word as a shell takes it, for a command that people copy. */
export function quotedForShell(word: string): string {
  return /^[\w.,:@%+/-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The flags that name a lock again; undefined where its name is the command's words, which may hold secrets. */
export function lockFlagsOf(
  { namespace, name }: { readonly namespace?: string; readonly name?: string },
): string | undefined {
  if (name === undefined) return undefined;
  const flags = namespace === undefined ? "" : `--namespace ${quotedForShell(namespace)} `;
  return `${flags}--name ${quotedForShell(name)}`;
}
