/**
 * Writes the completion of sera's command line for a shell, from the tables that the parser reads:
 * `scripts/completions.ts bash|zsh|fish [FILE]`.
 *
 * @module
 */
import { bashCompletion } from "./completions/bash.ts";
import { fishCompletion } from "./completions/fish.ts";
import { zshCompletion } from "./completions/zsh.ts";

/** The completion for each shell. */
export const COMPLETIONS: Readonly<Record<string, () => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

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
