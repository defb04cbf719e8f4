/**
 * Writes the completion of sera's command line for a shell, from the tables that the parser reads:
 * `scripts/completions.ts bash|zsh|fish [FILE]`.
 *
 * @module
 */
import { SHELLS } from "../lib/args/completion_help.ts";
import { COMMANDS } from "../lib/commands/table.ts";
import { completionFor } from "../lib/completions/completion.ts";

/** The completion for each shell. */
export const COMPLETIONS: Readonly<Record<string, () => string>> = Object.fromEntries(
  SHELLS.map((shell) => [shell, () => completionFor(shell, COMMANDS)!]),
);

if (import.meta.main) {
  const [shell = "", path, ...rest] = Deno.args;
  const completion = COMPLETIONS[shell];
  if (!completion || rest.length > 0) {
    console.error(`Usage: scripts/completions.ts ${Object.keys(COMPLETIONS).join("|")} [FILE]`);
    Deno.exit(2);
  }
  if (path === undefined) await Deno.stdout.write(new TextEncoder().encode(completion()));
  else await Deno.writeTextFile(path, completion());
}
