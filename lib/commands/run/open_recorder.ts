import type { Io } from "../../io.ts";
import { Patience } from "../../ledger/patience.ts";
import { Recorder } from "../../ledger/recorder.ts";
import { lockFlagsOf } from "../../lock/lock_flags.ts";
import type { Logger } from "../../log/logger.ts";
import { ledgerPlace } from "../../settings/ledger_settings.ts";
import type { Settings } from "../../settings/settings.ts";
import { runnerOf } from "../runner.ts";

/**
 * Makes the recorder for a run. It opens the ledger only when the lock is held.
 *
 * @param interrupted Fires when a signal is to end sera; then nothing is waited for any longer.
 * @throws {LockUnavailableError} When the backend cannot keep a ledger.
 */
export async function openRecorder(
  { server, ledger, name, namespace, slots }: Settings,
  { lock, label }: { readonly lock: string; readonly label: string },
  { env, timeouts }: Io,
  logger: Logger,
  interrupted: AbortSignal,
): Promise<Recorder> {
  const patience = new Patience(interrupted, timeouts?.ledgerWait);
  const open = await ledgerPlace(server, ledger.table).load(ledger.table, env, patience);
  const flags = lockFlagsOf({ namespace, name });
  return new Recorder(open, lock, runnerOf(label), ledger, logger, interrupted, flags, slots);
}
