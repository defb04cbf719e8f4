/** A logger(1) in the test's own process. */

/** How it behaves: its exit code, its message, or that it never ends by itself. */
export interface LoggerWay {
  /** Where it is; undefined is everywhere. */
  readonly at?: string;
  readonly exits?: number | "never";
  readonly says?: string;
  /** Whether it ends without having read its stdin. */
  readonly isDeaf?: boolean;
  /** What starting it fails with. */
  readonly fails?: Error;
}

/** One start of it. */
export interface Start {
  readonly place: string;
  readonly args: readonly string[];
  readonly options: Deno.CommandOptions;
  /** What came through its stdin. */
  text: string;
  /** The signal that it was ended with. */
  killed?: string;
}

/** In place of every program until it is disposed of. */
export class FakeLogger implements Disposable {
  readonly starts: Start[] = [];
  /** Where it was looked for. */
  readonly places: string[] = [];
  readonly #real = Deno.Command;

  constructor({ at, exits = 0, says = "", isDeaf = false, fails }: LoggerWay = {}) {
    const { starts, places } = this;
    define(
      class {
        readonly #place: string;
        readonly #options: Deno.CommandOptions;

        constructor(place: string, options: Deno.CommandOptions) {
          this.#place = place;
          this.#options = options;
        }

        spawn(): Pick<Deno.ChildProcess, "status" | "stdin" | "stderr" | "kill"> {
          places.push(this.#place);
          if (fails) throw fails;
          if (at !== undefined && at !== this.#place) throw new Deno.errors.NotFound(this.#place);
          const start: Start = {
            place: this.#place,
            args: this.#options.args as string[],
            options: this.#options,
            text: "",
          };
          starts.push(start);
          const end = Promise.withResolvers<Deno.CommandStatus>();
          const endWith = (code: number) => end.resolve({ success: code === 0, code, signal: null });
          const decoder = new TextDecoder();
          const stdin = new WritableStream<Uint8Array<ArrayBuffer>>({
            write: (chunk) => {
              if (isDeaf) throw new Deno.errors.BrokenPipe();
              start.text += decoder.decode(chunk, { stream: true });
            },
            close: () => {
              if (exits !== "never") endWith(exits);
            },
          });
          if (isDeaf) endWith(1);
          return {
            status: end.promise,
            stdin: stdin as Deno.ChildProcess["stdin"],
            stderr: new Blob([says]).stream() as Deno.ChildProcess["stderr"],
            kill: (signal = "SIGTERM") => {
              start.killed = String(signal);
              endWith(137);
            },
          };
        }
      },
    );
  }

  [Symbol.dispose](): void {
    define(this.#real);
  }
}

function define(command: unknown): void {
  Object.defineProperty(Deno, "Command", { configurable: true, writable: true, value: command });
}
