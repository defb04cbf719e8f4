import type { Subcommand } from "../args/subcommand.ts";
import type { Io } from "../io.ts";
import type { Logger } from "../log/logger.ts";
import type { Progress } from "./progress.ts";
import type { FlagSyntax } from "../settings/flag.ts";

/** A command of sera's. */
export interface Command {
  /** Undefined for a run. */
  readonly words?: Subcommand | undefined;
  readonly flags: readonly FlagSyntax[];
  /** Whether its work is to print. Then it waits for its reader, and output that fails is its failure. */
  readonly prints?: boolean | undefined;
  /** The exit code of whatever goes wrong before a command has ended; the error's own if it is undefined. */
  readonly ownCode?: number | undefined;
  readonly work: (call: Call) => Promise<number>;
}

/** How a command was called. */
export interface Call {
  readonly flags: ReadonlyMap<string, string>;
  /** The words after the flags. */
  readonly operands: readonly string[];
  /** The flags that were given several times, with different values. */
  readonly repeated: readonly string[];
  readonly io: Io;
  /** To be told how far a run has come. */
  readonly progress: Progress;
  /** From now on failures are told by this logger. */
  readonly tellBy: (logger: Logger) => void;
  /** Tells on stderr what ends nothing. */
  readonly note: (message: string) => Promise<void>;
}
