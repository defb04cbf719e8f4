/**
 * Finds the processes left in a process group. kill(2) with signal 0 tells at once whether there are any. But it counts
 * zombies, and sera must not wait for those: a PID 1 that does not reap leaves them forever. /proc shows which are zombies.
 */

import { keepExitCodes } from "../system/children.ts";

/** Whether any process is left, and whether sera may signal any of them. */
export type TargetState = "nobody" | "reachable" | "forbidden";

/** A process that is left, other than a zombie. */
export interface Survivor {
  readonly pid: number;
  /** The effective user. */
  readonly uid: number;
}

/**
 * Whether kill(2) finds any process for a target.
 *
 * @param target A PID, or the negative number of a process group.
 */
export function targetState(target: number): TargetState {
  try {
    Deno.kill(target, 0);
    return "reachable";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "nobody";
    if (error instanceof Deno.errors.PermissionDenied) return "forbidden";
    throw error;
  }
}

/**
 * The processes of a target that are not zombies.
 *
 * @param target As for {@linkcode targetState}.
 * @returns Undefined when not known: not on Linux, no shell, the process limit is reached, or /proc hides processes.
 */
export async function livingOf(target: number): Promise<readonly Survivor[] | undefined> {
  const text = await ask("/bin/cat /proc/[0-9]*/status");
  // Unlike other files in /proc, this one escapes line breaks in a process's name.
  const all = text?.split(/^(?=Name:)/m).map(readStatus);
  // If process 1 is not listed, /proc hides other users' processes. Before Linux 4.1 the file does not contain the process group.
  if (!all?.some(({ pid, group }) => pid === 1 && !Number.isNaN(group))) return undefined;
  const members = all.filter(({ pid, group }) => target < 0 ? group === -target : pid === target);
  // All have ended meanwhile, or /proc belongs to another PID namespace, with other numbers.
  if (members.length === 0) return undefined;
  return members.filter(({ lives }) => lives).map(({ pid, uid }) => ({ pid, uid }));
}

/** What proc_pid_status(5) says about a process. */
function readStatus(text: string): Survivor & { readonly group: number; readonly lives: boolean } {
  const field = (name: string, index = 0) =>
    new RegExp(`^${name}:\t(.*)$`, "m").exec(text)?.[1]?.trim().split(/\s+/)[index] ?? "none";
  return {
    pid: Number(field("Pid")),
    uid: Number(field("Uid", 1)),
    // The number in the PID namespace of this /proc; numbers in nested namespaces follow.
    group: Number(field("NSpgid")),
    // A process whose main thread has ended before the others looks like a zombie.
    lives: !/[ZX]/.test(field("State")) || Number(field("Threads")) > 1,
  };
}

/** Runs a shell command and returns its output, even if it fails: some of the files may be gone by then. */
async function ask(script: string): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  keepExitCodes();
  try {
    const { stdout } = await new Deno.Command("/bin/sh", {
      args: ["-c", `exec ${script}`],
      // sera's own working directory may not be accessible.
      cwd: "/",
      clearEnv: true,
      stdin: "null",
      stderr: "null",
    }).output();
    return new TextDecoder().decode(stdout);
  } catch (error) {
    // There is no shell, or the limit of processes is reached.
    if (error instanceof Error) return undefined;
    throw error;
  }
}
