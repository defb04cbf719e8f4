/** What runs on this machine, as /proc tells it. Linux only. */

import { children, type Running } from "./running.ts";
import { until } from "./wait.ts";

/** One process. */
export interface ProcessInfo {
  readonly pid: number;
  /** A letter as in ps(1): Z is one that has ended and has not been reaped. */
  readonly state: string;
  readonly group: number;
  readonly session: number;
}

/** The process, or undefined when there is none or it has ended. */
export function processInfo(pid: number): ProcessInfo | undefined {
  const stat = readOf(pid, "stat");
  if (stat === "") return undefined;
  // pid (name) state ppid pgrp session …; the name may hold spaces and parentheses. proc(5)
  const [state = "", , group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state === "Z" || state === "X" ? undefined : { pid, state, group: Number(group), session: Number(session) };
}

/** The process that started this one, or undefined when that has ended. */
export function parentOf(pid: number): number | undefined {
  return Number(/^PPid:\s+(\d+)$/m.exec(readOf(pid, "status"))?.[1]) || undefined;
}

/** Whether a process runs. */
export function lives(pid: number): boolean {
  return processInfo(pid) !== undefined;
}

/** The processes that have this text in their words or in their environment. */
export function processesWith(mark: string): number[] {
  return [...Deno.readDirSync("/proc")].filter(({ name }) => /^\d+$/.test(name)).map(({ name }) => Number(name))
    .filter((pid) =>
      [readOf(pid, "cmdline"), readOf(pid, "environ")].some((text) => text.includes(mark)) && lives(pid)
    );
}

/** The children of a sera whose command runs: the command, and the shell that waits for sera's end. */
export function childrenOfSera({ pid }: Running): { readonly command: number; readonly shell: number } {
  const all = children(pid);
  const shell = all.find((child) => readOf(child, "cmdline").includes('kill -s KILL -- "$target"'));
  const command = all.find((child) => child !== shell);
  if (shell === undefined || command === undefined) throw new Error(`sera has only these children: ${all}`);
  return { command, shell };
}

/** Signals that sera catches only for a command, by number: the last one when that has been started. signal(7) */
const CAUGHT_LATE = { SIGUSR1: 10, SIGTSTP: 20, SIGURG: 23 };

/** Resolves when sera passes the signal on to its command. */
export async function passesOn({ pid }: Pick<Running, "pid">, signal: keyof typeof CAUGHT_LATE): Promise<void> {
  await until(`sera passes ${signal} on`, () => {
    const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readOf(pid, "status"))?.[1] ?? "0";
    return (BigInt(`0x${mask}`) >> BigInt(CAUGHT_LATE[signal] - 1)) & 1n;
  });
}

/** Resolves when the helper shell knows what to kill; if sera were killed earlier, the command would survive. */
export async function underWatch(sera: Pick<Running, "pid">): Promise<void> {
  // Its next step.
  await passesOn(sera, "SIGURG");
}

/**
 * A command that says `overlap` if another one still does something, and then does `next`. A process that is dead, or that
 * SIGKILL was sent to, does nothing any more; it may vanish while it is looked at.
 */
export function overlapping(command: number, next = "echo ran"): string[] {
  const dead = "^(State:.[ZX]|(Sig|Shd)Pnd:.*[13579bdf]..$)";
  const look = `seen=$(cat "/proc/$0/status" 2>/dev/null) && ! echo "$seen" | grep -Eq '${dead}' && echo overlap`;
  return ["sh", "-c", `${look}; ${next}`, `${command}`];
}

/** The process that a script has written to a file. */
export async function pidIn(path: string): Promise<number | undefined> {
  return Number((await Deno.readTextFile(path).catch(() => "")).trim()) || undefined;
}

function readOf(pid: number, file: "stat" | "status" | "cmdline" | "environ"): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/${file}`);
  } catch {
    // It has ended, or is another user's.
    return "";
  }
}

/** The number of context switches of a process's first thread so far: a measure of its work on a machine of any speed. */
export function wakeUps(pid: number): number {
  const counts = Deno.readTextFileSync(`/proc/${pid}/status`).matchAll(/^\w+_ctxt_switches:\s+(\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}
