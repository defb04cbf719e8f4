import type { LedgerSettings } from "../config/ledger_settings.ts";
import { formatDuration } from "../duration.ts";
import { LockUnavailableError } from "../errors.ts";
import type { HeldLock } from "../lock/lock.ts";
import type { Logger } from "../log/logger.ts";
import { timeOf } from "../time.ts";
import type { Ledger } from "./ledger.ts";
import type { OpenLedger } from "./open_ledger.ts";
import type { RecordedRun, Runner } from "./run.ts";

/** A run that has begun. */
export interface LedgerRun {
  /** Its number, which grows with every run of the lock. */
  readonly id: bigint;
  /** What follows if its end is not recorded, for people. */
  readonly ifUnrecorded: string;
  /**
   * Records its end; only while the lock is held.
   *
   * @param exitCode What sera exits with.
   * @throws {LockUnavailableError} When that is not possible.
   */
  finish(outcome: "succeeded" | "failed" | "unstarted", exitCode: number): Promise<void>;
}

/** Whether a command is to run. */
export type Begun =
  | { readonly granted: true; readonly run: LedgerRun }
  /** Why not, for people. */
  | { readonly granted: false; readonly because: string };

/** What one command, under its lock, has to do with the ledger. */
export class Register {
  readonly #open: OpenLedger;
  readonly #lock: string;
  readonly #runner: Runner;
  readonly #settings: LedgerSettings;
  readonly #logger: Logger;
  #ledger: Ledger | undefined;

  /**
   * @param lock The lock's name.
   */
  constructor(
    open: OpenLedger,
    lock: string,
    runner: Runner,
    settings: LedgerSettings,
    logger: Logger,
  ) {
    this.#open = open;
    this.#lock = lock;
    this.#runner = runner;
    this.#settings = settings;
    this.#logger = logger;
  }

  /**
   * Begins a run, unless one that counts was there before.
   *
   * @throws {LockUnavailableError} When the ledger cannot be used.
   */
  async begin(lock: HeldLock): Promise<Begun> {
    const ledger = await this.#tidied(lock);
    const permission = await ledger.begin(this.#lock, this.#runner, this.#settings);
    if (permission.granted) {
      const { id } = permission;
      return {
        granted: true,
        run: {
          id,
          ifUnrecorded: `run ${id} counts as abandoned, and ${
            this.#settings.countFailures
              ? "may keep the command from being run again (count-failures)"
              : "the command may be run again"
          }`,
          finish: (outcome, exitCode) => ledger.finish(id, outcome, exitCode, this.#settings),
        },
      };
    }
    if (this.#settings.recordSkips) await ledger.skip(this.#lock, this.#runner, this.#settings);
    return { granted: false, because: reasonOf(permission.because, this.#settings) };
  }

  /**
   * Records that there was nothing to do, if that is asked for.
   *
   * @throws {LockUnavailableError} When the ledger cannot be used.
   */
  async skip(lock: HeldLock): Promise<void> {
    const ledger = await this.#tidied(lock);
    if (this.#settings.recordSkips) await ledger.skip(this.#lock, this.#runner, this.#settings);
  }

  /** Forgets what is too old, after all else. That it did not work is worth no more than a word. */
  async prune(): Promise<void> {
    try {
      await this.#ledger?.prune();
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
      this.#logger.log("info", "note", `${error.message}; old runs stay in it.`);
    }
  }

  /** The ledger, in which no run of a holder that died still counts as running. */
  async #tidied(lock: HeldLock): Promise<Ledger> {
    const ledger = this.#ledger = await this.#open(lock.session);
    for (const run of await ledger.abandon(this.#lock)) {
      this.#logger.log(
        "notice",
        "note",
        `Run ${run.id} by ${whoAndWhen(run)} never came to its end: marked as abandoned.`,
      );
    }
    return ledger;
  }
}

function reasonOf(run: RecordedRun, { once, every }: LedgerSettings): string {
  const by = `run ${run.id} by ${whoAndWhen(run)} ${run.outcome}`;
  if (once !== undefined && run.key === once) return `Done before for this key: ${by}`;
  return `Done within the last ${formatDuration(every!)}: ${by}`;
}

function whoAndWhen({ host, pid, started }: RecordedRun): string {
  const who = host === "" ? "somebody" : pid === undefined ? host : `${host}:${pid}`;
  return `${who} of ${started === undefined ? "an unknown time" : timeOf(started)}`;
}
