/**
 * What happens to the command when sera is killed with SIGKILL: its lock is free at that moment, so the command has to
 * go too.
 *
 * A parent-death signal (`setpriv --pdeathsig`) would reach one process only, none that has changed its user, and comes
 * when the thread that started it ends. So a shell waits beside the command, at the reading end of a pipe that nobody but
 * sera can write to; the kernel closes it when sera ends, however that comes about.
 */

import { REMEMBER_IGNORED, rememberedIgnored } from "./ignored_signals.ts";

/**
 * Reads an empty line, see below, and whom to kill; then waits for the end of the pipe. The keys of the terminal and a
 * logout do not end it: it has a session of its own, and ignores what a group may be sent.
 */
const SCRIPT = `${REMEMBER_IGNORED}
trap '' HUP INT QUIT TERM
read -r _ && read -r target && { read -r _; kill -s KILL -- "$target"; }`;

/**
 * A watch over sera's own life. Make it before the lock is asked for: what starts between getting the lock and starting
 * the command keeps everybody waiting.
 */
export class LastWill implements AsyncDisposable {
  readonly #shell: Deno.ChildProcess | undefined;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  readonly #ready: Promise<void> = Promise.resolve();
  #ignored: ReadonlySet<Deno.Signal> | undefined;

  /** Starts the shell. Where there is none, nothing is watched, and {@linkcode isKept} says so. */
  constructor() {
    if (Deno.build.os === "windows") return;
    try {
      this.#shell = new Deno.Command("/bin/sh", {
        args: ["-c", SCRIPT],
        cwd: "/",
        clearEnv: true,
        detached: true,
        stdin: "piped",
        stdout: "null",
        stderr: "null",
      }).spawn();
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return;
    }
    this.#writer = this.#shell.stdin.getWriter();
    // The runtime's first write to a pipe waits for its event loop; the others are done before they return, and a sera
    // that is killed right after the command's start must have said whom to kill.
    this.#ready = this.#say("");
  }

  /** Resolves when {@linkcode kill} takes effect at once. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /** Whether somebody watches. */
  get isKept(): boolean {
    return this.#shell !== undefined;
  }

  /** Of HUP, INT, QUIT and TERM those that sera was started with ignored, if nobody listened to any before. */
  get ignored(): ReadonlySet<Deno.Signal> {
    return this.#ignored ??= this.#shell ? rememberedIgnored(this.#shell.pid) : new Set();
  }

  /**
   * Names the process that must not outlive sera.
   *
   * @param target Its number; negative for a whole process group.
   */
  kill(target: number): void {
    this.#say(`${target}`);
  }

  /**
   * All has ended as it should. Resolves when the shell has been reaped: in a container whose first process does not reap
   * orphans, each would stay as a zombie.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#shell?.kill("SIGKILL");
    } catch (error) {
      // Somebody else has killed it.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
    await this.#shell?.status;
  }

  async #say(line: string): Promise<void> {
    try {
      await this.#writer?.write(new TextEncoder().encode(`${line}\n`));
    } catch (error) {
      // Somebody has killed the shell.
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    }
  }
}
