import type { Subcommand } from "../args/subcommand.ts";
import { bashCompletion } from "./bash.ts";
import { type Facts, factsOf } from "./facts.ts";
import { fishCompletion } from "./fish.ts";
import { zshCompletion } from "./zsh.ts";

const SHELLS: ReadonlyMap<string, (facts: Facts) => string> = new Map([
  ["bash", bashCompletion],
  ["zsh", zshCompletion],
  ["fish", fishCompletion],
]);

/**
 * The completion of sera's command line for a shell, from the tables that the parser reads.
 *
 * @param shell `bash`, `zsh` or `fish`.
 * @param commands All but the run.
 * @returns The shell's script; undefined for another shell.
 */
export function completionFor(shell: string, commands: readonly Subcommand[]): string | undefined {
  return SHELLS.get(shell)?.(factsOf(commands));
}
