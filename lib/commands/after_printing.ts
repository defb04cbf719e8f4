import { messageOf, OutputError } from "../errors.ts";
import type { Io } from "../io.ts";
import { systemCure } from "../system/limits.ts";

/** The exit code that a shell shows for a program that SIGPIPE has ended. */
const BROKEN_PIPE = 128 + 13;

/**
 * Waits until a command's output has been written, however long that takes, since no lock is held.
 *
 * @returns The exit code; 141 without a message if the reader has closed the pipe, as `head` does.
 * @throws {OutputError} When it could not be written.
 */
export async function afterPrinting(io: Io, exitCode: number): Promise<number> {
  await io.flush?.();
  const failure = io.outFailure?.();
  if (failure === undefined) return exitCode;
  if (failure instanceof Deno.errors.BrokenPipe) return BROKEN_PIPE;
  const cure = systemCure(failure) ?? "check where it goes";
  throw new OutputError(`Cannot write to stdout: ${messageOf(failure)}`, `${cure}, or write to another place`);
}
