/**
 * Who is left of a process group. kill(2) with signal 0 tells at once whether anybody is; but it counts zombies, which a
 * first process that does not reap leaves for ever, so that sera must not wait for them. Who is one, /proc tells.
 */

/** Whether anybody is left, and whether any of them may be sent a signal. */
export type Presence = "nobody" | "reachable" | "forbidden";

/** A process that is left. */
export interface Remnant {
  readonly pid: number;
  /** The user that it runs as, by number; undefined when /proc does not tell. */
  readonly uid: number | undefined;
}

/**
 * Whether there is somebody whom kill(2) takes for the target.
 *
 * @param target A process's number, or the negative one of a group.
 */
export function presenceOf(target: number): Presence {
  try {
    Deno.kill(target, 0);
    return "reachable";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "nobody";
    if (error instanceof Deno.errors.PermissionDenied) return "forbidden";
    throw error;
  }
}

/** The fields of proc_pid_stat(5) after the name, which may hold spaces and parentheses. */
const STATE = 0;
const GROUP = 2;
const THREADS = 17;

/**
 * The processes that are more than a zombie.
 *
 * @param target As for {@linkcode presenceOf}.
 * @returns Undefined when that cannot be told: no Linux, no shell, no more processes, or a /proc that hides others'.
 */
export async function livingOf(target: number): Promise<readonly Remnant[] | undefined> {
  const text = await ask("cat /proc/[0-9]*/stat");
  const all = text?.split("\n").map((line) => ({
    pid: parseInt(line),
    fields: line.slice(line.lastIndexOf(")") + 2).split(" "),
  }));
  // Everybody has a first process; who does not see it does not see all.
  if (!all?.some(({ pid }) => pid === 1)) return undefined;
  const pids = all
    .filter(({ pid, fields }) => target < 0 ? Number(fields[GROUP]) === -target : pid === target)
    // A first thread that has ended before the others looks like a zombie.
    .filter(({ fields }) => !/[ZX]/.test(fields[STATE]!) || Number(fields[THREADS]) > 1)
    .map(({ pid }) => pid);
  if (pids.length === 0) return [];
  const users = await ask(`cat ${pids.map((pid) => `/proc/${pid}/status`).join(" ")}`) ?? "";
  return pids.map((pid) => ({ pid, uid: userOf(pid, users) }));
}

/** The effective user of a process, among what proc_pid_status(5) says of several. */
function userOf(pid: number, statuses: string): number | undefined {
  const uid = new RegExp(`^Pid:\\t${pid}\\n[^]*?^Uid:\\t\\d+\\t(\\d+)`, "m").exec(statuses)?.[1];
  return uid === undefined ? undefined : Number(uid);
}

/** What a line of shell says; some of the files that it reads may be gone by then. */
async function ask(script: string): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  try {
    const { stdout } = await new Deno.Command("/bin/sh", {
      args: ["-c", `exec ${script}`],
      // The folder that sera was started in may be one that nobody can enter.
      cwd: "/",
      clearEnv: true,
      stdin: "null",
      stderr: "null",
    }).output();
    return new TextDecoder().decode(stdout);
  } catch (error) {
    // There is no shell, or there can be no more processes.
    if (error instanceof Error) return undefined;
    throw error;
  }
}
