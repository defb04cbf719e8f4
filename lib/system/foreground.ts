import { readProc } from "./proc.ts";

/**
 * Whether this process is in the foreground of its terminal: what is in the background must not write into what the user
 * types, and may be stopped for it (SIGTTOU). True where that cannot be told: without a terminal of its own, and on
 * systems without /proc.
 */
export function isInForeground(): boolean {
  const stat = new TextDecoder().decode(readProc(`${Deno.pid}/stat`));
  // The program's name, in parentheses, may contain anything. proc_pid_stat(5): state, parent, group, session, terminal,
  // the terminal's foreground group.
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").map(Number);
  return group === foreground || foreground === undefined || !(foreground > 0);
}
