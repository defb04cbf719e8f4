import type { Runner } from "../ledger/run.ts";
import { systemUser } from "../system/user.ts";

/** This process as a runner in the ledger. */
export function runnerOf(label: string): Runner {
  const user = systemUser()?.username ?? String(Deno.uid() ?? "");
  return { label, host: Deno.hostname(), pid: Deno.pid, user };
}
