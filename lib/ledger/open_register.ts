import type { Settings } from "../settings/settings.ts";
import { systemUser } from "../system/user.ts";
import type { Io } from "../io.ts";
import type { Logger } from "../log/logger.ts";
import { loadLedger } from "./open_ledger.ts";
import { Register } from "./register.ts";
import { lockFlagsOf } from "../text/shell_word.ts";

/**
 * Makes the register for a run; its ledger is opened once the lock is held.
 *
 * @param interrupted Fires at a signal that is to end sera: then nothing is waited for any longer.
 * @throws {LockUnavailableError} When the folder of a ledger in a file cannot be used.
 */
export async function openRegister(
  { server, ledger, name, namespace }: Settings,
  { lock, label, host }: { readonly lock: string; readonly label: string; readonly host: string },
  io: Io,
  logger: Logger,
  interrupted: AbortSignal,
): Promise<Register> {
  const user = systemUser()?.username ?? String(Deno.uid() ?? "");
  const open = await loadLedger(server, ledger.table, io, interrupted);
  const runner = { label, host, pid: Deno.pid, user };
  return new Register(open, lock, runner, ledger, logger, interrupted, lockFlagsOf({ namespace, name }));
}
