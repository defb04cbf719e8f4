import { ConfigError } from "./errors.ts";
import { Output } from "./system/output.ts";
import { terminalWidth } from "./system/terminal.ts";
import { within } from "./waiting.ts";

/** An environment variable is not valid UTF-8. */
export class VariableError extends ConfigError {}

/** sera's environment and output streams, which a test can replace. */
export interface Io {
  /**
   * An environment variable; an empty one counts as absent.
   *
   * @throws {VariableError} When it is not valid UTF-8.
   */
  env(name: string): string | undefined;
  /** Writes to stdout. */
  out(text: string): void;
  /** Writes to stderr. */
  err(text: string): void;
  /**
   * Resolves when all output has been written; a slow reader can delay it. Absent where output is never buffered.
   *
   * @param limit The longest wait in milliseconds; no limit by default.
   */
  flush?(limit?: number): Promise<void>;
  /** Why writing to stdout failed; undefined if it has not. */
  outFailure?(): unknown;
  /** The width in columns of the terminal on stderr; undefined if stderr is not a terminal. Absent where it never is. */
  errWidth?(): number | undefined;
  /** Called before each write, to erase a transient line; undefined if none is shown. */
  beforeWriting?: (() => void) | undefined;
  /** Set by tests only. */
  readonly timeouts?: Timeouts;
}

/** Time limits that have no setting, in milliseconds; by default each is the constant in the code that uses it. */
export interface Timeouts {
  /** How long to wait for a ledger that others keep locked. */
  readonly ledgerWait?: number;
  /** The grace period of a program that `sera heimdall` runs. */
  readonly heimdallGrace?: number;
}

/** How long a stalled reader of the output can delay a command's start and sera's exit, in milliseconds. */
export const FLUSH_TIMEOUT = 1000;

/** How long a stalled reader can delay stopping a command, in milliseconds. */
export const SHORT_FLUSH_TIMEOUT = 250;

const stdout = new Output(Deno.stdout);
const stderr = new Output(Deno.stderr);

/** The real process. */
export const processIo: Io & Required<Pick<Io, "flush">> = {
  env: readVariable,
  out: (text) => {
    processIo.beforeWriting?.();
    stdout.put(text, stderr);
  },
  err: (text) => {
    processIo.beforeWriting?.();
    stderr.put(text, stdout);
  },
  errWidth: () => terminalWidth(Deno.stderr),
  outFailure: () => stdout.failure,
  flush: async (limit = Infinity) => {
    // Most runs print nothing; do not spend time on a timer.
    if (!stdout.isDone || !stderr.isDone) await within(limit, Promise.all([stdout.written, stderr.written]));
  },
};

function readVariable(name: string): string | undefined {
  try {
    return Deno.env.get(name) || undefined;
  } catch (error) {
    // The runtime's message holds the value, which may be a password.
    if (!(error instanceof Deno.errors.InvalidData)) throw error;
    throw new VariableError(`Cannot use the variable ${name}: it is not UTF-8`, "set it in UTF-8, or unset it");
  }
}
