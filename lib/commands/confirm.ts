import { UsageError } from "../errors.ts";
import type { Io } from "../io.ts";

/** The longest answer that is read, in bytes. */
const LONGEST_ANSWER = 1024;

/**
 * Refuses to go on where nobody can be asked.
 *
 * @param isSure Whether `--yes` answers the question.
 * @throws {UsageError}
 */
export function refuseUnattended(isSure: boolean): void {
  if (isSure || Deno.stdin.isTerminal() && Deno.stderr.isTerminal()) return;
  throw new UsageError("Cannot ask for a confirmation: there is no terminal", "add --yes");
}

/**
 * Asks a person at the terminal, on stderr.
 *
 * @param question Without the choice of answers.
 * @returns Whether the answer is yes; no answer means no.
 */
export async function confirm(question: string, io: Io): Promise<boolean> {
  io.err(`${question} [y/N] `);
  await io.flush?.();
  // The terminal hands over whole lines.
  const line = new Uint8Array(LONGEST_ANSWER);
  const length = await Deno.stdin.read(line);
  if (length === null) io.err("\n");
  return /^\s*y(es)?\s*$/i.test(new TextDecoder().decode(line.subarray(0, length ?? 0)));
}
