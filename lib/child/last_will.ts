import { readProc } from "./proc.ts";

/**
 * What happens to the command when sera is killed with SIGKILL: its lock is free at that moment, so the command has to
 * go too.
 *
 * A parent-death signal (`setpriv --pdeathsig`) would reach one process only, none that has changed its user, and comes
 * when the thread that started it ends. So a shell waits beside the command, at the reading end of a pipe that nobody but
 * sera can write to; the kernel closes it when sera ends, however that comes about.
 */

/**
 * Reads an empty line, see below, and whom to kill; then waits for the end of the pipe. The keys of the terminal and a
 * logout do not end it: it has a session of its own, and ignores what a group may be sent.
 *
 * Before that it looks at what it has been started with ignored, signal n in bit n - 1 of the 33rd field of
 * proc_pid_stat(5), and keeps that where others can see it: in its umask, which it has no other use for.
 */
const SCRIPT = `read -r stat </proc/self/stat
set -- $stat
umask 7$((\${33:-0} >> 14 & 1))$((\${33:-0} & 7))
trap '' HUP INT QUIT TERM
read -r _ && read -r target && { read -r _; kill -s KILL -- "$target"; }`;

/** What the shell has ignored and set once it has come so far. The caller's umask may look the same, before that. */
const IGNORED = 0x4007;
const SET = 0o700;
/** The signals in the last two digits of the umask. */
const IN_UMASK: readonly (readonly [bit: number, signal: Deno.Signal])[] = [
  [0o01, "SIGHUP"],
  [0o02, "SIGINT"],
  [0o04, "SIGQUIT"],
  [0o10, "SIGTERM"],
];

/** How often to look again at a shell that has only just been started; a look takes about as long as its start. */
const LOOKS = 50;

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

  /**
   * Of HUP, INT, QUIT and TERM those that sera was started with ignored, as nohup(1) does with HUP; only Linux tells. The
   * shell has inherited that, if it was started before anybody listened to a signal, and can be asked when one comes.
   */
  get ignored(): ReadonlySet<Deno.Signal> {
    return this.#ignored ??= this.#lookForIgnored();
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

  #lookForIgnored(): ReadonlySet<Deno.Signal> {
    for (let look = 0; this.#shell && look < LOOKS; look++) {
      const status = new TextDecoder().decode(readProc(`${this.#shell.pid}/status`));
      const [, octal, hexadecimal] = /^Umask:\s*([0-7]+)$.*^SigIgn:\s*([0-9a-f]+)$/ms.exec(status) ?? [];
      // It has been killed, or this is not Linux.
      if (octal === undefined || hexadecimal === undefined) break;
      const umask = parseInt(octal, 8);
      // The last digits are those of the first 32 signals.
      const ignored = parseInt(hexadecimal.slice(-8), 16);
      if (umask >= SET && (ignored & IGNORED) === IGNORED) {
        return new Set(IN_UMASK.filter(([bit]) => (umask & bit) !== 0).map(([, signal]) => signal));
      }
    }
    return new Set();
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
