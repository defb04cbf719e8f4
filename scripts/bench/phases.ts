/** A phase of a run; it ends when a function begins, or ends. */
export interface Phase {
  readonly name: string;
  /** The first call's begin, or the last call's end. */
  readonly until: "begin" | "end";
  /** The functions, of which a run calls one: a module, and a function or a class and its method. */
  readonly of: readonly (readonly [module: string, target: string])[];
}

const LOCK = [
  ["lib/backends/mysql/backend.ts", "MySqlBackend.lock"],
  ["lib/backends/postgres/backend.ts", "PostgresBackend.lock"],
  ["lib/backends/etcd/backend.ts", "EtcdBackend.lock"],
  ["lib/backends/file/backend.ts", "FileBackend.lock"],
] as const;
const SPAWN = ["lib/child/spawn.ts", "startCommand"] as const;

/**
 * The phases between a program's first statement and its exit, in order. When renaming one of these functions, rename it
 * here as well: the bench refuses a phase whose function is missing.
 */
export const PHASES: readonly Phase[] = [
  { name: "loading modules", until: "begin", of: [["lib/cli.ts", "run"]] },
  { name: "settings", until: "end", of: [["lib/settings/resolve.ts", "resolveSettings"]] },
  { name: "signals, helper shell", until: "begin", of: LOCK },
  { name: "loading the driver", until: "end", of: LOCK },
  {
    name: "connecting, log-in",
    until: "end",
    of: [["lib/backends/sql/session_lock.ts", "SessionLock.session"]],
  },
  {
    name: "acquiring",
    until: "end",
    of: [
      ["lib/backends/sql/session_lock.ts", "SessionLock.acquire"],
      ["lib/backends/file/lock.ts", "FileLock.acquire"],
    ],
  },
  { name: "last checks", until: "begin", of: [SPAWN] },
  { name: "spawning", until: "end", of: [SPAWN] },
  { name: "command", until: "end", of: [["lib/child/supervise.ts", "supervise"]] },
  { name: "releasing", until: "end", of: [["lib/commands/run/finish_run.ts", "release"]] },
];

/** Until a program's first statement, which only the empty program can tell. */
export const RUNTIME = "runtime";
/** From the last phase's end until the program has been reaped. */
export const EXIT = "exit";

/** When things happened, in milliseconds since 1970. */
export interface Trace {
  /** The program was asked for. */
  readonly started: number;
  /** Its phases ended, by their names; those that it has. */
  readonly ends: Readonly<Record<string, number>>;
  /** It had been reaped. */
  readonly ended: number;
}

/**
 * How long each phase of a run took, in milliseconds; 0 for one that the run has not. Where two overlap, the later one
 * counts from the end of the earlier one, so that they add up to the whole.
 */
export function phasesOf({ started, ends, ended }: Trace): Record<string, number> {
  const lengths: Record<string, number> = {};
  let reached = started;
  for (const name of [RUNTIME, ...PHASES.map(({ name }) => name)]) {
    const end = Math.max(reached, ends[name] ?? reached);
    lengths[name] = end - reached;
    reached = end;
  }
  lengths[EXIT] = ended - reached;
  return lengths;
}
