/** A word quoted for a shell if need be, for a command that people copy. */
export function quotedForShell(word: string): string {
  return /^[\w.,:@%+/-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
