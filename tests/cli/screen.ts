/** What a person sees: the screen of a terminal that programs run in. */

import xterm from "@xterm/headless";
import type { Place } from "./place.ts";
import type { Running } from "./running.ts";
import { until } from "./wait.ts";

/** How a screen is made. */
export interface ScreenOptions {
  /** The width in columns. */
  readonly columns?: number;
  /** Variables besides TERM, which is xterm unless given here. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Some cells of a row that look the same. */
export interface Span {
  readonly text: string;
  /** The number of the foreground's colour in the terminal's palette; undefined for the usual one. */
  readonly colour: number | undefined;
}

const ROWS = 24;

/** A terminal with a shell command in it, by script(1). Dispose of it. */
export class Screen implements AsyncDisposable {
  readonly #place: Place;
  readonly #running: Running;
  readonly #terminal: xterm.Terminal;
  /** How much of the output is on the screen. */
  #drawn = 0;

  /** @param command Runs in the terminal, and ends it. */
  constructor(place: Place, command: string, { columns = 80, env }: ScreenOptions = {}) {
    this.#place = place;
    this.#terminal = new xterm.Terminal({ cols: columns, rows: ROWS, allowProposedApi: true });
    const prepared = `stty cols ${columns} rows ${ROWS}; tty >'${place.path}/tty'; ${command}`;
    this.#running = place.start(["script", "--quiet", "--return", "--command", prepared, "/dev/null"], {
      stdin: "open",
      env: { TERM: "xterm", ...env },
    });
  }

  /** Everything that was written so far, as it was written. */
  get written(): string {
    return this.#running.stdout;
  }

  /** The process that holds the terminal; it gone, the terminal is too. */
  get pid(): number {
    return this.#running.pid;
  }

  /** Resolves with the exit code. */
  async ended(): Promise<number> {
    return (await this.#running.ended).code;
  }

  /** The rows from the first to the last that is not empty, without trailing blanks. */
  async rows(): Promise<string[]> {
    const text = this.written;
    const more = text.slice(this.#drawn);
    this.#drawn = text.length;
    if (more !== "") await new Promise<void>((resolve) => this.#terminal.write(more, resolve));
    const { active } = this.#terminal.buffer;
    const all = Array.from({ length: ROWS }, (_, row) => active.getLine(row)?.translateToString(true).trimEnd() ?? "");
    return all.slice(0, all.findLastIndex((row) => row !== "") + 1);
  }

  /** The same rows with their colours. */
  async styledRows(): Promise<Span[][]> {
    const { length } = await this.rows();
    return Array.from({ length }, (_, row) => this.#spans(row));
  }

  #spans(row: number): Span[] {
    const line = this.#terminal.buffer.active.getLine(row)!;
    const spans: { text: string; colour: number | undefined }[] = [];
    for (let column = 0; column < line.translateToString(true).trimEnd().length; column++) {
      const cell = line.getCell(column)!;
      const [text, colour] = [cell.getChars() || " ", cell.isFgPalette() ? cell.getFgColor() : undefined];
      const last = spans.at(-1);
      if (last?.colour === colour && last !== undefined) last.text += text;
      else spans.push({ text, colour });
    }
    return spans;
  }

  /** Resolves with the rows when they are as they should be; fails when the command ends before, or never. */
  async shows(what: string, isThere: (rows: readonly string[]) => boolean): Promise<string[]> {
    let rows: string[] = [];
    try {
      return await until(what, async () => {
        const { over } = this.#running;
        rows = await this.rows();
        if (isThere(rows)) return rows;
        if (over) throw new Error("it has ended");
        return undefined;
      });
    } catch (error) {
      throw new Error(`never on the screen: ${what}; there was:\n${rows.join("\n")}`, { cause: error });
    }
  }

  /** Types something. */
  async type(text: string): Promise<void> {
    await this.#running.write(text);
  }

  /** Resizes the window, and notifies the programs in it. */
  async resize(columns: number): Promise<void> {
    await this.rows();
    // Output during the resize must not be wider than the screen.
    const isNarrower = columns < this.#terminal.cols;
    if (!isNarrower) this.#terminal.resize(columns, ROWS);
    const tty = (await this.#place.read("tty")).trim();
    const { code, stderr } = await this.#place.run(["stty", "-F", tty, "cols", `${columns}`]);
    if (code !== 0) throw new Error(stderr);
    if (isNarrower) this.#terminal.resize(columns, ROWS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running[Symbol.asyncDispose]();
    this.#terminal.dispose();
  }
}
