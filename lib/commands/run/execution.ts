import type { CommandEnd } from "../../child/supervise.ts";
import type { Io } from "../../io.ts";
import type { LedgerRun } from "../../ledger/begun_run.ts";
import type { HeldLock } from "../../lock/lock.ts";
import type { Logger } from "../../log/logger.ts";
import type { Progress } from "./progress.ts";
import type { WatchParts } from "./watch.ts";

/** What is needed to run a command under a lock. */
export interface Execution {
  /** The lock that the command runs under. */
  readonly lock: HeldLock;
  /** The command's words, at least one. */
  readonly words: readonly string[];
  readonly watch: WatchParts;
  readonly logger: Logger;
  readonly io: Io;
  /** To be told when the command has been started and when it has ended. */
  readonly progress: Progress;
  /** The grace period in milliseconds. */
  readonly grace: number;
  readonly onLost: "terminate" | "warn";
  /** How long to keep the lock at least, in milliseconds. */
  readonly minHold?: number | undefined;
  /** The run in the ledger, if there is one. */
  readonly run?: LedgerRun | undefined;
  /** The variables about the lock for the command's environment; undefined removes a variable. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** How long the command may run, in milliseconds, and the error when it is stopped for that. */
  readonly maxRun?: { readonly limit: number; readonly error: Error } | undefined;
  /** What sera exits with after this end of the command. */
  readonly exitCodeOf: (end: CommandEnd) => number;
}
