import type { Io } from "../io.ts";
import { widthOf } from "../text/width.ts";

/** Erases from the cursor to the end of its line; to the end of the screen. ECMA-48, EL and ED */
const [END_OF_LINE, END_OF_SCREEN] = ["\x1b[K", "\x1b[J"];

/** Left of the text: the cursor rests there, so that the `^Z` of a typed Ctrl-Z does not overwrite it. */
const MARGIN = "  ";

/**
 * A line at the terminal that is redrawn in place, and erased before sera writes anything else.
 *
 * The cursor is left at its start. When a window is made narrower, some terminals wrap a line that has become too long. The
 * cursor is then still in its first row, so erasing from there leaves no row behind and hits none above.
 */
export class TransientLine {
  readonly #io: Io;
  /** What is shown; undefined if nothing is. */
  #shown: string | undefined;
  /** Whether the terminal has not accepted the last write yet, as after Ctrl-S. */
  #isWriting = false;

  constructor(io: Io) {
    this.#io = io;
  }

  /**
   * How wide a text may be, in columns. The last column stays free: some terminals wrap when it is written to.
   */
  get room(): number {
    return (this.#io.errWidth?.() ?? 0) - MARGIN.length - 1;
  }

  /**
   * Shows a text in place of the previous one; does nothing while the terminal has not accepted the previous one.
   *
   * @param text Without control characters, and no wider than {@linkcode room}.
   */
  show(text: string): void {
    if (this.#isWriting) return;
    const before = this.#shown === undefined ? END_OF_LINE : this.#rest(this.#shown);
    this.leave();
    this.#io.err(`\r${before}${MARGIN}${text}\r`);
    this.#shown = text;
    this.#io.beforeWriting = () => this.erase();
    this.#isWriting = true;
    const written = () => this.#isWriting = false;
    Promise.resolve(this.#io.flush?.()).then(written, written);
  }

  /** Erases the line. */
  erase(): void {
    if (this.#shown === undefined) return;
    const rest = this.#rest(this.#shown);
    this.leave();
    this.#io.err(`\r${rest}`);
  }

  /** Forgets the line without erasing it: other programs have written to the terminal since. */
  leave(): void {
    this.#shown = undefined;
    this.#io.beforeWriting = undefined;
  }

  /** The sequence that erases what is shown, from its start; it may have been wrapped since. */
  #rest(shown: string): string {
    return widthOf(shown) > this.room ? END_OF_SCREEN : END_OF_LINE;
  }
}
