/**
 * What happens to the command when sera is killed with SIGKILL, stopped or stuck: its lock is free then, or will be, so
 * the command has to go.
 *
 * A parent-death signal (`setpriv --pdeathsig`) would reach one process only, none that has changed its user, and comes
 * when the thread that started it ends. So a shell waits beside the command, at the reading end of a pipe that nobody but
 * sera can write to; the kernel closes it when sera ends, however that comes about.
 */

import { CommandStartError } from "../errors.ts";
import { keepExitCodes } from "../system/children.ts";
import type { Testimony } from "./testimony.ts";
import { type WatchOptions, WatchShell } from "./watch_shell.ts";

/**
 * A watch over sera's own life. Make it before the lock is asked for: what starts between getting the lock and starting
 * the command keeps everybody waiting.
 */
export class LastWill implements AsyncDisposable {
  readonly #options: WatchOptions;
  readonly #ready: Promise<void> = Promise.resolve();
  #shell: WatchShell | undefined;
  #hasEnded = false;
  /** Who must not outlive sera, and until when it may live whatever sera does, as performance.now() has it. */
  #heir: { readonly target: number; until: number } | undefined;
  /** What to say when nobody watches any more. */
  #trouble: string | undefined;
  /** The exit code of a shell that ended by itself, as none does that is a shell. */
  #endedWith: number | undefined;
  #onGone: ((message: string) => void) | undefined;

  /**
   * Starts the shell. Where there is none, nothing is watched, and {@linkcode isKept} says so.
   *
   * @throws {CommandStartError} When there is one that cannot be started.
   */
  constructor(options: WatchOptions) {
    this.#options = options;
    if (Deno.build.os === "windows") return;
    const shell = this.#shell = WatchShell.start(options);
    // Not before: what is caught is not ignored any more, and the shell is to see what was.
    keepExitCodes();
    this.#whenGone((status) => status?.signal === null ? this.#endedItself(status) : this.#startAgain());
    // The runtime's first write to a pipe waits for its event loop; the others are done before they return, and a sera
    // that is killed right after the command's start must have said whom to kill.
    this.#ready = shell
      ? shell.hears().then((heard) => heard ? undefined : afterwards().then(({ endsSoon }) => endsSoon(shell)))
      : Promise.resolve();
  }

  /**
   * Somebody has killed the shell. Another one takes its place, once: it learns whom to kill, but not what the first one
   * saw of signals.
   */
  #startAgain(): void {
    let why = "it was killed again";
    try {
      this.#shell = WatchShell.start(this.#options);
      this.#whenGone(() => this.#lose(why));
      if (this.#heir) this.kill(this.#heir.target, Math.max(0, this.#heir.until - performance.now()));
      if (this.#shell) return;
      why = "there is none any more";
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
      `The shell that is to end the command should sera be killed has been killed itself: ${why}; ` +
        "find out by whom, for the command would now outlive sera",
    );
  }

  /** Another one would do the same: it is no shell, or a broken one. */
  #endedItself({ code }: Deno.CommandStatus): void {
    this.#endedWith = code;
    afterwards().then(({ hasEnded }) => this.#tell(hasEnded(this.#options.timed, code)));
  }

  #tell(message: string): void {
    this.#trouble = message;
    this.#onGone?.(message);
  }

  /**
   * Call it before the command is started.
   *
   * @throws {CommandStartError} When the shell has ended by itself.
   */
  async throwIfBroken(): Promise<void> {
    const code = this.#endedWith;
    if (code !== undefined) throw (await afterwards()).cannotUse(this.#options.timed, code);
  }

  /** Called once with what to say when nobody watches any more, though somebody did. */
  set onGone(tell: (message: string) => void) {
    this.#onGone = tell;
    if (this.#trouble !== undefined) tell(this.#trouble);
  }

  /** Resolves when {@linkcode kill} takes effect at once. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /** Whether somebody watches. */
  get isKept(): boolean {
    return this.#shell !== undefined;
  }

  /**
   * Names the process that must not outlive sera.
   *
   * @param target Its number; negative for a whole process group.
   * @param left In how many milliseconds it has to be killed, whatever sera does, unless that is renewed.
   */
  kill(target: number, left = Infinity): void {
    this.#heir = { target, until: performance.now() + left };
    this.#shell?.kill(target, left);
  }

  /** Sets a new time limit in the place of the one that was given, in milliseconds from now. */
  renew(left: number): void {
    if (this.#heir) this.#heir.until = performance.now() + left;
    this.#shell?.renew(left);
  }

  /** What the shell has to tell; undefined where there is none, or it has been killed or stopped. */
  async testify(): Promise<Testimony | undefined> {
    return await this.#shell?.ask();
  }

  /**
   * Ends the watch. Call it when the command has ended, since its number may become another process's.
   *
   * @returns When the shell has been reaped: in a container whose first process does not reap orphans, each would stay as
   * a zombie.
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

/** What is needed only where something is wrong. */
const afterwards = () => import("./broken_shell.ts");
