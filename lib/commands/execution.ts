import type { CommandEnd } from "../child/supervise.ts";
import type { Io } from "../io.ts";
import type { LedgerRun } from "../ledger/begun_run.ts";
import type { HeldLock } from "../lock/lock.ts";
import type { Logger } from "../log/logger.ts";
import type { Progress } from "./progress.ts";
import type { WatchParts } from "./watch.ts";

/** What the execution of a command goes by. */
export interface Execution {
  /** The lock that it is executed under. */
  readonly lock: HeldLock;
  /** The command's words, at least one. */
  readonly words: readonly string[];
  readonly watch: WatchParts;
  readonly logger: Logger;
  readonly io: Io;
  /** Is told when the command has been started and when it has ended. */
  readonly progress: Progress;
  /** How long the command has between SIGTERM and SIGKILL, in milliseconds. */
  readonly grace: number;
  readonly onLost: "terminate" | "warn";
  /** How long the lock is kept at least, in milliseconds. */
  readonly minHold?: number | undefined;
  /** The run in the ledger, if there is one. */
  readonly run?: LedgerRun | undefined;
  /** What the command's environment says of the lock; undefined takes a variable out. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** How long it may run, in milliseconds, and what to say when it is stopped for that. */
  readonly maxRun?: { readonly limit: number; readonly error: Error } | undefined;
  /** What sera exits with when the command has ended so. */
  readonly exitCodeOf: (end: CommandEnd) => number;
}
