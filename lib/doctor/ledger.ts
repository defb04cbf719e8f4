import type { Settings } from "../settings/settings.ts";
import { systemUser } from "../system/user.ts";
import { LockUnavailableError } from "../errors.ts";
import { LedgerTable, type Store } from "../backends/sql/ledger_table.ts";
import { readLatest } from "../backends/sql/rows.ts";
import type { RecordedRun } from "../ledger/run.ts";
import type { LockOptions } from "../backends/backend.ts";
import { timeOf } from "../text/time.ts";
import type { Rehearsal } from "../backends/sql/rehearsal.ts";
import type { Finding } from "./report.ts";

/**
 * Whether a run could be recorded: the ledger is asked for everything that a run asks of it, in ways that leave nothing.
 *
 * @param name The lock's name, which nobody else has.
 * @throws {LockUnavailableError} When a run could not use the ledger.
 */
export async function checkLedger(settings: Settings, name: string, options: LockOptions): Promise<Finding> {
  const { server, ledger } = settings;
  const label = settings.label ?? options.label;
  const user = systemUser()?.username ?? String(Deno.uid() ?? "");
  const rehearsal: Rehearsal = {
    lock: name,
    rule: ledger,
    runner: { label, host: Deno.hostname(), pid: Deno.pid, user },
  };
  return await server.ledger!.check(ledger.table, rehearsal, options);
}

/**
 * The ledger's last run; undefined if there is none.
 *
 * @throws {LockUnavailableError} When it cannot be read.
 */
export async function lastRun(store: Store): Promise<RecordedRun | "no table" | undefined> {
  const { dialect, run } = store;
  try {
    return (await readLatest(dialect, undefined, 1, run))[0];
  } catch (error) {
    if (!(error instanceof LockUnavailableError)) throw error;
    if (dialect.isMissing("table", error.cause)) return "no table";
    if (dialect.isMissing("column", error.cause)) return undefined;
    throw new LedgerTable(store).failure(error.reason, error);
  }
}

/**
 * What is told of a ledger that a run can use.
 *
 * @param last Its last run.
 * @param kept Why old runs cannot be deleted, if so.
 */
export function usable(last: RecordedRun | "no table" | undefined, kept?: string): Finding {
  if (last === "no table") return { found: "there is no table yet; the first run creates it" };
  const when = last?.started === undefined ? "" : `, of ${timeOf(last.started)}`;
  const found = `it can be read and written; ${last ? `its last run is ${last.id}${when}` : "it has no run yet"}`;
  if (kept === undefined) return { found };
  return {
    found: `it can be read and written, but old runs stay in it for ever: ${kept.split("; ")[0]}`,
    cure: "grant DELETE on it",
  };
}
