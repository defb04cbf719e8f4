import type { RunRequest } from "../../args/operands.ts";
import type { Io } from "../../io.ts";
import type { BackendLock } from "../../backends/backend.ts";
import type { LockUnavailableError } from "../../errors.ts";
import type { Mode } from "../../modes/mode.ts";
import type { Recorder } from "../../ledger/recorder.ts";
import type { Limits } from "../../lock/limits.ts";
import type { LockIdentities } from "../../lock/lock_identity.ts";
import type { Logger } from "../../log/logger.ts";
import type { Progress } from "./progress.ts";
import type { Settings } from "../../settings/settings.ts";
import type { WatchParts } from "./watch.ts";

/** What sera is asked to do, and everything it needs for that. */
export interface Job {
  readonly request: RunRequest;
  readonly settings: Settings;
  readonly io: Io;
  readonly logger: Logger;
  readonly progress: Progress;
  readonly identity: LockIdentities;
  readonly limits: Limits;
  readonly lock: BackendLock;
  readonly watch: WatchParts;
  /** Decides how to ask for the lock, and whether to run the command once it is held. */
  readonly mode: Mode;
  /** Absent without a ledger. */
  readonly recorder: Recorder | undefined;
  /** Called with errors that sera waits out. */
  readonly retrying: (why: LockUnavailableError) => void;
  /** The value of SERA_HELD_LOCKS that sera was started with. */
  readonly inheritedLocks: string | undefined;
}
