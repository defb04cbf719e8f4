/**
 * Draws the terminals in the README, from a real run on a server of its own: `scripts/terminal.ts [SVG]`, by default
 * docs/terminal.svg. The same program gives the same picture.
 *
 * @module
 */
import { resolve } from "node:path";
import { record } from "../tests/docs/recording.ts";
import { ROOT } from "./root.ts";
import { drawTerminals } from "./terminal_svg.ts";

/** A description of the picture, for those who cannot see it. */
const TITLE = "A sera that waits for its lock, sera status, and a command that is stopped because its lock was lost";

/** Records the run and draws it. */
export async function terminalSvg(): Promise<string> {
  return drawTerminals(TITLE, await record());
}

if (import.meta.main) {
  const [path = `${ROOT}/docs/terminal.svg`] = Deno.args;
  await Deno.writeTextFile(resolve(path), await terminalSvg());
}
