/** As wide as a terminal is that does not say. */
const USUAL_WIDTH = 80;

/** How many columns the terminal has that stdout is; undefined where stdout is none. */
export function terminalWidth(): number | undefined {
  if (!Deno.stdout.isTerminal()) return undefined;
  try {
    return Deno.consoleSize().columns || USUAL_WIDTH;
  } catch (error) {
    // The runtime has no kind of error of its own for a terminal that has no size.
    if (error instanceof Error) return USUAL_WIDTH;
    throw error;
  }
}
