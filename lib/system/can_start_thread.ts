/**
 * Whether this user may have one more thread just now. Where the runtime needs one of its own and cannot start it
 * (RLIMIT_NPROC, or the cgroup's pids.max), it aborts the whole process. These limits count processes and threads alike, and
 * an error in starting a process can be caught: so this starts one that ends at once.
 */
export function canStartThread(): boolean {
  try {
    new Deno.Command("/bin/cat", {
      args: ["/dev/null"],
      cwd: "/",
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).outputSync();
  } catch (error) {
    if ((error as { readonly code?: string }).code === "EAGAIN") return false;
    // Without a cat nothing is known, and its exit code does not matter.
    if (!(error instanceof Error)) throw error;
  }
  return true;
}
