import type { BackendLock } from "../../backends/backend.ts";
import { Deadline } from "../../deadline.ts";
import type { LockUnavailableError } from "../../errors.ts";
import type { Io } from "../../io.ts";
import type { HeldLock } from "../../lock/lock.ts";
import { ReplacedError, replaceLockName } from "../../lock/replacers.ts";
import type { Logger } from "../../log/logger.ts";
import type { Settings } from "../../settings/settings.ts";
import { systemUser } from "../../system/user.ts";
import { listening, within } from "../../waiting.ts";
import { backendOptions } from "../backend_options.ts";
import { askHolders } from "./ask_holders.ts";
import { LockAround } from "./lock_around.ts";

/** The longest TTL of the second lock, in milliseconds: a later replacer is noticed only with a renewal, and waits for it. */
const MAX_TTL = 9000;

/** How long withdrawing a request may take, in milliseconds. */
const WITHDRAW_TIMEOUT = 1000;

/** What is needed to replace the holder of a lock. */
export interface Replacing {
  /** The lock's name. */
  readonly name: string;
  readonly settings: Settings;
  readonly io: Io;
  readonly logger: Logger;
  /** Called with what is wrong before each retry. */
  readonly retrying: (why: LockUnavailableError) => void;
}

/**
 * A lock whose holder is asked to end while this run waits for it (`--replace`). Of several replacers only the latest goes
 * on: while it waits each holds a second lock, see {@linkcode replaceLockName}, and asks the previous holder of that one to end.
 */
export class ReplacingLock extends LockAround {
  readonly #replacing: Replacing;
  /** How the requester is shown to the holders that are asked. */
  readonly #label = `replace by ${systemUser()?.username ?? "somebody"}`;

  constructor(lock: BackendLock, replacing: Replacing) {
    super(lock);
    this.#replacing = replacing;
  }

  override async acquire(wait: number, signal: AbortSignal, patience = wait): Promise<HeldLock | undefined> {
    const held = await this.lock.acquire(0, signal, patience);
    if (held || wait === 0) return held;
    const deadline = new Deadline(wait);
    const { name, settings, io, retrying } = this.#replacing;
    const second = replaceLockName(name);
    const options = backendOptions(settings, this.#label, io);
    const lease = { ttl: Math.min(settings.ttl, MAX_TTL), grace: 0 };
    await using replacers = await settings.server.lock(second, { ...options, lease, retrying });
    const isNext = await replacers.acquire(0, signal, deadline.remaining) ??
      await this.#asking(
        second,
        "the run that waits to replace it",
        signal,
        () => replacers.acquire(deadline.remaining, signal),
      );
    if (!isNext) return undefined;
    const replaced = new AbortController();
    using _replaced = listening(isNext.asked, () => replaced.abort(new ReplacedError()));
    const until = AbortSignal.any([signal, replaced.signal]);
    try {
      return await this.#asking(name, "the holder", until, () => this.lock.acquire(deadline.remaining, until));
    } catch (error) {
      until.throwIfAborted();
      throw error;
    }
  }

  /** Asks whoever holds a lock to end while it is waited for. */
  async #asking<T>(lock: string, called: string, signal: AbortSignal, wait: () => Promise<T>): Promise<T> {
    const { settings, io, logger } = this.#replacing;
    const over = new AbortController();
    const asking = askHolders({
      lock,
      called,
      server: settings.server,
      table: settings.ledger.table,
      options: backendOptions(settings, this.#label, io),
      logger,
      over: AbortSignal.any([signal, over.signal]),
    });
    try {
      return await wait();
    } finally {
      over.abort();
      // Withdrawing the request must not delay the command for long.
      await within(WITHDRAW_TIMEOUT, asking);
    }
  }
}
