import { lineOf, SeraError, SeraFailedError, type Trouble } from "../errors.ts";
import { ExitCode } from "../exit_codes.ts";
import { limitOf } from "../system/limits.ts";

/** The one-line message and the exit code for an error that ends sera. */
export interface Verdict {
  readonly message: string;
  readonly exitCode: number;
}

/** The verdict for any thrown value that ends sera. */
export function verdictOf(error: unknown): Verdict {
  if (error instanceof SeraError) return error;
  return { message: lineOf(unexpected(error, "", "")), exitCode: ExitCode.lockUnavailable };
}

/** The error for an unexpected one while the command runs. */
export function failedWhileRunning(error: unknown): SeraFailedError {
  const { what, cure } = unexpected(error, " while the command runs", " while the command ran");
  return new SeraFailedError(what, cure, { cause: error });
}

function unexpected(error: unknown, during: string, when: string): Trouble {
  const limit = limitOf(error);
  if (limit) return { what: `Cannot go on${during}: ${limit.what}`, cure: limit.cure };
  const { what, cure }: Trouble = error instanceof SeraError ? error : { what: originOf(error) };
  return { what: `Unexpected error${when}, please report it: ${what}`, cure };
}

/** The one-line message for an error after the command's end; the command's exit code is kept. */
export function afterTheEnd(error: unknown): string {
  return `${verdictOf(error).message}; the command had already ended`;
}

/** The kind of an unexpected error, and where it was thrown. Not its message, which may hold a password. */
function originOf(error: unknown): string {
  if (!(error instanceof Error)) return `${kindOf(error)} was thrown`;
  const { code } = error as { readonly code?: unknown };
  const named = typeof code === "string" && /^[A-Z][A-Z0-9_]{1,40}$/.test(code)
    ? `${error.name} (${code})`
    : error.name;
  // In a stack, the message precedes the frames, and may look like one.
  const frames = (error.stack ?? "").slice(`${error.name}: ${error.message}`.length);
  const places = [...frames.matchAll(/^ {4}at (?:async )?(?:([\w.#<> ]+) \()?(?:.*\/)?([\w.-]+:\d+:\d+)\)?$/gm)];
  const ours = places.slice(0, 3).map(([, name, place]) => name === undefined ? place : `${name} ${place}`);
  return ours.length === 0 ? named : `${named} at ${ours.join(", ")}`;
}

/** The type of a thrown value that is not an error, without the value itself. */
function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
