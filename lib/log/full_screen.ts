import { FLUSH_TIMEOUT, type Io } from "../io.ts";
import { terminalSize } from "../system/terminal.ts";
import { shortened } from "../text/width.ts";

/** Switch to the alternate screen and hide the cursor; and back. xterm's ctlseqs, 1049 and DECTCEM */
const [ENTER, LEAVE] = ["\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"];

/** Move to the top left; erase to the end of the line; erase to the end of the screen. ECMA-48, CUP, EL and ED */
const [HOME, END_OF_LINE, END_OF_SCREEN] = ["\x1b[H", "\x1b[K", "\x1b[J"];

/** The whole terminal on stdout, redrawn in place. */
export class FullScreen {
  readonly #io: Io;
  #isOpen = false;
  /** Whether the terminal has not accepted the last write yet, as after Ctrl-S. */
  #isWriting = false;

  constructor(io: Io) {
    this.#io = io;
  }

  /** Shows lines from the top; if not all fit, the last row says how many are missing. */
  show(lines: readonly string[]): void {
    if (this.#isWriting) return;
    const { columns, rows } = terminalSize();
    const max = Math.max(rows, 2);
    const shown = lines.length <= max
      ? lines
      : [...lines.slice(0, max - 1), `... and ${lines.length - max + 1} more lines`];
    const text = shown.map((line) => `${shortened(line, columns)}${END_OF_LINE}`).join("\r\n");
    this.#io.out(`${this.#isOpen ? "" : ENTER}${HOME}${text}${END_OF_SCREEN}`);
    this.#isOpen = true;
    this.#isWriting = true;
    const written = () => this.#isWriting = false;
    Promise.resolve(this.#io.flush?.()).then(written, written);
  }

  /** Switches back to the normal screen. */
  async close(): Promise<void> {
    if (this.#isOpen) this.#io.out(LEAVE);
    this.#isOpen = false;
    await this.#io.flush?.(FLUSH_TIMEOUT);
  }
}
