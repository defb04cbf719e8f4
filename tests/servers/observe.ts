/** Observes the servers from outside: their processes and files, and what is left of them. */

import process from "node:process";

/** Whether there is a process of this id. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Whether there is a file or folder of this name. */
export function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Far more than anything takes, also on a slow and busy machine, in milliseconds. */
const HANG = 180_000;

/** Resolves when the condition holds. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + HANG;
  while (!await condition()) {
    if (Date.now() > deadline) throw new Error(`not within ${HANG / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Starts abandoned_server.ts, which `kill` ends before it can clean up. */
export async function startAbandoned(
  ...args: ["mariadb" | "postgres" | "etcd", ...("paused")[]]
): Promise<{ pid: number; folder: string; kill(): Promise<void> }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", `${import.meta.dirname}/abandoned_server.ts`, ...args],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  let line = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    line += text;
    if (line.endsWith("\n")) break;
  }
  return {
    ...JSON.parse(line),
    async kill() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}
