import type { Register } from "../ledger/register.ts";
import { everyoneExecutes, type Mode, waitAndSkip } from "./mode.ts";

/** The mode that settings ask for; what goes by the ledger is loaded only where there is one. */
export async function modeOf(
  settings: { readonly waitAndSkip: boolean },
  register: Register | undefined,
): Promise<Mode> {
  const mode = settings.waitAndSkip ? waitAndSkip : everyoneExecutes;
  return register ? (await import("./at_most_once.ts")).atMostOnce(mode, register) : mode;
}
