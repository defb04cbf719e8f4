import { SHELLS } from "../args/completion_help.ts";
import { completionFor } from "../completions/completion.ts";
import { UsageError } from "../errors.ts";
import { ExitCode } from "../exit_codes.ts";
import { plainOr } from "../text/redaction.ts";
import { nearest } from "../text/nearest.ts";
import type { Call } from "./command.ts";
import { refuseWords } from "./refuse_words.ts";
import { COMMANDS } from "./table.ts";

const USAGE = `sera completion ${SHELLS.join("|")}`;

/**
 * Prints the completion of sera's command line for a shell.
 *
 * @returns 0.
 * @throws {UsageError} When the operands are not one of the shells.
 */
// deno-lint-ignore require-await
export async function completion({ operands, io }: Call): Promise<number> {
  const [shell, ...rest] = operands;
  if (shell === undefined) throw new UsageError("Cannot tell which shell to complete for", `write ${USAGE}`);
  refuseWords(rest, USAGE);
  const script = completionFor(shell, COMMANDS);
  if (script === undefined) {
    const meant = nearest(shell, SHELLS);
    throw new UsageError(
      `No completion for this shell: ${plainOr(shell)}`,
      meant === undefined ? `there is one for each of ${SHELLS.join(", ")}` : `did you mean ${meant}?`,
    );
  }
  io.out(script);
  return ExitCode.ok;
}
