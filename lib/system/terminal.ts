/** The size to assume for a terminal that does not report its own. */
const USUAL = { columns: 80, rows: 24 };

/** The size of sera's terminal, in characters. */
export function terminalSize(): { readonly columns: number; readonly rows: number } {
  try {
    const { columns, rows } = Deno.consoleSize();
    return { columns: columns || USUAL.columns, rows: rows || USUAL.rows };
  } catch (error) {
    // Deno has no error class for a terminal without a size.
    if (error instanceof Error) return USUAL;
    throw error;
  }
}

/** The terminal's width in columns; undefined if the stream, by default stdout, is not a terminal. */
export function terminalWidth(stream: Pick<typeof Deno.stdout, "isTerminal"> = Deno.stdout): number | undefined {
  return stream.isTerminal() ? terminalSize().columns : undefined;
}

/**
 * Whether a terminal can neither move its cursor nor show colours: with `TERM=dumb`, or without TERM.
 *
 * @param env Reads an environment variable.
 */
export function isDumb(env: (name: string) => string | undefined): boolean {
  const term = env("TERM");
  return term === "dumb" || term === undefined && Deno.build.os !== "windows";
}

/** Whether to show colours on a terminal; see https://no-color.org. */
export function hasColours(env: (name: string) => string | undefined): boolean {
  return !isDumb(env) && env("NO_COLOR") === undefined;
}
