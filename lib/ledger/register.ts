import type { LedgerSettings } from "../config/ledger_settings.ts";
import { Deadline } from "../deadline.ts";
import { formatDuration } from "../duration.ts";
import { LockUnavailableError } from "../errors.ts";
import type { HeldLock } from "../lock/lock.ts";
import type { Logger } from "../log/logger.ts";
import { timeOf } from "../time.ts";
import { type Ledger, RunGoneError } from "./ledger.ts";
import type { OpenLedger } from "./open_ledger.ts";
import type { RecordedRun, Runner } from "./run.ts";
import { quotedForShell } from "./shell_word.ts";
import { whileHeld } from "./while_held.ts";

/**
 * How long sera tries to record the end of a run while it holds the lock, in milliseconds. Longer than a backup or a
 * change of the table keeps it locked, or a disk is full that somebody looks after; but not for ever, since all others
 * wait meanwhile.
 */
const LONGEST_RECORDING = 300_000;

/** A run that has begun. */
export interface LedgerRun {
  /** Its number, which grows with every run of the lock. */
  readonly id: bigint;
  /** What follows if its end is not recorded, for people. */
  readonly ifUnrecorded: string;
  /**
   * Records its end; only while the lock is held. Trouble is waited out as long as it is, five minutes at most.
   *
   * @param exitCode What sera exits with.
   * @throws {LockUnavailableError} When that is not possible; the message says what follows, and what to do.
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
  readonly #interrupted: AbortSignal;
  /** How to name the lock again, as flags; undefined where that would tell what may be a secret. */
  readonly #lockFlags: string | undefined;
  #ledger: Ledger | undefined;
  /** Whether a run was perhaps recorded, without an answer that said so. */
  #isUnsure = false;

  /**
   * @param lock The lock's name.
   * @param interrupted Fires at a signal that is to end sera: then nothing is waited for any longer.
   * @param lockFlags The flags that name the lock, for people; undefined if they are not to be shown.
   */
  constructor(
    open: OpenLedger,
    lock: string,
    runner: Runner,
    settings: LedgerSettings,
    logger: Logger,
    interrupted: AbortSignal = new AbortController().signal,
    lockFlags?: string,
  ) {
    this.#open = open;
    this.#lock = lock;
    this.#runner = runner;
    this.#settings = settings;
    this.#logger = logger;
    this.#interrupted = interrupted;
    this.#lockFlags = lockFlags;
  }

  /**
   * Begins a run, unless one that counts was there before. May be called again after it has failed.
   *
   * @throws {LockUnavailableError} When the ledger cannot be used.
   */
  async begin(lock: HeldLock): Promise<Begun> {
    const ledger = await this.#tidied(lock);
    this.#isUnsure = true;
    const permission = await ledger.begin(this.#lock, this.#runner, this.#settings);
    this.#isUnsure = false;
    if (permission.granted) {
      const { id, ignored } = permission;
      if (ignored) await this.#tellIgnored(ledger, ignored, id);
      return { granted: true, run: this.#runOf(lock, ledger, id) };
    }
    if (this.#settings.recordSkips) await ledger.skip(this.#lock, this.#runner, this.#settings);
    return { granted: false, because: reasonOf(permission.because, permission.isAhead, this.#settings) };
  }

  #runOf(lock: HeldLock, ledger: Ledger, id: bigint): LedgerRun {
    const ifUnrecorded = `run ${id} counts as abandoned, and ${
      this.#settings.countFailures
        ? "may keep the command from being run again (count-failures)"
        : "the command may be run again"
    }`;
    return {
      id,
      ifUnrecorded,
      finish: async (outcome, exitCode) => {
        lock.commandEnded?.();
        const ended = performance.now();
        try {
          await whileHeld(lock, {
            deadline: new Deadline(LONGEST_RECORDING),
            signal: this.#interrupted,
            mayPass: (error) => !(error instanceof RunGoneError),
            retrying: this.#tellOnce(id),
          }, () => ledger.finish(id, outcome, exitCode, this.#settings, Math.round(performance.now() - ended)));
        } catch (error) {
          if (!(error instanceof LockUnavailableError)) throw error;
          if (error instanceof RunGoneError) throw new LockUnavailableError(`${error.message}; ${ifUnrecorded}`);
          const held = lock.lost.aborted
            ? "the lock was lost meanwhile, after the command had ended; sera history shows whether the end was recorded"
            : "the lock was held all the time, so nobody else has run it";
          const cure = outcome === "succeeded" ? this.#cure() : "";
          throw new LockUnavailableError(`${error.message}; ${ifUnrecorded}; ${held}${cure}`);
        }
      },
    };
  }

  /** Says once why a run's end is not recorded yet. */
  #tellOnce(id: bigint): (why: LockUnavailableError) => void {
    let isTold = false;
    return ({ message }) => {
      if (isTold) return;
      isTold = true;
      this.#logger.log(
        "error",
        "note",
        `${message}; trying to record the end of run ${id} for another ${
          formatDuration(LONGEST_RECORDING)
        } at most, while the lock is held.`,
      );
    };
  }

  /** How to keep the command from being run again; empty where nothing would. */
  #cure(): string {
    const { once, every, countFailures } = this.#settings;
    if (countFailures || once === undefined && every === undefined) return "";
    const rule = once !== undefined ? `--once ${quotedForShell(once)}` : `--every ${formatDuration(every!)}`;
    const lock = this.#lockFlags ?? "--name '<the command and its arguments>'";
    return `; if it must not run again, record a success in its place: sera ${lock} ${rule} 0 true`;
  }

  /** Once for each: the next run has one before it that counts. */
  async #tellIgnored(ledger: Ledger, run: RecordedRun, id: bigint): Promise<void> {
    const [, before] = await ledger.latest(2, this.#lock);
    const isNew = before?.id === run.id;
    this.#logger.log(
      isNew ? "error" : "notice",
      "note",
      `Run ${run.id} by ${whoAndWhen(run)} began more than ${
        formatDuration(this.#settings.every!)
      } ahead of the server's clock, so it does not count for --every: run ${id} begins; check the clock of the server.`,
    );
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
    if (this.#isUnsure) await ledger.takeBack(this.#lock, this.#runner);
    this.#isUnsure = false;
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

function reasonOf(run: RecordedRun, isAhead: boolean, { once, every }: LedgerSettings): string {
  const by = `run ${run.id} by ${whoAndWhen(run)} ${run.outcome}`;
  if (once !== undefined && run.key === once) return `Done before for this key: ${by}`;
  const span = formatDuration(every!);
  if (!isAhead) return `Done within the last ${span}: ${by}`;
  return `Done within ${span} of now: ${by}, ahead of the server's clock, which was set back since; check it`;
}

function whoAndWhen({ host, pid, started }: RecordedRun): string {
  const who = host === "" ? "somebody" : pid === undefined ? host : `${host}:${pid}`;
  return `${who} of ${started === undefined ? "an unknown time" : timeOf(started)}`;
}
