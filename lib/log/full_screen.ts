import { FLUSH_TIMEOUT, type Io } from "../io.ts";
import { terminalSize } from "../system/terminal.ts";
import { shortened } from "../text/width.ts";

/** Another screen, on which nothing is kept, without a cursor; and back again. xterm's ctlseqs, 1049 and DECTCEM */
const [ENTER, LEAVE] = ["\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"];

/** To the first column of the first row; erase the rest of a line, and of the screen. ECMA-48, CUP, EL and ED */
const [HOME, END_OF_LINE, END_OF_SCREEN] = ["\x1b[H", "\x1b[K", "\x1b[J"];

/** The whole of the terminal on stdout, drawn anew in place. */
export class FullScreen {
  readonly #io: Io;
  #isOpen = false;
  /** Whether the terminal has not taken the last one yet, as after Ctrl-S. */
  #isWriting = false;

  constructor(io: Io) {
    this.#io = io;
  }

  /** Shows lines from the top on; of those that do not fit, how many they are. */
  show(lines: readonly string[]): void {
    if (this.#isWriting) return;
    const { columns, rows } = terminalSize();
    const most = Math.max(rows, 2);
    const shown = lines.length <= most
      ? lines
      : [...lines.slice(0, most - 1), `... and ${lines.length - most + 1} more lines`];
    const text = shown.map((line) => `${shortened(line, columns)}${END_OF_LINE}`).join("\r\n");
    this.#io.out(`${this.#isOpen ? "" : ENTER}${HOME}${text}${END_OF_SCREEN}`);
    this.#isOpen = true;
    this.#isWriting = true;
    const written = () => this.#isWriting = false;
    Promise.resolve(this.#io.flush?.()).then(written, written);
  }

  /** Brings back what was there before. */
  async close(): Promise<void> {
    if (this.#isOpen) this.#io.out(LEAVE);
    this.#isOpen = false;
    await this.#io.flush?.(FLUSH_TIMEOUT);
  }
}
