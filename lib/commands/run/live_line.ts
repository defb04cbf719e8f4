import type { Deadline } from "../../deadline.ts";
import type { Io } from "../../io.ts";
import { TransientLine } from "../../log/transient_line.ts";
import { isInForeground } from "../../system/foreground.ts";
import { isDumb } from "../../system/terminal.ts";
import { delayOrAbort, listening } from "../../waiting.ts";
import { onSignals } from "../on_signals.ts";

/** The line is renewed each second. */
export const SECOND = 1000;

/** How often to see whether sera is in the foreground, in milliseconds, besides when it goes on after a stop. */
const CHECK_EVERY = 5 * SECOND;

/**
 * How late the line may be drawn without another look, in milliseconds: when sera continues after a stop, overdue
 * timers fire before the signal that reports the stop.
 */
const LATE = 20;

/** What a line that counts tells. */
export interface LiveText {
  /** What it says now, in `width` columns at most. */
  text(width?: number): string;
  /** What it is about: on a dumb terminal each one gets a line. If it is absent, or undefined, it is the same as before. */
  subject?(): string | undefined;
  /**
   * Called each second before the line is drawn, if it is visible.
   *
   * @param draw Draws it in between.
   */
  beforeDrawing?(draw: () => void): Promise<void> | undefined;
}

/**
 * Tells something at the terminal in one line that is renewed in its place each second. Where the terminal cannot do that
 * (TERM=dumb) a line of its own for each subject. Tells nothing while sera is in the terminal's background, and no more
 * once the terminal has gone.
 *
 * @param deadline Until when it counts.
 * @param over Fires when that is over; the line is then taken away at once.
 */
export async function showLiveLine(io: Io, deadline: Deadline, over: AbortSignal, count: LiveText): Promise<void> {
  await new LiveLine(io, deadline, over, count).run();
}

class LiveLine {
  readonly #io: Io;
  readonly #deadline: Deadline;
  readonly #over: AbortSignal;
  readonly #count: LiveText;
  readonly #line: TransientLine;
  readonly #isDumb: boolean;
  #isVisible = false;
  /** How often it was seen whether sera is in the foreground. */
  #checks = 0;
  /** What a dumb terminal was told. */
  #told: string | undefined;

  constructor(io: Io, deadline: Deadline, over: AbortSignal, count: LiveText) {
    this.#io = io;
    this.#deadline = deadline;
    this.#over = over;
    this.#count = count;
    this.#line = new TransientLine(io);
    this.#isDumb = isDumb(io.env);
  }

  async run(): Promise<void> {
    const over = this.#over;
    const draw = () => harmlessly(() => this.#draw());
    using _line = listening(over, () => harmlessly(() => this.#line.erase()));
    using _signals = onSignals({
      SIGWINCH: draw,
      // It was stopped, and the shell has written since.
      SIGCONT: () =>
        harmlessly(() => {
          this.#hide();
          this.#checkForeground().then(draw);
        }),
    });
    let nextCheck = 0;
    let due = Infinity;
    while (!over.aborted && this.#io.errWidth?.() !== undefined) {
      if (performance.now() >= nextCheck) {
        await this.#checkForeground();
        nextCheck = performance.now() + CHECK_EVERY;
      }
      if (this.#isVisible) await this.#count.beforeDrawing?.(draw);
      if (this.#isVisible && performance.now() > due + LATE) await this.#checkForeground();
      this.#draw();
      const { remaining } = this.#deadline;
      // When a whole number of seconds is left.
      const delay = remaining === Infinity ? SECOND : remaining % SECOND || SECOND;
      due = performance.now() + delay;
      await delayOrAbort(delay, over);
    }
  }

  async #checkForeground(): Promise<void> {
    const check = ++this.#checks;
    const isVisible = await isInForeground();
    // It was stopped meanwhile, and is being looked at again.
    if (check !== this.#checks) return;
    if (!isVisible) this.#hide();
    this.#isVisible = isVisible;
  }

  /** Shows nothing, and leaves what is shown to those who write to the terminal now. */
  #hide(): void {
    this.#line.leave();
    this.#isVisible = false;
  }

  #draw(): void {
    if (this.#over.aborted || !this.#isVisible) return;
    if (!this.#isDumb) return this.#line.show(this.#count.text(this.#line.room));
    const subject = this.#count.subject?.() ?? this.#told ?? "";
    if (subject === this.#told) return;
    this.#told = subject;
    this.#io.err(`${this.#count.text()}\n`);
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
