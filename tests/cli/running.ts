/** Processes that tests start, talk to and end. */

import { suspend } from "../servers/process_tree.ts";
import { HANG, until } from "./wait.ts";

/** How long a killed process may take to end; longer only if a surviving child keeps its stdout open. */
const END_TIMEOUT_MS = 2000;

/**
 * What Deno says of itself, from 2.9.2 on, when SIGUSR1 reaches a program that is not compiled and has run for half a second:
 * it starts a debugger. No program can forbid that.
 */
const DEBUGGER =
  /^(?:Debugger listening on ws:.*|Visit chrome:\/\/inspect to connect to the debugger\.|Failed to start inspector server: .*)\n/gm;

/** How a process ended, and its output. */
export interface Ended {
  /** The exit status; 128+n when signal n ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a process gets besides its arguments. */
export interface StartOptions {
  /** The whole environment; undefined leaves a variable out. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string | undefined;
  /** What it reads on stdin, nothing by default; `open` lets the test write, and keeps stdin open until it closes it. */
  readonly stdin?: { readonly text: string } | "open" | undefined;
}

/** A process that runs. Disposing of it kills it and everything below it. */
export class Running implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array> | undefined;
  readonly #readers: ReadableStreamDefaultReader<Uint8Array>[];
  #stdout = "";
  #stderr = "";
  #over = false;

  /** Resolves once it has ended and its stdout and stderr are closed. */
  readonly ended: Promise<Ended>;

  constructor(words: readonly string[], { env, cwd, stdin }: StartOptions) {
    const [program, ...args] = words as [string, ...string[]];
    const defined = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
    this.#child = new Deno.Command(program, {
      args,
      cwd,
      env: Object.fromEntries(defined),
      clearEnv: true,
      stdin: stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#readers = [this.#child.stdout.getReader(), this.#child.stderr.getReader()];
    if (stdin !== undefined) this.#stdin = this.#child.stdin.getWriter();
    if (typeof stdin === "object") this.write(stdin.text).then(() => this.closeStdin());
    this.ended = this.#end();
    // A test that has failed before does not wait for it.
    this.ended.catch(() => undefined);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Its output on stdout so far. */
  get stdout(): string {
    return this.#stdout;
  }

  /** Its output on stderr so far. */
  get stderr(): string {
    return Deno.env.get("SERA_TEST_BINARY") ? this.#stderr : this.#stderr.replaceAll(DEBUGGER, "");
  }

  /** Whether it has ended. */
  get over(): boolean {
    return this.#over;
  }

  /** Resolves when stdout or stderr holds the text, which may be a pattern; fails when the process ends without it. */
  async says(text: string | RegExp): Promise<void> {
    const said = () =>
      [this.stdout, this.stderr].some((all) => typeof text === "string" ? all.includes(text) : text.test(all));
    const tell = () => `${text} was never said; stdout: ${this.stdout} stderr: ${this.stderr}`;
    try {
      await until(String(text), () => said() || this.#over);
    } catch {
      throw new Error(tell());
    }
    if (!said()) throw new Error(tell());
  }

  /** Writes to its stdin; one that does not read any more is no error. */
  async write(text: string): Promise<void> {
    await this.#stdin!.write(new TextEncoder().encode(text)).catch(() => undefined);
  }

  /** Ends its stdin. */
  async closeStdin(): Promise<void> {
    await this.#stdin!.close().catch(() => undefined);
  }

  /** Sends it a signal; one that has ended gets none. */
  kill(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound || error instanceof TypeError)) throw error;
    }
  }

  /** Stops it, and resolves once it does nothing more; SIGCONT continues it. */
  async suspend(): Promise<void> {
    if (!this.#over) await suspend(this.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#over) this.#killAll();
    if (this.#stdin) await this.closeStdin();
    const timer = setTimeout(() => this.#stopReading(), END_TIMEOUT_MS);
    await this.ended.catch(() => undefined);
    clearTimeout(timer);
  }

  #killAll(): void {
    for (const pid of descendants(this.pid)) killQuietly(pid);
    this.kill("SIGKILL");
  }

  #stopReading(): void {
    for (const reader of this.#readers) reader.cancel();
  }

  async #end(): Promise<Ended> {
    let stuck = false;
    const timer = setTimeout(() => {
      stuck = true;
      this.#killAll();
      this.#stopReading();
    }, HANG);
    const [status] = await Promise.all([
      this.#child.status,
      collect(this.#readers[0]!, (text) => this.#stdout += text),
      collect(this.#readers[1]!, (text) => this.#stderr += text),
    ]);
    clearTimeout(timer);
    this.#over = true;
    if (stuck) {
      throw new Error(`still ran after ${HANG / 1000} s; stdout: ${this.stdout} stderr: ${this.stderr}`);
    }
    return { code: status.code, stdout: this.stdout, stderr: this.stderr };
  }
}

/** Runs a process to its end. */
export async function runToEnd(words: readonly string[], options: StartOptions): Promise<Ended> {
  await using running = new Running(words, options);
  return await running.ended;
}

/** The process ids of the children of a process, on Linux. */
export function children(pid: number): number[] {
  try {
    const lists = [...Deno.readDirSync(`/proc/${pid}/task`)]
      .map((task) => Deno.readTextFileSync(`/proc/${pid}/task/${task.name}/children`));
    return lists.join(" ").split(/\s+/).filter((word) => word !== "").map(Number);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || isGone(error)) return [];
    throw error;
  }
}

/** Reading about a process that is just ending gives ESRCH. */
function isGone(error: unknown): boolean {
  return error instanceof Error && /No such process/.test(error.message);
}

/** All processes below a process, on Linux. */
export function descendants(pid: number): number[] {
  return children(pid).flatMap((child) => [child, ...descendants(child)]);
}

/** Sends SIGKILL; a process that has gone is no error. */
export function killQuietly(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function collect(reader: ReadableStreamDefaultReader<Uint8Array>, take: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    take(decoder.decode(value, { stream: !done }));
    if (done) return;
  }
}
