/** A function whose calls are noted. */
export interface TracePoint {
  /** The name of the mark. */
  readonly mark: string;
  /** Its module, from the project's root. */
  readonly module: string;
  /** The function; or a class and its method, with a dot between them. */
  readonly target: string;
}

/**
 * The calls that a run of sera consists of. Whoever renames one of these in lib/ does so here, too: the bench refuses to
 * trace what it does not find.
 */
export const TRACE_POINTS: readonly TracePoint[] = [
  { mark: "run", module: "lib/cli.ts", target: "run" },
  { mark: "settings", module: "lib/settings/resolve.ts", target: "resolveSettings" },
  { mark: "backend", module: "lib/backends/mysql/backend.ts", target: "MySqlBackend.lock" },
  { mark: "backend", module: "lib/backends/postgres/backend.ts", target: "PostgresBackend.lock" },
  { mark: "backend", module: "lib/backends/file/backend.ts", target: "FileBackend.lock" },
  { mark: "connect", module: "lib/backends/sql/session_lock.ts", target: "SessionLock.session" },
  { mark: "acquire", module: "lib/backends/sql/session_lock.ts", target: "SessionLock.acquire" },
  { mark: "acquire", module: "lib/backends/file/lock.ts", target: "FileLock.acquire" },
  { mark: "spawn", module: "lib/child/spawn.ts", target: "startCommand" },
  { mark: "command", module: "lib/child/supervise.ts", target: "supervise" },
  { mark: "release", module: "lib/commands/give_back.ts", target: "release" },
];
