import type { TableName } from "../config/ledger_settings.ts";
import type { Server } from "../config/server.ts";
import { isNamespacedName } from "../lock/namespaced_name.ts";
import type { Backend } from "../lock/lock.ts";
import { defaultLockFolder } from "../lock/default_folder.ts";
import { isLockName } from "../lock/lock_name.ts";
import type { Sighting, Whose } from "./sighting.ts";
import { tidy } from "./tidy.ts";

/** What a look needs besides the server. */
export interface LookOptions {
  /** The ledger's table, which may be missing. */
  readonly table: TableName;
  /** Reads an environment variable. */
  readonly env: (name: string) => string | undefined;
  /** Gives the look up. */
  readonly signal: AbortSignal;
}

/**
 * Who has a lock and who waits for it, as far as the server lets this user see; or all of sera's locks there. Whoever
 * looks does not count.
 *
 * @param backend Where to ask; a file needs none.
 * @param whose A lock that has no lock's name is not looked for.
 * @returns For each lock those that hold it, then those that wait.
 * @throws {LockUnavailableError} When the server cannot be asked.
 */
export async function look(
  backend: Pick<Backend, "session">,
  server: Server,
  whose: Whose,
  { table, env, signal }: LookOptions,
): Promise<readonly Sighting[]> {
  if (whose !== "all" && !isLockName(whose.lock) && !isNamespacedName(whose.lock)) return [];
  const seen = await lookAt();
  return seen.map(tidy).sort((a, b) => compare(a.lock, b.lock) || compare(a.state, b.state));

  async function lookAt(): Promise<readonly Sighting[]> {
    switch (server.kind) {
      case "file":
        return (await import("./file.ts")).lookAtFiles(server.folder ?? defaultLockFolder(env).path, whose);
      case "mysql": {
        const { lookOnMySql } = await import("./mysql.ts");
        return await lookOnMySql((await backend.session(signal))!, whose, table, signal);
      }
      case "postgres": {
        const { lookOnPostgres } = await import("./postgres.ts");
        return await lookOnPostgres((await backend.session(signal))!, whose, table, signal);
      }
    }
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
