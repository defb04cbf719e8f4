import { keepChildren } from "./children.ts";

/** What Linux tells of this process in /proc, see {@linkcode readProc}. */
export function readOwnProc(file: "cmdline" | "environ"): Uint8Array | undefined {
  return readProc(`${Deno.pid}/${file}`);
}

/**
 * A file of Linux's /proc, see proc(5). The runtime keeps that folder for programs that may do everything, and sera may
 * not; cat(1) may.
 *
 * @param path The path within the folder.
 * @returns The file's bytes; undefined where there is no such file, or cat cannot be started.
 */
export function readProc(path: string): Uint8Array | undefined {
  if (Deno.build.os !== "linux") return undefined;
  keepChildren();
  try {
    const { success, stdout } = new Deno.Command("/bin/cat", {
      args: [`/proc/${path}`],
      // The folder that sera was started in may be one that nobody can enter.
      cwd: "/",
      // Otherwise it loads the messages of the caller's language, which takes half of its time.
      clearEnv: true,
      stdin: "null",
      stderr: "null",
    }).outputSync();
    return success ? stdout : undefined;
  } catch (error) {
    // No cat, no process left, no descriptor, no memory: it cannot be told.
    if (error instanceof Error) return undefined;
    throw error;
  }
}
