import { readProc } from "./proc.ts";

/** Clock ticks per second of times in /proc, the same on all processors that sera runs on; USER_HZ in time(7). */
const TICKS = 100;

/** What Linux says about a process; proc_pid_stat(5). */
export interface ProcessStat {
  readonly parent: number;
  /** When it started, in seconds since boot. Tells it from a later process with the same PID. */
  readonly started: number;
}

/** Reads the status of a process; undefined if there is no such process, or no /proc. */
export function processStat(pid: number): ProcessStat | undefined {
  const bytes = readProc(`${pid}/stat`);
  if (!bytes) return undefined;
  const text = new TextDecoder().decode(bytes);
  // The program's name, in parentheses, may contain anything.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { parent: Number(fields[1]), started: Number(fields[19]) / TICKS };
}
