import type { Deadline } from "../deadline.ts";
import { formatDuration } from "../text/duration.ts";
import { localTime, utcTime } from "../text/time.ts";
import { LockUnavailableError } from "../errors.ts";
import type { HeldLock } from "../lock/lock.ts";
import { slotName } from "../lock/slot_name.ts";
import type { Logger } from "../log/logger.ts";
import { NEVER } from "../waiting.ts";
import { begunRun, type LedgerRun } from "./begun_run.ts";
import type { Ledger, OpenLedger } from "./ledger.ts";
import type { RecordedRun, RecordingRule, Rule, Runner } from "./run.ts";
import { skipReason, whoAndWhen } from "./run_text.ts";

/** Records one command's run in the ledger, under its lock. */
export class Recorder {
  readonly #open: OpenLedger;
  readonly #lock: string;
  readonly #runner: Runner;
  readonly #rule: RecordingRule;
  readonly #logger: Logger;
  readonly #interrupted: AbortSignal;
  /** The flags that name the lock, for messages; undefined if they may hold a secret. */
  readonly #lockFlags: string | undefined;
  readonly #slots: number;
  #ledger: Ledger | undefined;
  /** Whether an attempt to begin a run got no answer, so that the run may have been recorded. */
  #isUnsure = false;

  /**
   * @param lock The lock's name.
   * @param interrupted Fires when a signal is to end sera; then nothing is waited for any longer.
   * @param lockFlags The flags that name the lock, for messages; undefined if they may hold a secret.
   * @param slots How many may hold the lock at once.
   */
  constructor(
    open: OpenLedger,
    lock: string,
    runner: Runner,
    rule: RecordingRule,
    logger: Logger,
    interrupted: AbortSignal = NEVER,
    lockFlags?: string,
    slots = 1,
  ) {
    this.#open = open;
    this.#lock = lock;
    this.#runner = runner;
    this.#rule = rule;
    this.#logger = logger;
    this.#interrupted = interrupted;
    this.#lockFlags = lockFlags;
    this.#slots = slots;
  }

  /**
   * Begins a run, unless an earlier one counts. May be called again after it has failed.
   *
   * @param deadline Until when to wait for others that keep the ledger locked; undefined for the usual time.
   * @returns The run; or why the command must be skipped, for messages.
   * @throws {LockUnavailableError} When the ledger cannot be used.
   */
  async begin(lock: HeldLock, deadline?: Deadline): Promise<LedgerRun | string> {
    const ledger = await this.#tidied(lock, deadline, this.#rule);
    this.#isUnsure = true;
    const name = this.#nameOf(lock);
    const permission = await ledger.begin(name, this.#runner, this.#rule, this.#slots);
    if (permission.granted && permission.ignored) await this.#logIgnored(ledger, permission.ignored, permission.id);
    this.#isUnsure = false;
    if (permission.granted) {
      return begunRun(permission.id, lock, ledger, {
        rule: this.#rule,
        logger: this.#logger,
        interrupted: this.#interrupted,
        lockFlags: this.#lockFlags,
      });
    }
    if (this.#rule.recordSkips) await ledger.skip(name, this.#runner, this.#rule);
    const tell = this.#logger.isInteractive ? localTime : utcTime;
    return skipReason(permission.because, permission.isAhead, this.#rule, ledger.clock, tell);
  }

  /** Runs are recorded under the slot's name, since only the slot's holder can tell which of its runs are stale. */
  #nameOf({ slot = 0 }: HeldLock): string {
    return slotName(this.#lock, slot);
  }

  /** As an error only the first time: after that, the run before this one is another, which counts. */
  async #logIgnored(ledger: Ledger, run: RecordedRun, id: bigint): Promise<void> {
    const [, before] = await ledger.latest(2, { lock: this.#lock });
    const isNew = before?.id === run.id;
    this.#logger.log(
      isNew ? "error" : "notice",
      "note",
      `Run ${run.id} by ${whoAndWhen(run)} is dated more than ${
        formatDuration(this.#rule.every!)
      } ahead of the ${ledger.clock}'s clock, so it does not count for --every, and run ${id} starts; check that clock.`,
    );
  }

  /**
   * Records a skipped run, if the settings ask for that.
   *
   * @param deadline As for {@linkcode begin}.
   * @throws {LockUnavailableError} When the ledger cannot be used.
   */
  async skip(lock: HeldLock, deadline?: Deadline): Promise<void> {
    const ledger = await this.#tidied(lock, deadline);
    if (this.#rule.recordSkips) await ledger.skip(this.#nameOf(lock), this.#runner, this.#rule);
  }

  /** Deletes expired runs. A failure is only logged. */
  async prune(): Promise<void> {
    try {
      await this.#ledger?.prune();
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
      this.#logger.log("info", "note", `${error.message}; old runs were not deleted.`);
    }
  }

  /**
   * The ledger, in which runs of holders that died are no longer marked as running.
   *
   * @param next As for `Ledger.abandon()`.
   */
  async #tidied(lock: HeldLock, deadline: Deadline | undefined, next?: Rule): Promise<Ledger> {
    const ledger = this.#ledger = await this.#open(lock);
    ledger.limitWait(deadline);
    const name = this.#nameOf(lock);
    if (this.#isUnsure) await ledger.takeBack(name, this.#runner);
    this.#isUnsure = false;
    for (const run of await ledger.abandon(name, next, this.#slots)) {
      this.#logger.log(
        "notice",
        "note",
        `Run ${run.id} by ${whoAndWhen(run)} did not finish: marked as abandoned.`,
      );
    }
    return ledger;
  }
}
