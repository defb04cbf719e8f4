/** A terminal for a test to type into. */

import type { Place } from "./place.ts";
import type { Running } from "./running.ts";

/** What some keys send. */
export const KEY = { ctrlC: "\x03", ctrlD: "\x04", ctrlZ: "\x1a", ctrlBackslash: "\x1c" };

/**
 * Starts a shell command in a terminal of its own, with script(1). What the test writes is typed. It ends as the command
 * does.
 */
export function startInTerminal(place: Place, command: string): Running {
  return place.start(["script", "--quiet", "--return", "--command", command, "/dev/null"], {
    stdin: "open",
    env: { TERM: "dumb" },
  });
}
