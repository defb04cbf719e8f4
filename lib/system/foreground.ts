/**
 * Whether this process is in the foreground of its terminal. A background process must not write into what the user is
 * typing, and may be stopped for it (SIGTTOU). True where this is unknown: without a controlling terminal, and on systems
 * without /proc.
 */
export async function isInForeground(): Promise<boolean> {
  if (Deno.build.os !== "linux") return true;
  let stat;
  try {
    // Detached, so that Ctrl-Z does not reach it: with vfork(2), a child that is stopped before its exec keeps its parent
    // suspended, where no shell notices. The runtime starts detached children with fork(2) instead, which does not have
    // that problem. For why cat(1), see proc.ts.
    const { stdout } = await new Deno.Command("/bin/cat", {
      args: [`/proc/${Deno.pid}/stat`],
      cwd: "/",
      clearEnv: true,
      detached: true,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn().output();
    stat = new TextDecoder().decode(stdout);
  } catch (error) {
    // No cat, or the limit of processes, files or memory is reached.
    if (error instanceof Error) return true;
    throw error;
  }
  // The program's name, in parentheses, may contain anything. proc_pid_stat(5): state, parent, group, session, terminal,
  // the terminal's foreground group.
  const [, , group, , , foreground = 0] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").map(Number);
  return group === foreground || !(foreground > 0);
}
