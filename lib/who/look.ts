import type { TableName } from "../ledger/table_name.ts";
import type { Server } from "../settings/server.ts";
import { isNamespacedName } from "../backends/postgres/namespaced_name.ts";
import type { Backend } from "../lock/lock.ts";
import { defaultLockFolder } from "../backends/file/default_folder.ts";
import { isLockName } from "../lock/lock_name.ts";
import { inOrder } from "./order.ts";
import type { Seen, Whose } from "./sighting.ts";
import { sensible, sensibleWho } from "./tidy.ts";

/** What a look needs besides the server. */
export interface LookOptions {
  /** The ledger's table, which may be missing. */
  readonly table: TableName;
  /** Reads an environment variable. */
  readonly env: (name: string) => string | undefined;
  /** Gives the look up. */
  readonly signal: AbortSignal;
}

const NOTHING: Seen = { sightings: [], strangers: [] };

/**
 * Who has a lock and who waits for it, as far as the server lets this user see; or all of sera's locks there, or those of
 * a namespace. Whoever looks does not count.
 *
 * @param backend Where to ask; a file needs none.
 * @param whose A lock that has no lock's name is not looked for.
 * @returns For each lock those that hold it, then those that wait; and what cannot be seen.
 * @throws {LockUnavailableError} When the server cannot be asked.
 */
export async function look(
  backend: Pick<Backend, "session">,
  server: Server,
  whose: Whose,
  { table, env, signal }: LookOptions,
): Promise<Seen> {
  if (whose !== "all" && "lock" in whose && !isLockName(whose.lock) && !isNamespacedName(whose.lock)) return NOTHING;
  const seen = await lookAt();
  return { ...seen, sightings: inOrder(seen.sightings.map(sensible)), strangers: seen.strangers.map(sensibleWho) };

  async function lookAt(): Promise<Seen> {
    switch (server.kind) {
      case "file": {
        const { lookAtFiles } = await import("../backends/file/sightings.ts");
        const sightings = lookAtFiles(server.folder ?? defaultLockFolder(env).path, whose);
        return { sightings, strangers: [] };
      }
      case "mysql": {
        const { lookOnMySql } = await import("../backends/mysql/sightings.ts");
        return await lookOnMySql((await backend.session(signal))!, whose, table, signal);
      }
      case "postgres": {
        const { lookOnPostgres } = await import("../backends/postgres/sightings.ts");
        return await lookOnPostgres((await backend.session(signal))!, whose, table, signal);
      }
    }
  }
}
