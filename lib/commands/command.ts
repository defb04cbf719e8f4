import type { Subcommand } from "../args/subcommand.ts";
import type { Io } from "../io.ts";
import type { Logger } from "../log/logger.ts";
import type { Progress } from "./run/progress.ts";
import type { FlagSyntax, Repeated } from "../settings/flag.ts";

/** A run, or one of sera's subcommands. */
export interface Command {
  /** The subcommand's help; undefined for a run. */
  readonly subcommand?: Subcommand | undefined;
  readonly flags: readonly FlagSyntax[];
  /** Whether it prints a result. Then it waits until that is written, and fails if it cannot be. */
  readonly prints?: boolean | undefined;
  /** The exit code of every error before a command has ended; if undefined, that of the error. */
  readonly errorExitCode?: number | undefined;
  readonly work: (call: Call) => Promise<number>;
}

/** How a command was called. */
export interface Call {
  readonly flags: ReadonlyMap<string, string>;
  /** The words after the flags. */
  readonly operands: readonly string[];
  readonly repeated: Repeated;
  readonly io: Io;
  /** Told when a command has been started and when it has ended. */
  readonly progress: Progress;
  /** Sets the logger that reports errors from now on. */
  readonly setLogger: (logger: Logger) => void;
  /** Writes a message to stderr that is not an error. */
  readonly note: (message: string) => Promise<void>;
}
