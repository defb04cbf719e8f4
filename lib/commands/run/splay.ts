import type { Io } from "../../io.ts";
import { splayedPause } from "../../lock/splay.ts";
import type { Logger } from "../../log/logger.ts";
import { formatDuration } from "../../text/duration.ts";
import { delayOrAbort } from "../../waiting.ts";
import { unlessInterrupted } from "./interrupts.ts";
import { showIfLong } from "./show_if_long.ts";

/**
 * Pauses before the lock is asked for, so that a fleet whose nodes all begin at once does not ask at once.
 *
 * @param splay The longest pause, in milliseconds.
 * @param lock The lock's name.
 * @param interrupted Fires when a signal is to end it.
 * @returns The exit code if one has: 128+n after signal n.
 */
export async function pauseFor(
  splay: number,
  lock: string,
  io: Io,
  logger: Logger,
  interrupted: AbortSignal,
): Promise<number | undefined> {
  const pause = splayedPause(splay, Deno.hostname(), lock);
  const text = `Pausing for ${formatDuration(pause)} before asking for the lock (--splay ${formatDuration(splay)}).`;
  logger.log("info", "pausing", text, { pause });
  return await unlessInterrupted(logger, async () => {
    using _line = showIfLong(pause, logger, async (deadline, over) => {
      const [{ showLiveLine }, { pauseText }] = await Promise.all([
        import("./live_line.ts"),
        import("../../who/waiting_text.ts"),
      ]);
      await showLiveLine(io, deadline, over, { text: (width) => pauseText(deadline.remaining, width) });
    });
    await delayOrAbort(pause, interrupted);
    interrupted.throwIfAborted();
    return undefined;
  });
}
