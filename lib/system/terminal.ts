/** The width to assume for a terminal that does not report its own, in columns. */
const USUAL_WIDTH = 80;

/** The terminal's width in columns; undefined if stdout is no terminal. */
export function terminalWidth(): number | undefined {
  if (!Deno.stdout.isTerminal()) return undefined;
  try {
    return Deno.consoleSize().columns || USUAL_WIDTH;
  } catch (error) {
    // Deno has no error class for a terminal without a size.
    if (error instanceof Error) return USUAL_WIDTH;
    throw error;
  }
}
