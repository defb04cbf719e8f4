/**
 * Who is left of a process group. kill(2) with signal 0 shows at once whether anybody is. But it counts zombies, and sera
 * must not wait for those: a first process that does not reap leaves them for ever. /proc shows which are zombies.
 */

import { keepExitCodes } from "../system/children.ts";

/** Whether anybody is left, and whether any of them may be sent a signal. */
export type Presence = "nobody" | "reachable" | "forbidden";

/** A process that is left. */
export interface Remnant {
  readonly pid: number;
  /** The user that it runs as, by number. */
  readonly uid: number;
}

/**
 * Whether kill(2) finds anybody for a target.
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

/**
 * The processes of a target that are not zombies.
 *
 * @param target As for {@linkcode presenceOf}.
 * @returns Undefined when that is not known: no Linux, no shell, no more processes, or a /proc that hides others'.
 */
export async function livingOf(target: number): Promise<readonly Remnant[] | undefined> {
  const text = await ask("/bin/cat /proc/[0-9]*/status");
  // In this file a line break in a process's name is written as two characters, in others it is not.
  const all = text?.split(/^(?=Name:)/m).map(readStatus);
  // Everybody has a first process; who does not see it does not see all. Before Linux 4.1 it tells of no group.
  if (!all?.some(({ pid, group }) => pid === 1 && !Number.isNaN(group))) return undefined;
  const members = all.filter(({ pid, group }) => target < 0 ? group === -target : pid === target);
  // All have gone meanwhile, or it is another namespace's /proc, with other numbers.
  if (members.length === 0) return undefined;
  return members.filter(({ lives }) => lives).map(({ pid, uid }) => ({ pid, uid }));
}

/** What proc_pid_status(5) says of a process. */
function readStatus(text: string): Remnant & { readonly group: number; readonly lives: boolean } {
  const field = (name: string, index = 0) =>
    new RegExp(`^${name}:\t(.*)$`, "m").exec(text)?.[1]?.trim().split(/\s+/)[index] ?? "none";
  return {
    pid: Number(field("Pid")),
    // The effective one.
    uid: Number(field("Uid", 1)),
    // As this system of processes numbers it; those inside it follow.
    group: Number(field("NSpgid")),
    // A first thread that has ended before the others looks like a zombie.
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
