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
