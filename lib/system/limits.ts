/** What the system has no more of, and what to do about it, whatever was being done. */
const LIMITS: Readonly<Record<string, readonly [what: string, cure: string]>> = {
  EMFILE: ["too many open files", "raise the limit of open files (ulimit -n)"],
  ENFILE: ["too many open files in the system", "raise the system's limit (fs.file-max)"],
  EAGAIN: ["no process can be started", "raise the limit of processes (ulimit -u, or the cgroup's pids.max)"],
  ENOMEM: ["no memory is left", "raise the limit of memory (ulimit -v, or the cgroup's memory.max), or free some"],
  ENOSPC: ["no space is left on the disk", "make room there"],
  EDQUOT: ["the disk quota is used up", "make room, or raise it"],
  EROFS: ["the file system is read-only", "name a place that can be written to"],
  ESTALE: ["a network file system has lost the file", "mount it anew"],
};

/** As a limit, but it may come from anywhere: where it came from must be told too. */
const CURES: Readonly<Record<string, string>> = { EIO: "see the system's log about the disk" };

/** Says which limit of the system's was met, and what to do, without the error's message; undefined for any other error. */
export function limitOf(error: unknown): string | undefined {
  return LIMITS[codeOf(error)]?.join("; ");
}

/** What to do against an error of the system that has the same cure everywhere; undefined for any other. */
export function systemCure(error: unknown): string | undefined {
  const code = codeOf(error);
  return LIMITS[code]?.[1] ?? CURES[code];
}

function codeOf(error: unknown): string {
  const { code } = Object(error) as { readonly code?: unknown };
  return typeof code === "string" ? code : "";
}
