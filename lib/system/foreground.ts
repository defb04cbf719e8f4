/**
 * Whether this process is in the foreground of its terminal: what is in the background must not write into what the user
 * types, and may be stopped for it (SIGTTOU). True where that cannot be told: without a terminal of its own, and on
 * systems without /proc.
 */
export async function isInForeground(): Promise<boolean> {
  if (Deno.build.os !== "linux") return true;
  let stat;
  try {
    // In a session of its own, out of reach of Ctrl-Z: a child that is stopped before it has become another program stops
    // its parent where no shell sees it, since both share their memory until then; see vfork(2). The runtime starts one
    // with a session of its own by fork(2), which does not have that. For why cat(1), see proc.ts.
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
