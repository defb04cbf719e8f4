/** How a run ended, or how far it is. */
export type Outcome =
  /** It has begun; its end is not known yet. */
  | "running"
  /** The command exited with 0. */
  | "succeeded"
  /** It exited with another code, or sera stopped it. */
  | "failed"
  /** Its holder died, or lost the lock, before it could record the end. */
  | "abandoned"
  /** The command was never started. */
  | "unstarted"
  /** The command did not have to run. */
  | "skipped"
  /** It had ended, and by `sera forget` no longer counts. */
  | "forgotten"
  /** Not a run: who has forgotten one, when and where. */
  | "forgot";

/** Who runs the command, and where. */
export interface Runner {
  readonly label: string;
  readonly host: string;
  readonly pid: number;
  readonly user: string;
}

/** Which runs count, so that the command is not run again, and how long runs are kept. */
export interface Rule {
  /** Runs with this key count, however old they are. */
  readonly once?: string | undefined;
  /** Runs that began within this time count, in milliseconds. */
  readonly every?: number | undefined;
  /** Whether failed and abandoned runs count as well. */
  readonly countFailures: boolean;
  /** How long runs are kept that no longer count, in milliseconds. */
  readonly keepHistory: number;
}

/** The rule for one command. */
export interface RecordingRule extends Rule {
  /** Whether skipped runs are recorded too. */
  readonly recordSkips: boolean;
}

/**
 * A run as read from the ledger. Times are in milliseconds since 1970, by the ledger's clock. Anybody with access may have
 * written the texts, but none is longer than the ledger allows; missing and invalid values are undefined.
 */
export interface RecordedRun extends Omit<Runner, "pid"> {
  /** Grows with every run of the same lock, even if runs were deleted or the server was restarted in between. */
  readonly id: bigint;
  /** The name of the lock, or of its slot, see `slotIn()`. May not have that form; then it must not be looked for. */
  readonly lock: string;
  readonly key?: string | undefined;
  readonly pid?: number | undefined;
  readonly started?: number | undefined;
  readonly finished?: number | undefined;
  readonly exitCode?: number | undefined;
  /** An {@linkcode Outcome}, or one that a later version of sera has added; `unknown` if it is invalid. */
  readonly outcome: string;
  /** The server's number of the session that holds, or held, the lock. */
  readonly session?: number | undefined;
}

/** Which runs are asked for; each part that is given has to fit. */
export interface RunFilter {
  /** Only runs of this lock, in whichever slot; or of this slot, by its name. */
  readonly lock?: string | undefined;
  /** Only runs of locks whose names begin with one of these texts, each made of digits, letters, commas and dashes. */
  readonly beginnings?: readonly string[] | undefined;
  /** Only runs in this slot; 0 also for runs of locks without slots. */
  readonly slot?: number | undefined;
  /** Only runs with this key. */
  readonly key?: string | undefined;
  readonly outcomes?: readonly Outcome[] | undefined;
  readonly host?: string | undefined;
  /** Only runs that began less than so many milliseconds ago, by the ledger's clock. */
  readonly startedWithin?: number | undefined;
  /** Only runs that ended less than so many milliseconds ago, by the ledger's clock. */
  readonly endedWithin?: number | undefined;
}

/** Whether a run may begin. */
export type Permission =
  | {
    readonly granted: true;
    readonly id: bigint;
    /** A run that began so far ahead of the ledger's clock that it does not count. */
    readonly ignored?: RecordedRun | undefined;
  }
  /** An earlier run counts. */
  | {
    readonly granted: false;
    readonly because: RecordedRun;
    /** Whether that run began later than now, by the ledger's clock. */
    readonly isAhead: boolean;
  };
