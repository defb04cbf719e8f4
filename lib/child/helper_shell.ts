/**
 * Kills the command when sera is killed with SIGKILL, stopped or stuck: the lock is then free, or soon will be.
 *
 * A parent-death signal (`setpriv --pdeathsig`) is no alternative: it reaches only one process, not one that has changed
 * its user, and it is sent as soon as the thread that started the command ends. So a helper shell reads from a pipe that
 * only sera can write to; the kernel closes the pipe when sera ends, for whatever reason.
 */

import { CommandStartError } from "../errors.ts";
import { keepExitCodes } from "../system/children.ts";
import type { ShellStatus } from "./shell_status.ts";
import { type ShellOptions, ShellProcess } from "./shell_process.ts";

/**
 * The helper shell that kills the command if sera dies. Start it before the lock is asked for: starting it under the lock
 * would keep all waiters waiting.
 */
export class HelperShell implements AsyncDisposable {
  readonly #options: ShellOptions;
  readonly #ready: Promise<void> = Promise.resolve();
  #shell: ShellProcess | undefined;
  #hasEnded = false;
  /** What to kill when sera ends, and its deadline even if sera lives, on the clock of performance.now(). */
  #victim: { readonly target: number; until: number } | undefined;
  /** The message to log when no shell is left. */
  #trouble: string | undefined;
  /** The exit code of a shell that ended by itself, which a working shell never does. */
  #endedWith: number | undefined;
  #onGone: ((message: string) => void) | undefined;

  /**
   * Starts the shell. If the system has none, sera goes without, and {@linkcode isWatching} is false.
   *
   * @throws {CommandStartError} When there is a shell, but it cannot be started.
   */
  constructor(options: ShellOptions) {
    this.#options = options;
    if (Deno.build.os === "windows") return;
    const shell = this.#shell = ShellProcess.start(options);
    // After the shell's start: it must see which signals are ignored, and catching a signal un-ignores it.
    keepExitCodes();
    this.#whenGone((status) => status?.signal === null ? this.#endedByItself(status) : this.#startAgain());
    // The runtime's first write to a pipe waits for the event loop; later ones are done when the call returns. After one
    // early write, the shell knows what to kill even if sera is killed right after it has started the command.
    this.#ready = shell
      ? shell.isReading().then((isReading) =>
        isReading ? undefined : messages().then(({ waitForEnd }) => waitForEnd(shell))
      )
      : Promise.resolve();
  }

  /**
   * Starts another shell after somebody has killed the first one; only once. It does not know which signals the first one
   * saw.
   */
  #startAgain(): void {
    let why = "it was killed again";
    try {
      this.#shell = ShellProcess.start(this.#options);
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

  /** Does not start another one, which would not help: the program is broken, or not a shell. */
  #endedByItself({ code }: Deno.CommandStatus): void {
    this.#endedWith = code;
    messages().then(({ shellEnded }) => this.#tell(shellEnded(this.#options.timed, code)));
  }

  #tell(message: string): void {
    this.#trouble = message;
    this.#onGone?.(message);
  }

  /**
   * Call this before the command is started.
   *
   * @throws {CommandStartError} When the shell has ended by itself.
   */
  async throwIfBroken(): Promise<void> {
    const code = this.#endedWith;
    if (code !== undefined) throw (await messages()).unusableShell(this.#options.timed, code);
  }

  /** Called once, with a message, when no shell is left to watch sera. */
  set onGone(tell: (message: string) => void) {
    this.#onGone = tell;
    if (this.#trouble !== undefined) tell(this.#trouble);
  }

  /** Resolves when the shell is ready, so that {@linkcode kill} takes effect at once. */
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
   * @param target A PID; negative for a whole process group.
   * @param left Milliseconds after which to kill it even if sera lives, unless {@linkcode renew} extends them.
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

  /** Asks the shell; undefined when there is none, or it was killed or stopped. */
  async status(): Promise<ShellStatus | undefined> {
    return await this.#shell?.ask();
  }

  /**
   * Ends the shell. Call this when the command has ended, since its PID may be reused.
   *
   * Resolves once the shell has been reaped. Otherwise it would stay a zombie in a container whose PID 1 does not reap
   * orphans.
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

/** Loaded only when something is wrong. */
const messages = () => import("./broken_shell.ts");
