import type { Deadline } from "../../deadline.ts";
import type { Io } from "../../io.ts";
import { TransientLine } from "../../log/transient_line.ts";
import { isInForeground } from "../../system/foreground.ts";
import { isDumb } from "../../system/terminal.ts";
import { delayOrAbort, listening } from "../../waiting.ts";
import { onSignals } from "../on_signals.ts";

/** The line is redrawn each second. */
export const SECOND = 1000;

/** How often to check whether sera is in the foreground, in milliseconds; also checked when it continues after a stop. */
const CHECK_EVERY = 5 * SECOND;

/**
 * How late the line may be drawn without another look, in milliseconds: when sera continues after a stop, overdue
 * timers fire before the signal that reports the stop.
 */
const LATE = 20;

/** The content of a live line. */
export interface LiveText {
  /** The text at this moment, in `width` columns at most. */
  text(width?: number): string;
  /** A dumb terminal gets a new line for each new subject. If absent or undefined, the subject is the same as before. */
  subject?(): string | undefined;
  /**
   * Called each second before the line is drawn, if it is visible.
   *
   * @param draw Draws the line early.
   */
  beforeDrawing?(draw: () => void): Promise<void> | undefined;
}

/**
 * Shows a line at the terminal that is redrawn in place each second; on a terminal that cannot do that (TERM=dumb) one
 * line for each subject. Shows nothing while sera is in the background, and stops when the terminal is gone.
 *
 * @param deadline The line is redrawn when a whole number of seconds is left until then.
 * @param over Fires when the line is no longer needed; it is erased at once.
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
  /** How many checks of the foreground have begun, so that only the latest counts. */
  #checks = 0;
  /** The subject that a dumb terminal was shown last. */
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
      // sera was stopped, and the shell has written to the terminal since.
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
      // Until a whole number of seconds is left.
      const delay = remaining === Infinity ? SECOND : remaining % SECOND || SECOND;
      due = performance.now() + delay;
      await delayOrAbort(delay, over);
    }
  }

  async #checkForeground(): Promise<void> {
    const check = ++this.#checks;
    const isVisible = await isInForeground();
    // sera was stopped meanwhile, and a later check is under way.
    if (check !== this.#checks) return;
    if (!isVisible) this.#hide();
    this.#isVisible = isVisible;
  }

  /** Stops drawing, and leaves the shown line as it is: other programs write to the terminal now. */
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

/** Ignores errors: one that nothing catches would end the run. */
function harmlessly(draw: () => void): void {
  try {
    draw();
  } catch {
    // The line is not shown.
  }
}
