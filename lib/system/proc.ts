import { keepExitCodes } from "./children.ts";

/** Reads a file of Linux's /proc about this process, see {@linkcode readProc}. */
export function readOwnProc(file: "cmdline" | "environ"): Uint8Array | undefined {
  return readProc(`${Deno.pid}/${file}`);
}

/**
 * Reads a file of Linux's /proc, see proc(5). Deno lets a program read /proc only with all permissions, which sera does not
 * have; so cat(1) reads it.
 *
 * @param path The path below /proc.
 * @returns The file's bytes; undefined if there is no such file, or if cat cannot be started.
 */
export function readProc(path: string): Uint8Array | undefined {
  if (Deno.build.os !== "linux") return undefined;
  keepExitCodes();
  try {
    const { success, stdout } = new Deno.Command("/bin/cat", {
      args: [`/proc/${path}`],
      // sera's own working directory may not be accessible.
      cwd: "/",
      // Without a locale, cat does not load translated messages, which would take it twice as long.
      clearEnv: true,
      stdin: "null",
      stderr: "null",
    }).outputSync();
    return success ? stdout : undefined;
  } catch (error) {
    // No cat, or the limit of processes, files or memory is reached.
    if (error instanceof Error) return undefined;
    throw error;
  }
}
