/** Processes and signals that are none: in place of those of the system, until they are disposed of. */

/** Whom kill(2) finds. */
type TargetState = "nobody" | "reachable" | "forbidden";

/** A child that sera has started. It ends when the test says so. */
export class FakeProcess {
  readonly words: readonly string[];
  readonly options: Deno.CommandOptions;
  /** The signals that it got, in their order. */
  readonly got: Deno.Signal[] = [];
  /** The text written to its stdin. */
  heard = "";
  /** Whether it, or another process of its group, is left. */
  presence: TargetState = "reachable";
  /** How it reacts to input. */
  onHeard: (text: string) => void = () => undefined;
  readonly #status = Promise.withResolvers<Deno.CommandStatus>();
  #say: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(readonly pid: number, program: string, options: Deno.CommandOptions) {
    this.words = [program, ...options.args ?? []];
    this.options = options;
  }

  readonly status: Promise<Deno.CommandStatus> = this.#status.promise;
  readonly stdin = new WritableStream<Uint8Array>({
    write: (bytes) => {
      if (this.presence === "nobody") throw new Deno.errors.BrokenPipe("Broken pipe");
      const text = new TextDecoder().decode(bytes);
      this.heard += text;
      this.onHeard(text);
    },
  });
  readonly stdout = new ReadableStream<Uint8Array>({ start: (controller) => void (this.#say = controller) });

  /** Says something on stdout. */
  say(text: string): void {
    this.#say?.enqueue(new TextEncoder().encode(text));
  }

  /** It ends and is reaped. */
  end(code: number, signal: Deno.Signal | null = null, presence: TargetState = "nobody"): void {
    this.presence = presence;
    this.#say?.close();
    this.#say = undefined;
    this.#status.resolve({ code, signal, success: code === 0 });
  }

  /** The runtime cannot tell how it ended. */
  fail(message: string): void {
    this.presence = "nobody";
    this.#status.reject(new TypeError(message));
  }

  kill(signal: Deno.Signal): void {
    if (this.presence === "nobody") throw new TypeError("Child process has already terminated");
    this.got.push(signal);
    if (signal === "SIGKILL") this.end(137, "SIGKILL");
  }
}

/** In place of `Deno.Command`, `Deno.kill()`, the listeners to signals, and whether stdin is a terminal. */
export class FakeSystem implements Disposable {
  /** All that have been started, in their order. */
  readonly processes: FakeProcess[] = [];
  /** The signals that sera has sent to itself. */
  readonly toItself: Deno.Signal[] = [];
  /** Called for each start; the start fails with what it throws. */
  onStart: (process: FakeProcess) => void = () => undefined;
  isTerminal = false;
  readonly #listeners = new Map<Deno.Signal, Set<() => void>>();
  readonly #real = Object.entries({
    Command: Deno.Command,
    kill: Deno.kill,
    lstat: Deno.lstat,
    addSignalListener: Deno.addSignalListener,
    removeSignalListener: Deno.removeSignalListener,
  });
  readonly #isTerminal = Deno.stdin.isTerminal;

  constructor() {
    const start = (program: string, options: Deno.CommandOptions = {}) => {
      const process = new FakeProcess(4711 + this.processes.length, program, options);
      this.onStart(process);
      this.processes.push(process);
      return process;
    };
    define(Deno, {
      Command: class {
        constructor(readonly program: string, readonly options: Deno.CommandOptions) {}
        spawn() {
          return start(this.program, this.options);
        }
        output() {
          return Promise.reject(new Deno.errors.NotFound("there is no shell"));
        }
      },
      kill: (target: number, signal: Deno.Signal | 0) => this.#kill(target, signal),
      // Only a thread is kept busy by it, for longer than a test may last.
      lstat: () => Promise.reject(new Deno.errors.NotFound()),
      addSignalListener: (signal: Deno.Signal, listener: () => void) => {
        this.#listeners.set(signal, (this.#listeners.get(signal) ?? new Set()).add(listener));
      },
      removeSignalListener: (signal: Deno.Signal, listener: () => void) => {
        this.#listeners.get(signal)?.delete(listener);
      },
    });
    Deno.stdin.isTerminal = () => this.isTerminal;
  }

  /** The signals that sera listens to. */
  get caught(): readonly Deno.Signal[] {
    return [...this.#listeners].filter(([, { size }]) => size > 0).map(([signal]) => signal);
  }

  /** Sera gets a signal, which it must have caught. */
  send(signal: Deno.Signal): void {
    const listeners = this.#listeners.get(signal);
    if (!listeners?.size) throw new Error(`${signal} has ended sera`);
    for (const listener of listeners) listener();
  }

  #kill(target: number, signal: Deno.Signal | 0): void {
    if (target === Deno.pid && signal !== 0) return void this.toItself.push(signal);
    const process = this.processes.find(({ pid }) => pid === Math.abs(target));
    if (!process || process.presence === "nobody") throw new Deno.errors.NotFound("No such process");
    if (process.presence === "forbidden") throw new Deno.errors.PermissionDenied("Operation not permitted");
    if (signal === 0) return;
    if (signal === "SIGKILL") process.kill(signal);
    else process.got.push(signal);
  }

  [Symbol.dispose](): void {
    define(Deno, Object.fromEntries(this.#real));
    Deno.stdin.isTerminal = this.#isTerminal;
  }
}

function define(owner: object, values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(owner, name, { configurable: true, writable: true, enumerable: true, value });
  }
}
