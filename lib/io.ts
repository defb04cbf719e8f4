import { ConfigError } from "./errors.ts";
import { Output } from "./system/output.ts";
import { within } from "./waiting.ts";

/** An environment variable is no text. */
export class VariableError extends ConfigError {}

/** What sera sees of the process around it, so that a test can stand in for it. */
export interface Io {
  /**
   * An environment variable; an empty one counts as absent.
   *
   * @throws {VariableError} When it is not UTF-8, which is what everything that sera passes it on to takes.
   */
  env(name: string): string | undefined;
  /** Writes to stdout. */
  out(text: string): void;
  /** Writes to stderr. */
  err(text: string): void;
  /**
   * Resolves when what was said is written, for a reader may be slow. Absent where nothing is ever kept.
   *
   * @param limit How long to wait at most, in milliseconds; by default as long as it takes.
   */
  flush?(limit?: number): Promise<void>;
  /** Why stdout could not be written, once that has been tried; undefined where all is well. */
  outFailure?(): unknown;
  /** Absent for what users get. */
  readonly limits?: Limits;
}

/** Time limits that no setting changes, in milliseconds; an absent one is as the code that goes by it says. */
export interface Limits {
  /** How long a ledger is waited for that somebody else keeps locked. */
  readonly ledgerWait?: number;
  /** How long heimdall's program has between SIGTERM and SIGKILL. */
  readonly heimdallGrace?: number;
}

/** How long a command's start and sera's end wait for a reader that does not read, in milliseconds. */
export const LONGEST_FLUSH = 1000;

/** How long a command that must end waits for such a reader, in milliseconds. */
export const SHORTEST_FLUSH = 250;

const stdout = new Output(Deno.stdout);
const stderr = new Output(Deno.stderr);

/** The real process. */
export const processIo: Required<Omit<Io, "limits">> = {
  env: readVariable,
  out: (text) => stdout.put(text, stderr),
  err: (text) => stderr.put(text, stdout),
  outFailure: () => stdout.failure,
  flush: async (limit = Infinity) => {
    // Most runs say nothing, and a timer takes its time.
    if (!stdout.isDone || !stderr.isDone) await within(limit, Promise.all([stdout.written, stderr.written]));
  },
};

function readVariable(name: string): string | undefined {
  try {
    return Deno.env.get(name) || undefined;
  } catch (error) {
    // The runtime's message holds the value, which may be a password.
    if (!(error instanceof Deno.errors.InvalidData)) throw error;
    throw new VariableError(`Cannot use the variable ${name}: it is not UTF-8`, "set it in UTF-8, or take it out");
  }
}
