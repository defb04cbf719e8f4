/** What Linux tells about other processes, see proc(5). */

/** The resources that a process and its descendants have used so far. */
export interface Usage {
  /** Processor time in milliseconds; the scheduler counts in nanoseconds. */
  readonly processor: number;
  /** How often one of their threads went to sleep of its own accord; something had woken it before. */
  readonly sleeps: number;
}

/** What all threads of the processes have used so far. A process that has ended does not count. */
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

/** The memory of a process in MiB, where a page that n processes share counts as an n-th. */
export function shareOfMemory(pid: number): number {
  const found = /^Pss:\s*(\d+) kB$/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1];
  if (found === undefined) throw new Error(`Cannot read the memory of process: ${pid}`);
  return Number(found) / 1024;
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
