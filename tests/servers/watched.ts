/** A server process that cannot outlive the tests. */

import { living } from "./process_tree.ts";

/**
 * The shell that stands between the tests and the server. It holds the reading end of a pipe whose other end only the
 * test process has, so it learns of that process's end however it comes, SIGKILL included; then it kills the server and
 * removes the given folders. A parent-death signal (`setpriv --pdeathsig`) would not do: Linux sends it when the thread
 * that forked ends, and Deno forks from threads that come and go.
 *
 * Ctrl-C reaches every process of the terminal's group, hence the signals ignored. Descriptor 3 is there since a shell
 * gives background jobs /dev/null to read. The signal that ends the server is sent until it has ended, since a program
 * that has only just started may not hear the first one, and a stopped one hears none but SIGKILL. SIGUSR1 ends the
 * watcher while it waits, so that its status tells who ended first.
 */
const WATCHER = `
trap '' HUP INT QUIT TERM
log=$1 folders=$2 end=$3
shift 3
exec 3<&0
"$@" </dev/null >>"$log" 2>&1 3<&- &
server=$!
{
  read -r _ <&3
  trap '' USR1
  while kill -s "$end" "$server"; do
    kill -s CONT "$server"
    sleep 1
  done
} >/dev/null &
watcher=$!
echo "$server"
exec >/dev/null
wait "$server"
kill -s USR1 "$watcher"
wait "$watcher" || exit 0
set -f
IFS=:
rm -rf -- $folders
`;

/** A running server. */
export interface Watched {
  /** The server's process id. */
  readonly pid: number;
  /** True once the server has ended. */
  readonly ended: boolean;
  /** Sends a signal to the server; nothing happens if it has ended. */
  signal(name: Deno.Signal): void;
  /** Resolves when the server has ended and nothing of it is left, not even a zombie. */
  wait(): Promise<void>;
}

/** What to start. */
export interface WatchedCommand {
  /** The program and its arguments. */
  command: string[];
  /** Variables added to its environment. */
  env?: Record<string, string>;
  /** The file for its output. */
  log: string;
  /** The folders to remove if the test process ends before the server does. */
  folders: string[];
  /** The folder it runs in; that of the tests by default. */
  cwd?: string;
  /** The signal that ends the server if the test process ends before it does; SIGKILL by default. */
  endSignal?: "SIGKILL" | "SIGQUIT";
}

/** Starts a program that is killed, at the latest, when this process ends. */
export async function startWatched(watched: WatchedCommand): Promise<Watched> {
  const { command, env, log, folders, cwd, endSignal = "SIGKILL" } = watched;
  const shell = new Deno.Command("sh", {
    args: ["-c", WATCHER, "watcher", log, folders.join(":"), endSignal.slice("SIG".length), ...command],
    env,
    cwd,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let ended = false;
  const end = shell.status.then(async () => {
    ended = true;
    await shell.stdin.close().catch(() => {});
  });
  let line = "";
  for await (const text of shell.stdout.pipeThrough(new TextDecoderStream())) line += text;
  const pid = Number(line);
  return {
    pid,
    get ended() {
      return ended;
    },
    signal(name) {
      // It may have ended on its own a moment ago.
      if (!ended) reached(pid, name);
    },
    wait: () => end,
  };
}

/** A server that another process watches. */
export function watchedElsewhere(pid: number): Watched {
  const lives = () => living([pid]).then((found) => found.length > 0);
  let ended = false;
  return {
    pid,
    get ended() {
      return ended;
    },
    signal(name) {
      if (!ended) ended = !reached(pid, name);
    },
    async wait() {
      while (await lives()) await new Promise((resolve) => setTimeout(resolve, 5));
      ended = true;
    },
  };
}

/** Sends a signal, and tells whether the process was there to get it. */
function reached(pid: number, name: Deno.Signal): boolean {
  try {
    Deno.kill(pid, name);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
