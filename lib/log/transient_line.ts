import type { Io } from "../io.ts";
import { widthOf } from "../text/width.ts";

/** Erases from the cursor to the end of its line; to the end of the screen. ECMA-48, EL and ED */
const [END_OF_LINE, END_OF_SCREEN] = ["\x1b[K", "\x1b[J"];

/** Before the text: the cursor stands there, and the terminal writes `^Z` there when that is typed. */
const MARGIN = "  ";

/**
 * A line at the terminal that is written anew in its place, and that makes room for whatever else sera writes.
 *
 * The cursor is left at its beginning. When the window is made narrower, terminals differ in whether they wrap a line that
 * has become too long; the cursor then still stands at its first row, so that no row is left over and none above is hit.
 */
export class TransientLine {
  readonly #io: Io;
  /** What is shown; undefined if nothing is. */
  #shown: string | undefined;
  /** Whether the terminal has not taken the last one yet, as after Ctrl-S. */
  #isWriting = false;

  constructor(io: Io) {
    this.#io = io;
  }

  /**
   * How wide a text may be, in columns. The last column stays free: some terminals begin another row when it is written to.
   */
  get room(): number {
    return (this.#io.errWidth?.() ?? 0) - MARGIN.length - 1;
  }

  /**
   * Shows a text in place of the one before. Left out while the terminal does not take what was written before.
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

  /** Takes it away. */
  erase(): void {
    if (this.#shown === undefined) return;
    const rest = this.#rest(this.#shown);
    this.leave();
    this.#io.err(`\r${rest}`);
  }

  /** Leaves it where it is: others have written to the terminal since. */
  leave(): void {
    this.#shown = undefined;
    this.#io.beforeWriting = undefined;
  }

  /** Erases what is shown, from its beginning; it may have been wrapped since. */
  #rest(shown: string): string {
    return widthOf(shown) > this.room ? END_OF_SCREEN : END_OF_LINE;
  }
}
