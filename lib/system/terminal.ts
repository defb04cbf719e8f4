/** The width to assume for a terminal that does not report its own, in columns. */
const USUAL_WIDTH = 80;

/** The terminal's width in columns; undefined if the stream, by default stdout, is no terminal. */
export function terminalWidth(stream: Pick<typeof Deno.stdout, "isTerminal"> = Deno.stdout): number | undefined {
  if (!stream.isTerminal()) return undefined;
  try {
    return Deno.consoleSize().columns || USUAL_WIDTH;
  } catch (error) {
    // Deno has no error class for a terminal without a size.
    if (error instanceof Error) return USUAL_WIDTH;
    throw error;
  }
}

/**
 * Whether a terminal can neither move its cursor nor show colours: without TERM, and not with `TERM=dumb`.
 *
 * @param env Reads an environment variable.
 */
export function isDumb(env: (name: string) => string | undefined): boolean {
  const term = env("TERM");
  return term === "dumb" || term === undefined && Deno.build.os !== "windows";
}

/** Whether to show colours at a terminal; https://no-color.org. */
export function hasColours(env: (name: string) => string | undefined): boolean {
  return !isDumb(env) && env("NO_COLOR") === undefined;
}
