/**
 * What happens to the command when sera is killed with SIGKILL, stopped or stuck: its lock is free then, or will be, so
 * the command has to go.
 *
 * A parent-death signal (`setpriv --pdeathsig`) would reach one process only, none that has changed its user, and comes
 * when the thread that started it ends. So a shell waits beside the command, at the reading end of a pipe that nobody but
 * sera can write to; the kernel closes it when sera ends, however that comes about.
 */

import { CommandStartError } from "../errors.ts";
import { keepChildren } from "./children.ts";
import { startShell } from "./start_shell.ts";
import { parseTestimony, type Testimony } from "./testimony.ts";
import { watchScript } from "./watch_script.ts";

/** How long to wait for an answer, in milliseconds: somebody may have stopped the shell. */
const PATIENCE = 5000;

/** What a last will goes by. */
export interface LastWillOptions {
  /** Whether it will have a time limit, which not every shell can keep. */
  readonly timed: boolean;
  /** Whether the command will be in sera's process group; then the shell is as well, and sees what the group is sent. */
  readonly inGroup: boolean;
  /** The lock to tell of in an object of JSON, should the shell have to speak; otherwise it speaks in plain text. */
  readonly jsonAbout?: string | undefined;
}

/**
 * A watch over sera's own life. Make it before the lock is asked for: what starts between getting the lock and starting
 * the command keeps everybody waiting.
 */
export class LastWill implements AsyncDisposable {
  readonly #options: LastWillOptions;
  readonly #ready: Promise<void> = Promise.resolve();
  #shell: Deno.ChildProcess | undefined;
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #said: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #asked: Promise<Testimony | undefined> = Promise.resolve(undefined);
  #silent = false;
  #disposed = false;
  /** Who must not outlive sera, and until when it may live whatever sera does, as performance.now() has it. */
  #heir: { readonly target: number; until: number } | undefined;
  #told: string | undefined;
  /** The exit code of a shell that is none. */
  #endedWith: number | undefined;
  #onGone: ((message: string) => void) | undefined;

  /**
   * Starts the shell. Where there is none, nothing is watched, and {@linkcode isKept} says so.
   *
   * @throws {CommandStartError} When there is one that cannot be started.
   */
  constructor(options: LastWillOptions) {
    this.#options = options;
    if (Deno.build.os === "windows") return;
    this.#start();
    // Not before: what is caught is not ignored any more.
    keepChildren();
    const shell = this.#shell;
    this.#whenGone((status) => status?.signal === null ? this.#endedItself(status) : this.#startAgain());
    // The runtime's first write to a pipe waits for its event loop; the others are done before they return, and a sera
    // that is killed right after the command's start must have said whom to kill.
    this.#ready = this.#say("").then((heard) =>
      heard ? undefined : afterwards().then(({ settledSoon }) => settledSoon(shell))
    );
  }

  #start(): void {
    const { timed, inGroup, jsonAbout } = this.#options;
    this.#shell = startShell(timed, inGroup, watchScript(inGroup, jsonAbout));
    this.#writer = this.#shell?.stdin.getWriter();
    this.#said = undefined;
    this.#silent = false;
  }

  /**
   * Somebody has killed the shell. Another one takes its place, once: it learns whom to kill, but not what the first one
   * saw of signals.
   */
  #startAgain(): void {
    let why = "it was killed again";
    try {
      this.#start();
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
    const then = (status?: Deno.CommandStatus) => this.#disposed ? undefined : action(status);
    this.#shell?.status.then(then, () => then());
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
    this.#told = message;
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
    if (this.#told !== undefined) tell(this.#told);
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
    this.#say(left === Infinity ? `kill ${target}` : `kill ${target} ${hundredths(left)}`);
  }

  /** Sets a new time limit in the place of the one that was given, in milliseconds from now. */
  renew(left: number): void {
    if (this.#heir) this.#heir.until = performance.now() + left;
    this.#say(`renew ${hundredths(left)}`);
  }

  /** The process has ended: its number may become another one's. */
  forget(): void {
    this.#heir = undefined;
    this.#say("forget");
  }

  /** What the shell has to tell; undefined where there is none, or it has been killed or stopped. */
  testify(): Promise<Testimony | undefined> {
    return this.#asked = this.#asked.then(() => this.#ask());
  }

  async #ask(): Promise<Testimony | undefined> {
    const shell = this.#shell;
    if (!shell || this.#silent) return undefined;
    this.#said ??= shell.stdout.getReader();
    this.#say("ask");
    let timer;
    const testimony = await Promise.race([
      this.#answer(this.#said),
      new Promise<undefined>((resolve) => timer = setTimeout(() => resolve(undefined), PATIENCE)),
    ]);
    clearTimeout(timer);
    // Another one may have taken its place.
    if (shell === this.#shell) this.#silent = testimony === undefined;
    return testimony;
  }

  async #answer(said: ReadableStreamDefaultReader<Uint8Array>): Promise<Testimony | undefined> {
    const decoder = new TextDecoder();
    for (let text = "";;) {
      const { done, value } = await said.read();
      if (done) return undefined;
      text += decoder.decode(value, { stream: true });
      const testimony = parseTestimony(text);
      if (testimony) return testimony;
    }
  }

  /**
   * All has ended as it should. Resolves when the shell has been reaped: in a container whose first process does not reap
   * orphans, each would stay as a zombie.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    try {
      this.#shell?.kill("SIGKILL");
    } catch (error) {
      // Somebody else has killed it.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
    await this.#shell?.status;
  }

  /** @returns Whether there is somebody to hear it. */
  async #say(line: string): Promise<boolean> {
    try {
      await this.#writer?.write(new TextEncoder().encode(`${line}\n`));
      return true;
    } catch (error) {
      // Somebody has killed the shell, or it is none.
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      return false;
    }
  }
}

const afterwards = () => import("./broken_shell.ts");

/** Never longer than the time, and never none at all. */
function hundredths(milliseconds: number): number {
  return Math.max(1, Math.floor(milliseconds / 10));
}
