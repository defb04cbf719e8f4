import { UsageError } from "../errors.ts";
import type { Io } from "../io.ts";

/** The longest answer that is read, in bytes. */
const MAX_ANSWER_SIZE = 1024;

/**
 * Refuses to go on without a confirmation where nobody can be asked for it.
 *
 * @param isGiven Whether `--yes` is given.
 * @param words The command's words, where `--yes` may have been put by mistake.
 * @throws {UsageError} When stdin is not a terminal.
 */
export function requireConfirmable(isGiven: boolean, what: string, words: readonly string[]): void {
  if (isGiven || Deno.stdin.isTerminal()) return;
  const cure = words.some((word) => /^--?yes$/.test(word)) ? "write --yes before the command" : "use --yes";
  throw new UsageError(`Cannot ask whether to ${what}: stdin is not a terminal`, cure);
}

/** Asks a question at the terminal. Returns whether the answer is yes. */
export async function confirm(question: string, io: Io): Promise<boolean> {
  io.err(`${question} [y/N] `);
  await io.flush?.();
  const answer = await readLine();
  // After Ctrl-D the cursor is still in the same line.
  if (!answer.endsWith("\n")) io.err("\n");
  return /^\s*y(es)?\s*$/i.test(answer);
}

/** The next line from stdin, as far as it was typed before the end of the input. */
async function readLine(): Promise<string> {
  const bytes = new Uint8Array(MAX_ANSWER_SIZE);
  let length = 0;
  while (length < MAX_ANSWER_SIZE && !bytes.subarray(0, length).includes(10)) {
    const more = await Deno.stdin.read(bytes.subarray(length));
    if (more === null) break;
    length += more;
  }
  return new TextDecoder().decode(bytes.subarray(0, length));
}
