import type { Execution } from "../../lib/commands/run/execution.ts";
import { exitCodeOf } from "../../lib/commands/run/attempt_run.ts";
import { Watch } from "../../lib/commands/run/watch.ts";
import type { Io } from "../../lib/io.ts";
import type { HeldLock } from "../../lib/lock/lock.ts";
import { Logger } from "../../lib/log/logger.ts";
import { Progress } from "../../lib/commands/run/progress.ts";

/** Defines a test. The pipe of a helper shell is closed some time after its shell has ended. */
export function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
}

/** The surroundings of a command, and the events, in order: lines on stderr, and calls to the lock. */
export class Surroundings implements AsyncDisposable {
  readonly events: string[] = [];
  readonly io: Io = {
    env: () => undefined,
    out: (text) => this.events.push(text.trim()),
    err: (text) => this.events.push(text.trim()),
  };
  readonly logger = new Logger(this.io, { format: "text" }, "words");
  readonly watch = new Watch(this.logger, "name", false);
  readonly #endHelperShell = this.watch.helperShell.end.bind(this.watch.helperShell);
  readonly progress = new Progress(({ message }) => this.events.push(`sera: ${message}`));
  /** Parts that differ from these are given by the test. */
  execution(parts: Partial<Execution> = {}): Execution {
    return {
      lock: this.lock(),
      words: ["job"],
      watch: this.watch,
      logger: this.logger,
      io: this.io,
      progress: this.progress,
      grace: 10_000,
      onLost: "terminate",
      variables: {},
      exitCodeOf,
      ...parts,
    };
  }

  lock(parts: Partial<HeldLock> = {}): HeldLock {
    return {
      lost: new AbortController().signal,
      asked: new AbortController().signal,
      session: undefined,
      left: Infinity,
      onRenewed: undefined,
      commandEnded: () => undefined,
      heldToEnd: true,
      confirm: () => Promise.resolve(),
      release: () => {
        this.events.push("released");
        return Promise.resolve();
      },
      ...parts,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.progress[Symbol.dispose]();
    this.watch.signals[Symbol.dispose]();
    await this.#endHelperShell();
  }
}
