import { lineOf, SeraError, SeraFailedError, type Trouble } from "../errors.ts";
import { ExitCode } from "../exit_codes.ts";
import { limitOf } from "../system/limits.ts";

/** What to say of what ended sera, on one line, and the status to exit with. */
export interface Verdict {
  readonly message: string;
  readonly exitCode: number;
}

/** The verdict on anything that ended sera. */
export function verdictOf(error: unknown): Verdict {
  if (error instanceof SeraError) return error;
  return { message: lineOf(unexpected(error, "", "")), exitCode: ExitCode.lockUnavailable };
}

/** The error for what nobody expected while the command ran. */
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

/** What to say, on one line, of an error that came after the command's end, whose exit code stands. */
export function afterTheEnd(error: unknown): string {
  return `${verdictOf(error).message}; the command had ended before`;
}

/** The kind of an error that nobody foresaw, and where it arose. Not its message, which may hold any value, a password too. */
function originOf(error: unknown): string {
  if (!(error instanceof Error)) return `${kindOf(error)} was thrown`;
  const { code } = error as { readonly code?: unknown };
  const named = typeof code === "string" && /^[A-Z][A-Z0-9_]{1,40}$/.test(code)
    ? `${error.name} (${code})`
    : error.name;
  // The message stands before the frames, and may look like one.
  const frames = (error.stack ?? "").slice(`${error.name}: ${error.message}`.length);
  const places = [...frames.matchAll(/^ {4}at (?:async )?(?:([\w.#<> ]+) \()?(?:.*\/)?([\w.-]+:\d+:\d+)\)?$/gm)];
  const ours = places.slice(0, 3).map(([, name, place]) => name === undefined ? place : `${name} ${place}`);
  return ours.length === 0 ? named : `${named} at ${ours.join(", ")}`;
}

/** What a value that is no error is, without the value. */
function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
