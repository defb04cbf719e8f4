import type { Settings } from "../config/config.ts";
import { loadLedger } from "../ledger/open_ledger.ts";
import { type BackendOptions, openBackend } from "../lock/open_backend.ts";
import { timeOf } from "../time.ts";
import type { Finding } from "./report.ts";

/**
 * Reads the ledger. Whether it can be written to shows only with a run, which this is not.
 *
 * @throws {LockUnavailableError} When it cannot be read.
 */
export async function checkLedger(
  { server, ledger }: Settings,
  name: string,
  options: BackendOptions,
): Promise<Finding> {
  const open = await loadLedger(server, ledger.table, options.env);
  await using backend = await openBackend(server, name, options);
  const [last] = await (await open(await backend.session(new AbortController().signal))).latest(1);
  if (last) {
    const when = last.started === undefined ? "" : `, of ${timeOf(last.started)}`;
    return { found: `it can be read; its last run is ${last.id}${when}` };
  }
  return {
    found: "it has no run yet; the first one makes what is missing, if the user may (else see sera history --schema)",
  };
}
