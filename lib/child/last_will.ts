/**
 * Makes sure that the command is killed when sera is killed with SIGKILL, stopped or stuck: the lock is free then, or soon
 * will be.
 *
 * A parent-death signal (`setpriv --pdeathsig`) would reach only one process, and not one that has changed its user, and
 * it is sent when the thread that started the command ends. So a helper shell reads from a pipe that only sera can write
 * to; the kernel closes the pipe when sera ends, for whatever reason.
 */

import { CommandStartError } from "../errors.ts";
import { keepExitCodes } from "../system/children.ts";
import type { Testimony } from "./testimony.ts";
import { type WatchOptions, WatchShell } from "./watch_shell.ts";

/**
 * The helper shell that kills the command if sera dies. Start it before the lock is asked for: starting it under the lock
 * would keep all waiters waiting.
 */
export class LastWill implements AsyncDisposable {
  readonly #options: WatchOptions;
  readonly #ready: Promise<void> = Promise.resolve();
  #shell: WatchShell | undefined;
  #hasEnded = false;
  /** What to kill when sera ends, and until when it may live whatever sera does, on the clock of performance.now(). */
  #victim: { readonly target: number; until: number } | undefined;
  /** The message to log once no shell watches any more. */
  #trouble: string | undefined;
  /** The exit code of a shell that ended by itself; one that works never does. */
  #endedWith: number | undefined;
  #onGone: ((message: string) => void) | undefined;

  /**
   * Starts the shell. If the system has none, sera goes without, and {@linkcode isWatching} is false.
   *
   * @throws {CommandStartError} When there is a shell, but it cannot be started.
   */
  constructor(options: WatchOptions) {
    this.#options = options;
    if (Deno.build.os === "windows") return;
    const shell = this.#shell = WatchShell.start(options);
    // After the shell's start: it must see which signals are ignored, and catching one ends that.
    keepExitCodes();
    this.#whenGone((status) => status?.signal === null ? this.#endedItself(status) : this.#startAgain());
    // The runtime's first write to a pipe waits for its event loop; later ones are done when the call returns. So a sera
    // that is killed right after the command's start has already told the shell what to kill.
    this.#ready = shell
      ? shell.isReading().then((isReading) =>
        isReading ? undefined : afterwards().then(({ endsSoon }) => endsSoon(shell))
      )
      : Promise.resolve();
  }

  /**
   * Starts another shell after somebody has killed the first; only once. It is told what to kill, but does not know which
   * signals the first one saw.
   */
  #startAgain(): void {
    let why = "it was killed again";
    try {
      this.#shell = WatchShell.start(this.#options);
      this.#whenGone(() => this.#lose(why));
      if (this.#victim) this.kill(this.#victim.target, Math.max(0, this.#victim.until - performance.now()));
      if (this.#shell) return;
      why = "it is no longer there";
    } catch (error) {
      if (!(error instanceof CommandStartError)) throw error;
      this.#shell = undefined;
      why = error.message;
    }
    this.#lose(why);
  }

  #whenGone(action: (status?: Deno.CommandStatus) => void): void {
    this.#shell?.ended.then((status) => this.#hasEnded ? undefined : action(status));
  }

  #lose(why: string): void {
    this.#tell(
      `The helper shell that kills the command if sera is killed was itself killed: ${why}; ` +
        "find out by whom: the command would now outlive sera",
    );
  }

  /** Starting another one would not help: it is broken, or not a shell. */
  #endedItself({ code }: Deno.CommandStatus): void {
    this.#endedWith = code;
    afterwards().then(({ hasEnded }) => this.#tell(hasEnded(this.#options.timed, code)));
  }

  #tell(message: string): void {
    this.#trouble = message;
    this.#onGone?.(message);
  }

  /**
   * To be called before the command is started.
   *
   * @throws {CommandStartError} When the shell has ended by itself.
   */
  async throwIfBroken(): Promise<void> {
    const code = this.#endedWith;
    if (code !== undefined) throw (await afterwards()).cannotUse(this.#options.timed, code);
  }

  /** Called once, with a message, when the shell has gone and nothing watches sera any more. */
  set onGone(tell: (message: string) => void) {
    this.#onGone = tell;
    if (this.#trouble !== undefined) tell(this.#trouble);
  }

  /** Resolves when {@linkcode kill} takes effect at once. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /** Whether there is a shell that watches. */
  get isWatching(): boolean {
    return this.#shell !== undefined;
  }

  /**
   * Sets what to kill when sera ends.
   *
   * @param target A process's number; negative for a whole process group.
   * @param left After how many milliseconds to kill it even if sera lives, unless {@linkcode renew} gives it more time.
   */
  kill(target: number, left = Infinity): void {
    this.#victim = { target, until: performance.now() + left };
    this.#shell?.kill(target, left);
  }

  /** Replaces the time limit, in milliseconds from now. */
  renew(left: number): void {
    if (this.#victim) this.#victim.until = performance.now() + left;
    this.#shell?.renew(left);
  }

  /** Asks the shell what it knows; undefined when there is none, or it was killed or stopped. */
  async testify(): Promise<Testimony | undefined> {
    return await this.#shell?.ask();
  }

  /**
   * Ends the shell. To be called when the command has ended, since its number may be reused.
   *
   * @returns When the shell has been reaped. Otherwise it would stay a zombie in a container whose first process does not
   * reap orphans.
   */
  async end(): Promise<void> {
    this.#hasEnded = true;
    await this.#shell?.end();
  }

  /** As {@linkcode end}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}

/** Needed only when something is wrong. */
const afterwards = () => import("./broken_shell.ts");
