import { messageOf, OutputError } from "../errors.ts";
import type { Io } from "../io.ts";
import { systemCure } from "../system/limits.ts";

/** What a shell shows of a program that SIGPIPE has ended, as it ends other programs whose reader has gone. */
const BROKEN_PIPE = 128 + 13;

/**
 * To be called when all has been said that was asked for. Waits until it is written, for what was asked for may be long,
 * and there is no lock that others wait for.
 *
 * @returns The exit code; silently 141 where the reader has gone, as `head` does.
 * @throws {OutputError} When it could not be written.
 */
export async function afterPrinting(io: Io, exitCode: number): Promise<number> {
  await io.flush?.();
  const failure = io.outFailure?.();
  if (failure === undefined) return exitCode;
  if (failure instanceof Deno.errors.BrokenPipe) return BROKEN_PIPE;
  const cure = systemCure(failure) ?? "check where it leads to";
  throw new OutputError(`Cannot write to stdout: ${messageOf(failure)}`, `${cure}, or write to another place`);
}
