/** A server of many processes, to be stopped, continued and killed as one. */

/**
 * Stops a process (SIGSTOP), and resolves once it does nothing more. Sending the signal is not enough: a thread that runs on
 * another processor goes on until it enters the kernel, and may answer a request before that. signal(7)
 */
export async function suspend(pid: number): Promise<void> {
  signal(pid, "SIGSTOP");
  // Without a pause, which would not end where a test has a clock of its own.
  while (!await isStill(pid));
}

/** Stops a process and its children. */
export async function stopTree(pid: number): Promise<void> {
  // The parent first: it makes no more children.
  await suspend(pid);
  for (const child of await childrenOf(pid)) await suspend(child);
}

/** Continues what {@linkcode stopTree} stopped. */
export async function continueTree(pid: number): Promise<void> {
  for (const child of await childrenOf(pid)) signal(child, "SIGCONT");
  signal(pid, "SIGCONT");
}

/** Kills a process and its children at one blow: none of them learns of the others' death. */
export async function killTree(pid: number): Promise<void> {
  await stopTree(pid);
  for (let left = await childrenOf(pid); left.length > 0; left = await childrenOf(pid)) {
    for (const child of left) signal(child, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  signal(pid, "SIGKILL");
}

/** The children that still live: a dead one stays in the list until its parent asks for it. */
export async function childrenOf(pid: number): Promise<number[]> {
  const list = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`).catch(ifGone(""));
  const children = list.trim().split(" ").filter((word) => word !== "").map(Number);
  return await living(children);
}

/** The living ones of the processes. A dead one may stay a zombie for a while, or for ever in some containers. */
export async function living(pids: number[]): Promise<number[]> {
  const states = await Promise.all(pids.map(stateOf));
  return pids.filter((_, index) => !["Z", "X"].includes(states[index]!));
}

/** Whether all threads of a process are stopped, or have ended. Where there is no /proc it cannot be told. */
export async function isStill(pid: number): Promise<boolean> {
  const threads: number[] = [];
  try {
    for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) threads.push(Number(name));
  } catch (error) {
    ifGone(undefined)(error);
  }
  // A thread is found in /proc by its own number too.
  const states = await Promise.all(threads.map(stateOf));
  return states.every((state) => "TtZX".includes(state));
}

/** The state's letter in `ps`, T for one that is stopped; X if there is no such process. */
async function stateOf(pid: number): Promise<string> {
  const line = await Deno.readTextFile(`/proc/${pid}/stat`).catch(ifGone(") X"));
  // The name before it is in parentheses, and may have some of its own.
  return line.slice(line.lastIndexOf(")") + 2)[0] ?? "X";
}

function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch (error) {
    ifGone(undefined)(error);
  }
}

/** Takes a value if the process has ended; reading what was opened before that fails with ESRCH. */
function ifGone<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof Deno.errors.NotFound || /ESRCH|os error 3\b/.test(String(error))) return value;
    throw error;
  };
}
