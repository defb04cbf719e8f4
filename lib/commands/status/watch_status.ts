import type { Observer } from "../../backends/backend.ts";
import { LockUnavailableError, UsageError } from "../../errors.ts";
import { ExitCode } from "../../exit_codes.ts";
import type { Io } from "../../io.ts";
import { FullScreen } from "../../log/full_screen.ts";
import type { Settings } from "../../settings/settings.ts";
import { isDumb, terminalSize } from "../../system/terminal.ts";
import { localTime } from "../../text/time.ts";
import { wrapped } from "../../text/wrapped.ts";
import { delayOrAbort, NEVER, unlessAborted } from "../../waiting.ts";
import { asQuery } from "../as_query.ts";
import type { LockQuery } from "../lock_query.ts";
import { backendOptions } from "../backend_options.ts";
import { untilSignalled } from "../ending_signals.ts";
import { type Answer, lookFor, reportOf } from "./look_for.ts";
import { NO_LOCK } from "../no_lock.ts";
import { onSignals } from "../on_signals.ts";

/** How often to look, in milliseconds. */
const PAUSE = 2000;

/**
 * Refuses `--watch` where no person watches.
 *
 * @throws {UsageError}
 */
export function requireTerminal(json: boolean, { env }: Io): void {
  if (json) throw new UsageError("Cannot use --json with --watch: --watch is for people", "leave out one of them");
  if (Deno.stdout.isTerminal() && !isDumb(env)) return;
  const what = Deno.stdout.isTerminal() ? "this terminal cannot show it (TERM)" : "stdout is not a terminal";
  throw new UsageError(`Cannot watch: ${what}`, "leave --watch out");
}

/**
 * Shows holders and waiters on the whole terminal, refreshed every two seconds, until a signal ends it. Trouble with the
 * server is shown, too, and retried; only the first look must succeed.
 *
 * @returns 128+n after signal n.
 */
export async function watchStatus(asked: LockQuery, settings: Settings, io: Io): Promise<number> {
  return await untilSignalled(async (interrupted) => {
    const screen = new FullScreen(io);
    const view = new View(asked, settings, io);
    const until = <T>(work: Promise<T>) => unlessAborted(interrupted, work);
    await until(asQuery(() => view.look()));
    using changes = new TerminalChanges(() => screen.close());
    try {
      while (io.outFailure?.() === undefined) {
        screen.show(await view.lines(terminalSize().columns));
        await delayOrAbort(PAUSE, interrupted, changes.next);
        interrupted.throwIfAborted();
        if (!changes.happened()) await until(view.lookAgain());
      }
    } finally {
      await screen.close();
    }
    return ExitCode.ok;
  });
}

/** What is seen, over a connection that is kept as long as it works. */
class View {
  readonly #asked: LockQuery;
  readonly #settings: Settings;
  readonly #io: Io;
  #observer: Observer | undefined;
  #answer: Answer | undefined;
  #trouble: string | undefined;

  constructor(asked: LockQuery, settings: Settings, io: Io) {
    this.#asked = asked;
    this.#settings = settings;
    this.#io = io;
  }

  async look(): Promise<void> {
    const { lock = NO_LOCK } = this.#asked;
    const { server } = this.#settings;
    this.#observer ??= await server.observe(lock, backendOptions(this.#settings, "status", this.#io), NEVER);
    this.#answer = await lookFor(this.#asked, this.#settings, this.#observer);
    this.#trouble = undefined;
  }

  /** As {@linkcode look}, but an error is only shown. */
  async lookAgain(): Promise<void> {
    try {
      await asQuery(() => this.look());
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
      this.#trouble = error.message;
      const broken = this.#observer;
      this.#observer = undefined;
      await broken?.[Symbol.asyncDispose]();
    }
  }

  async lines(columns: number): Promise<string[]> {
    const heading = `sera status, every 2 s: ${localTime(Date.now())}; Ctrl-C ends it`;
    if (this.#trouble !== undefined) return [heading, "", ...wrapped(`${this.#trouble}; trying again`, columns)];
    const { text, note } = await reportOf(this.#asked, this.#answer!);
    return [heading, "", ...text.trimEnd().split("\n"), ...note === undefined ? [] : ["", ...wrapped(note, columns)]];
  }
}

/** Notices a resized window, and Ctrl-Z, for which it gives the screen back to the shell. */
class TerminalChanges implements Disposable {
  readonly #listening: Disposable;
  #next = new AbortController();

  /** @param leave Gives the screen back. */
  constructor(leave: () => Promise<void>) {
    const changed = () => this.#next.abort();
    const stop = async () => {
      await leave();
      Deno.kill(Deno.pid, "SIGSTOP");
    };
    this.#listening = onSignals({ SIGWINCH: changed, SIGCONT: changed, SIGTSTP: stop });
  }

  /** Fires with the next change. */
  get next(): AbortSignal {
    return this.#next.signal;
  }

  /** Whether there was one since the last call. */
  happened(): boolean {
    const happened = this.#next.signal.aborted;
    if (happened) this.#next = new AbortController();
    return happened;
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
  }
}
