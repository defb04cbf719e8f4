import type { Contestant } from "./contestants.ts";
import { command, type Words } from "./words.ts";

/** Says when it begins, waits for the end of its input, and tells the time then. */
const HOLD = "echo ready; read -r go; date +%s%N";

/** A program that holds a lock until it is ended or killed. */
export class Holder implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #said: ReadableStreamDefaultReader<Uint8Array>;

  private constructor(lock: Words) {
    this.#process = command([...lock, "sh", "-c", HOLD], { stdin: "piped", stdout: "piped" }).spawn();
    this.#said = this.#process.stdout.getReader();
  }

  /** Starts a contestant that waits for a lock, and resolves when it holds it. */
  static async start({ waiting, holding = waiting }: Contestant, key: string): Promise<Holder> {
    const lock = holding(key);
    const holder = new Holder(lock);
    const { done } = await holder.#said.read();
    if (done) throw new Error(`Did not get the lock: ${lock.join(" ")}`);
    return holder;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Ends the command, and tells when that was, in milliseconds since 1970. */
  async end(): Promise<number> {
    await this.#process.stdin.close();
    return milliseconds((await this.#said.read()).value);
  }

  /** Kills the program, but not its command, and tells when that was, in milliseconds since 1970. */
  kill(): number {
    const time = performance.timeOrigin + performance.now();
    this.#process.kill("SIGKILL");
    return time;
  }

  /** Resolves when the program has been reaped, and its command has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    // A command that has ended reads no more.
    await this.#process.stdin.close().catch(() => undefined);
    await this.#process.status;
    while (!(await this.#said.read()).done);
  }
}

/** What `date +%s%N` printed, in milliseconds since 1970. */
export function milliseconds(date: Uint8Array | undefined): number {
  return Number(new TextDecoder().decode(date)) / 1e6;
}
