/** What Linux tells of other processes, see proc(5). */

/** What a process and those below it have used so far. */
export interface Usage {
  /** Processor time in milliseconds; the scheduler counts in nanoseconds. */
  readonly processor: number;
  /** How often one of their threads went to sleep of its own accord, so that something had woken it before. */
  readonly sleeps: number;
}

/** What the processes have used so far, all their threads. What has ended in the meantime does not count. */
export function usageOf(pids: readonly number[]): Usage {
  let nanoseconds = 0;
  let sleeps = 0;
  for (const pid of pids) {
    for (const thread of threadsOf(pid)) {
      nanoseconds += Number(read(`${thread}/schedstat`).split(" ")[0]);
      sleeps += Number(/^voluntary_ctxt_switches:\s*(\d+)$/m.exec(read(`${thread}/status`))?.[1] ?? 0);
    }
  }
  return { processor: nanoseconds / 1e6, sleeps };
}

/** A process and all below it. */
export function treeOf(pid: number): number[] {
  const children = threadsOf(pid).map((thread) => read(`${thread}/children`)).join(" ");
  return [pid, ...children.split(/\s+/).filter((word) => word !== "").map(Number).flatMap(treeOf)];
}

/** The most memory that a process had resident until now, in MiB. */
export function peakMemoryOf(pid: number): number {
  return kibibytes(pid, "status", "VmHWM") / 1024;
}

/** The memory of a process in MiB, where a page that n processes share counts as an n-th. */
export function shareOfMemory(pid: number): number {
  return kibibytes(pid, "smaps_rollup", "Pss") / 1024;
}

function kibibytes(pid: number, file: string, key: string): number {
  const found = new RegExp(`^${key}:\\s*(\\d+) kB$`, "m").exec(read(`/proc/${pid}/${file}`))?.[1];
  if (found === undefined) throw new Error(`Cannot read ${key} of process: ${pid}`);
  return Number(found);
}

function threadsOf(pid: number): string[] {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => `/proc/${pid}/task/${name}`);
  } catch (error) {
    return ifGone(error, []);
  }
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    return ifGone(error, "");
  }
}

/** Reading about a process that is just ending fails with ESRCH. */
function ifGone<T>(error: unknown, value: T): T {
  if (error instanceof Deno.errors.NotFound || /ESRCH|os error 3\b/.test(String(error))) return value;
  throw error;
}
