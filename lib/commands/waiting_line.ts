import type { Deadline } from "../deadline.ts";
import { PassingLine } from "../log/passing_line.ts";
import { isInForeground } from "../system/foreground.ts";
import { isDumb } from "../system/terminal.ts";
import { delayOrAbort, listening, TimeLimit } from "../waiting.ts";
import { look } from "../who/look.ts";
import { type AwaitedHolder, awaitedHolder, waitingText } from "../who/waiting_text.ts";
import { backendOptions } from "./backend_options.ts";
import { NO_LOCK } from "./no_lock.ts";
import { onSignals } from "./on_signals.ts";
import type { Job } from "./job.ts";

/** The line is renewed each second. */
const SECOND = 1000;

/**
 * How often to look who holds the lock, in milliseconds. A look is a connection of its own, which leaves the wait alone; an
 * open one would take a server's place for as long as somebody waits.
 */
const LOOK_EVERY = 10 * SECOND;

/** How often to see whether sera is in the foreground, in milliseconds, besides when it goes on after a stop. */
const CHECK_EVERY = 5 * SECOND;

/** The longest look, in milliseconds, so that the next one begins in time. */
const LONGEST_LOOK = 5 * SECOND;

/**
 * Tells at the terminal whom sera waits for, in one line that is renewed in its place: who has the lock, since when, and
 * how long sera goes on waiting. Where the terminal cannot do that (TERM=dumb) a line of its own for each holder. Tells
 * nothing while sera is in the terminal's background, and no more once the terminal has gone.
 *
 * @param over Fires when the wait is over; the line is then taken away at once.
 */
export async function showWait(job: Job, deadline: Deadline, over: AbortSignal): Promise<void> {
  await new WaitingLine(job, deadline, over).run();
}

class WaitingLine {
  readonly #job: Job;
  readonly #deadline: Deadline;
  readonly #over: AbortSignal;
  readonly #line: PassingLine;
  readonly #isDumb: boolean;
  #holder: AwaitedHolder | undefined;
  /** When the holder was looked at, on the clock of performance.now(). */
  #lookedAt = 0;
  #isVisible = false;
  /** What a dumb terminal was told. */
  #told: string | undefined;

  constructor(job: Job, deadline: Deadline, over: AbortSignal) {
    this.#job = job;
    this.#deadline = deadline;
    this.#over = over;
    this.#line = new PassingLine(job.io);
    this.#isDumb = isDumb(job.io.env);
  }

  async run(): Promise<void> {
    const over = this.#over;
    using _line = listening(over, () => harmlessly(() => this.#line.erase()));
    using _signals = onSignals({
      SIGWINCH: () => harmlessly(() => this.#draw()),
      // It was stopped, and the shell has written since.
      SIGCONT: () =>
        harmlessly(() => {
          this.#hide();
          this.#checkForeground().then(() => harmlessly(() => this.#draw()));
        }),
    });
    let [nextCheck, nextLook] = [0, 0];
    while (!over.aborted && this.#job.io.errWidth?.() !== undefined) {
      if (performance.now() >= nextCheck) {
        await this.#checkForeground();
        nextCheck = performance.now() + CHECK_EVERY;
      }
      if (this.#isVisible && performance.now() >= nextLook) {
        nextLook = performance.now() + LOOK_EVERY;
        const looked = this.#look().then(() => harmlessly(() => this.#draw()));
        // So that the first line can name the holder.
        if (this.#lookedAt === 0) await Promise.race([looked, delayOrAbort(SECOND, over)]);
      }
      this.#draw();
      const { remaining } = this.#deadline;
      // When a whole number of seconds is left.
      await delayOrAbort(remaining === Infinity ? SECOND : remaining % SECOND || SECOND, over);
    }
  }

  async #checkForeground(): Promise<void> {
    const isVisible = await isInForeground();
    if (!isVisible) this.#hide();
    this.#isVisible = isVisible;
  }

  /** Shows nothing, and leaves what is shown to those who write to the terminal now. */
  #hide(): void {
    this.#line.forget();
    this.#isVisible = false;
  }

  #draw(): void {
    if (this.#over.aborted || !this.#isVisible) return;
    const since = performance.now() - this.#lookedAt;
    const text = (width?: number) => waitingText(this.#holder, since, this.#deadline.remaining, width);
    if (!this.#isDumb) return this.#line.show(text(this.#line.room));
    const who = this.#holder?.who ?? this.#told ?? "";
    if (who === this.#told) return;
    this.#told = who;
    this.#job.io.err(`${text()}\n`);
  }

  /** Looks who holds the lock. If that fails the line says less. */
  async #look(): Promise<void> {
    const { settings, identity, io } = this.#job;
    const { server, ledger } = settings;
    const lock = identity.name;
    let holder;
    try {
      using limit = new TimeLimit(LONGEST_LOOK, () => new Error("the look took too long"));
      const signal = AbortSignal.any([this.#over, limit.signal]);
      await using observer = await server.observe(NO_LOCK, backendOptions(settings, "status", io), signal);
      const { sightings } = await look({ lock }, () => observer.sightings({ lock }, ledger.table, signal));
      holder = awaitedHolder(sightings, { host: Deno.hostname(), pid: Deno.pid });
    } catch {
      // It is told less.
    }
    this.#holder = holder;
    this.#lookedAt = performance.now();
  }
}

/** An error that nothing catches would end the run. */
function harmlessly(draw: () => void): void {
  try {
    draw();
  } catch {
    // It is not shown.
  }
}
