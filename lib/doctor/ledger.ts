import type { Settings } from "../settings/settings.ts";
import { systemUser } from "../settings/server.ts";
import { loadStore } from "../ledger/open_ledger.ts";
import { openPatiently } from "../backends/sql/open_patiently.ts";
import { type BackendOptions, openBackend } from "../backends/registry.ts";
import type { RunRehearsal } from "../ledger/ledger.ts";
import type { Finding } from "./report.ts";

/**
 * Whether a run could be recorded: the ledger is asked for everything that a run asks of it, in ways that leave nothing.
 *
 * @param name The lock's name, which nobody else has.
 * @throws {LockUnavailableError} When a run could not use the ledger.
 */
export async function checkLedger(settings: Settings, name: string, options: BackendOptions): Promise<Finding> {
  const { server, ledger } = settings;
  const label = settings.label ?? options.label;
  const user = systemUser()?.username ?? String(Deno.uid() ?? "");
  const rehearsal: RunRehearsal = {
    lock: name,
    rule: ledger,
    runner: { label, host: Deno.hostname(), pid: Deno.pid, user },
  };
  if (server.kind === "file") {
    const { checkFileLedger } = await import("../backends/file/ledger_checks.ts");
    return await checkFileLedger(server, options.env, rehearsal);
  }
  const open = await loadStore(server, ledger.table, options.env);
  await using backend = await openBackend(server, name, options);
  const { signal } = new AbortController();
  const session = await openPatiently(() => backend.session(signal));
  const store = await open(session);
  if (server.kind === "mysql") {
    const { checkMySqlLedger } = await import("../backends/mysql/ledger_checks.ts");
    return await checkMySqlLedger(store, ledger.table, rehearsal);
  }
  const { checkPostgresLedger } = await import("../backends/postgres/ledger_checks.ts");
  return await checkPostgresLedger(store, rehearsal, session!.closed);
}
