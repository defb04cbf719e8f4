import type { Recorder } from "../ledger/recorder.ts";
import { everyoneExecutes, type Mode, waitAndSkip } from "./mode.ts";

/** The mode for the settings; code for the ledger is loaded only if there is one. */
export async function modeOf(
  settings: { readonly waitAndSkip: boolean },
  recorder: Recorder | undefined,
): Promise<Mode> {
  const mode = settings.waitAndSkip ? waitAndSkip : everyoneExecutes;
  return recorder ? (await import("./at_most_once.ts")).atMostOnce(mode, recorder) : mode;
}
