/** What became of a run. */
export type Outcome =
  /** It has begun; its end is not known yet. */
  | "running"
  /** The command ended with 0. */
  | "succeeded"
  /** It ended with another status, or sera stopped it. */
  | "failed"
  /** Its holder died, or lost the lock, before it could record the end. */
  | "abandoned"
  /** The command was never started. */
  | "unstarted"
  /** There was nothing to do. */
  | "skipped";

/** Whose run it is. */
export interface Runner {
  readonly label: string;
  readonly host: string;
  readonly pid: number;
  readonly user: string;
}

/** Which runs keep another from happening, and how long they are remembered. */
export interface Rule {
  /** Runs with this key count, whenever they were. */
  readonly once?: string | undefined;
  /** Runs that began within this time count, in milliseconds. */
  readonly every?: number | undefined;
  /** Whether failed and abandoned runs count as well. */
  readonly countFailures: boolean;
  /** How long runs are remembered that nobody needs any more, in milliseconds. */
  readonly keepHistory: number;
}

/** What one command goes by in the ledger. */
export interface RegisterRule extends Rule {
  /** Whether it is recorded too that there was nothing to do. */
  readonly recordSkips: boolean;
}

/**
 * A run as the ledger has it. Times are in milliseconds since 1970, by the server's clock. Texts may be anybody's, but are
 * no longer than the ledger's columns; what a row does not say, or says without sense, is undefined.
 */
export interface RecordedRun extends Omit<Runner, "pid"> {
  /** Grows with every run of the same lock, also when runs were forgotten or the server was restarted between. */
  readonly id: bigint;
  /** Perhaps no lock's name: what is not, is never to be looked for. */
  readonly lock: string;
  readonly key?: string | undefined;
  readonly pid?: number | undefined;
  readonly started?: number | undefined;
  readonly finished?: number | undefined;
  readonly exitCode?: number | undefined;
  /** An {@linkcode Outcome}, or what a later version of sera has for one; `unknown` for what is none. */
  readonly outcome: string;
  /** The server's number of the session that holds, or held, the lock. */
  readonly session?: number | undefined;
}

/** What came of asking for a run. */
export type Permission =
  | {
    readonly granted: true;
    readonly id: bigint;
    /** A run that began so far ahead of the server's clock that it does not count. */
    readonly ignored?: RecordedRun | undefined;
  }
  /** Another run counts. */
  | {
    readonly granted: false;
    readonly because: RecordedRun;
    /** It counts though it began later than now, by the server's clock. */
    readonly isAhead: boolean;
  };
