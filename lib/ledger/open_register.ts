import type { Settings } from "../config/config.ts";
import { systemUser } from "../config/server.ts";
import type { Logger } from "../log/logger.ts";
import { openLedger } from "./open_ledger.ts";
import { Register } from "./register.ts";

/** Makes the register for a run; its ledger is opened once the lock is held. */
export function openRegister(
  { server, ledger }: Settings,
  { lock, label, host }: { readonly lock: string; readonly label: string; readonly host: string },
  env: (name: string) => string | undefined,
  logger: Logger,
): Register {
  const user = systemUser()?.username ?? String(Deno.uid() ?? "");
  const open = ({ session }: { readonly session: Parameters<typeof openLedger>[1] }) =>
    openLedger(server, session, ledger.table, env);
  return new Register(open, lock, { label, host, pid: Deno.pid, user }, ledger, logger);
}
