import type { Trouble } from "../errors.ts";

/** System errors with the same meaning and cure, whatever was being done. */
const LIMITS: Readonly<Record<string, Trouble>> = {
  EMFILE: { what: "too many open files", cure: "raise the limit of open files (ulimit -n)" },
  ENFILE: { what: "too many open files in the system", cure: "raise the system's limit (fs.file-max)" },
  EAGAIN: {
    what: "no process can be started",
    cure: "raise the limit of processes (ulimit -u, or the cgroup's pids.max)",
  },
  ENOMEM: {
    what: "no memory is left",
    cure: "raise the limit of memory (ulimit -v, or the cgroup's memory.max), or free some",
  },
  ENOSPC: { what: "no space is left on the disk", cure: "free some space there" },
  EDQUOT: { what: "the disk quota is used up", cure: "free some space, or raise it" },
  EROFS: { what: "the file system is read-only", cure: "name a writable place" },
  ESTALE: { what: "a network file system has lost the file", cure: "mount it again" },
};

/** System errors with one cure, but whose message must also say what was being done. */
const CURES: Readonly<Record<string, string>> = { EIO: "see the system's log for disk errors" };

/** The trouble if an error means that a limit of the system was reached; undefined for any other error. */
export function limitOf(error: unknown): Trouble | undefined {
  return own(LIMITS, codeOf(error));
}

/** The cure for an error of the system that has the same cure everywhere; undefined for any other error. */
export function systemCure(error: unknown): string | undefined {
  const code = codeOf(error);
  return own(LIMITS, code)?.cure ?? own(CURES, code);
}

/** Looks up own properties only: a server may send any code, even `constructor`. */
function own<Value>(table: Readonly<Record<string, Value>>, code: string): Value | undefined {
  return Object.hasOwn(table, code) ? table[code] : undefined;
}

function codeOf(error: unknown): string {
  const { code } = Object(error) as { readonly code?: unknown };
  return typeof code === "string" ? code : "";
}
