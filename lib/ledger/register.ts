import type { Deadline } from "../deadline.ts";
import { formatDuration } from "../text/duration.ts";
import { LockUnavailableError } from "../errors.ts";
import type { HeldLock } from "../lock/lock.ts";
import type { Logger } from "../log/logger.ts";
import { begunRun, type LedgerRun } from "./begun_run.ts";
import type { Ledger, OpenLedger } from "./ledger.ts";
import type { RecordedRun, RegisterRule, Runner } from "./run.ts";
import { reasonOf, whoAndWhen } from "./words.ts";

/** What one command, under its lock, has to do with the ledger. */
export class Register {
  readonly #open: OpenLedger;
  readonly #lock: string;
  readonly #runner: Runner;
  readonly #rule: RegisterRule;
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
    rule: RegisterRule,
    logger: Logger,
    interrupted: AbortSignal = new AbortController().signal,
    lockFlags?: string,
  ) {
    this.#open = open;
    this.#lock = lock;
    this.#runner = runner;
    this.#rule = rule;
    this.#logger = logger;
    this.#interrupted = interrupted;
    this.#lockFlags = lockFlags;
  }

  /**
   * Begins a run, unless one that counts was there before. May be called again after it has failed.
   *
   * @param deadline Until when others are waited for that keep the ledger locked; undefined is the usual time.
   * @returns The run; or why there is to be none, for people.
   * @throws {LockUnavailableError} When the ledger cannot be used.
   */
  async begin(lock: HeldLock, deadline?: Deadline): Promise<LedgerRun | string> {
    const ledger = await this.#tidied(lock, deadline);
    this.#isUnsure = true;
    const permission = await ledger.begin(this.#lock, this.#runner, this.#rule);
    if (permission.granted && permission.ignored) await this.#tellIgnored(ledger, permission.ignored, permission.id);
    this.#isUnsure = false;
    if (permission.granted) {
      return begunRun(permission.id, lock, ledger, {
        rule: this.#rule,
        logger: this.#logger,
        interrupted: this.#interrupted,
        lockFlags: this.#lockFlags,
      });
    }
    if (this.#rule.recordSkips) await ledger.skip(this.#lock, this.#runner, this.#rule);
    return reasonOf(permission.because, permission.isAhead, this.#rule, ledger.clock);
  }

  /** Once for each: the next run has one before it that counts. */
  async #tellIgnored(ledger: Ledger, run: RecordedRun, id: bigint): Promise<void> {
    const [, before] = await ledger.latest(2, this.#lock);
    const isNew = before?.id === run.id;
    this.#logger.log(
      isNew ? "error" : "notice",
      "note",
      `Run ${run.id} by ${whoAndWhen(run)} began more than ${
        formatDuration(this.#rule.every!)
      } ahead of the ${ledger.clock}'s clock, so it does not count for --every: run ${id} begins; check that clock.`,
    );
  }

  /**
   * Records that there was nothing to do, if that is asked for.
   *
   * @param deadline As for {@linkcode begin}.
   * @throws {LockUnavailableError} When the ledger cannot be used.
   */
  async skip(lock: HeldLock, deadline?: Deadline): Promise<void> {
    const ledger = await this.#tidied(lock, deadline);
    if (this.#rule.recordSkips) await ledger.skip(this.#lock, this.#runner, this.#rule);
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
  async #tidied(lock: HeldLock, deadline: Deadline | undefined): Promise<Ledger> {
    const ledger = this.#ledger = await this.#open(lock);
    ledger.hurry(deadline);
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
