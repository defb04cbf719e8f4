import { within } from "../waiting.ts";
import { startShell } from "./start_shell.ts";
import { parseStatus, type ShellStatus } from "./shell_status.ts";
import { shellScript } from "./shell_script.ts";

/** How long to wait for an answer, in milliseconds; somebody may have stopped the shell. */
const PATIENCE = 5000;

/** Options of the helper shell. */
export interface ShellOptions {
  /** Whether it must keep a time limit, which needs bash. */
  readonly timed: boolean;
  /** Whether the command will be in sera's process group; then the shell is too, and sees the signals sent to the group. */
  readonly inGroup: boolean;
  /** The lock's name, if the shell's messages are to be JSON; otherwise they are plain text. */
  readonly jsonAbout?: string | undefined;
}

/** A shell that runs `shellScript`, and the pipes to it. */
export class ShellProcess {
  readonly #process: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  #stdout: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #lastAnswer: Promise<ShellStatus | undefined> = Promise.resolve(undefined);
  #isSilent = false;

  private constructor(process: Deno.ChildProcess) {
    this.#process = process;
    this.#stdin = process.stdin.getWriter();
  }

  /**
   * @returns Undefined if there is no shell.
   * @throws {CommandStartError} When there is a shell, but it cannot be started.
   */
  static start({ timed, inGroup, jsonAbout }: ShellOptions): ShellProcess | undefined {
    const process = startShell(timed, inGroup, shellScript(inGroup, jsonAbout));
    return process && new ShellProcess(process);
  }

  /** Resolves when the shell has been reaped; to undefined if Deno cannot tell how it ended. */
  get ended(): Promise<Deno.CommandStatus | undefined> {
    return this.#process.status.catch(() => undefined);
  }

  /** Whether it still reads its input; it may have been killed, or may not be a shell. */
  isReading(): Promise<boolean> {
    return this.#say(`now ${uptime()}`);
  }

  /** Sets what to kill when sera ends, or after this many milliseconds unless renewed; `Infinity` sets no limit. */
  kill(target: number, left: number): void {
    this.#say(left === Infinity ? `kill ${target}` : `kill ${target} ${hundredths(left)} ${uptime()}`);
  }

  /** Sets a new time limit, in milliseconds from now. */
  renew(left: number): void {
    this.#say(`renew ${hundredths(left)} ${uptime()}`);
  }

  async #say(line: string): Promise<boolean> {
    try {
      await this.#stdin.write(new TextEncoder().encode(`${line}\n`));
      return true;
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      return false;
    }
  }

  /** Asks for its status; undefined when it was killed or stopped. After one missing answer it is not asked again. */
  ask(): Promise<ShellStatus | undefined> {
    return this.#lastAnswer = this.#lastAnswer.then(() => this.#ask());
  }

  async #ask(): Promise<ShellStatus | undefined> {
    if (this.#isSilent) return undefined;
    this.#stdout ??= this.#process.stdout.getReader();
    this.#say("ask");
    const status = await within(PATIENCE, readAnswer(this.#stdout));
    this.#isSilent = status === undefined;
    return status;
  }

  /** Kills it, and waits until it has been reaped. */
  async end(): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch (error) {
      // Somebody else has killed it.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
    await this.#process.status;
  }
}

/** The machine's uptime, in whole seconds. */
function uptime(): number {
  return Math.floor(Deno.osUptime());
}

/** Converts to the unit of the shell's clock: rounded down, but never to 0. */
function hundredths(milliseconds: number): number {
  return Math.max(1, Math.floor(milliseconds / 10));
}

async function readAnswer(stdout: ReadableStreamDefaultReader<Uint8Array>): Promise<ShellStatus | undefined> {
  const decoder = new TextDecoder();
  for (let text = "";;) {
    const { done, value } = await stdout.read();
    if (done) return undefined;
    text += decoder.decode(value, { stream: true });
    const status = parseStatus(text);
    if (status) return status;
  }
}
