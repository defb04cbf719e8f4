/**
 * Who is left of a process group. kill(2) with signal 0 shows at once whether anybody is. But it counts zombies, and sera
 * must not wait for those: a first process that does not reap leaves them forever. /proc shows which are zombies.
 */

import { keepExitCodes } from "../system/children.ts";

/** Whether any process is left, and whether sera may send a signal to any of them. */
export type TargetState = "nobody" | "reachable" | "forbidden";

/** A process that is left, other than a zombie. */
export interface Survivor {
  readonly pid: number;
  /** The number of the user that it runs as. */
  readonly uid: number;
}

/**
 * Whether kill(2) finds anybody for a target.
 *
 * @param target A process's number, or the negative one of a group.
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
 * @returns Undefined when that is not known: no Linux, no shell, no more processes, or a /proc that hides others'.
 */
export async function livingOf(target: number): Promise<readonly Survivor[] | undefined> {
  const text = await ask("/bin/cat /proc/[0-9]*/status");
  // This file escapes line breaks in a process's name; others in /proc do not.
  const all = text?.split(/^(?=Name:)/m).map(readStatus);
  // If process 1 is not listed, /proc hides other users' processes. Before Linux 4.1 there is no process group in the file.
  if (!all?.some(({ pid, group }) => pid === 1 && !Number.isNaN(group))) return undefined;
  const members = all.filter(({ pid, group }) => target < 0 ? group === -target : pid === target);
  // All have ended meanwhile, or /proc is another PID namespace's, with other numbers.
  if (members.length === 0) return undefined;
  return members.filter(({ lives }) => lives).map(({ pid, uid }) => ({ pid, uid }));
}

/** What proc_pid_status(5) says about a process. */
function readStatus(text: string): Survivor & { readonly group: number; readonly lives: boolean } {
  const field = (name: string, index = 0) =>
    new RegExp(`^${name}:\t(.*)$`, "m").exec(text)?.[1]?.trim().split(/\s+/)[index] ?? "none";
  return {
    pid: Number(field("Pid")),
    // The effective user.
    uid: Number(field("Uid", 1)),
    // The number in the PID namespace of this /proc; numbers in nested namespaces follow.
    group: Number(field("NSpgid")),
    // A process whose main thread has ended before the others looks like a zombie.
    lives: !/[ZX]/.test(field("State")) || Number(field("Threads")) > 1,
  };
}

/** Runs a shell command and returns its output; some of the files that it reads may be gone by then. */
async function ask(script: string): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  keepExitCodes();
  try {
    const { stdout } = await new Deno.Command("/bin/sh", {
      args: ["-c", `exec ${script}`],
      // sera's working directory may be one that cannot be entered.
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
