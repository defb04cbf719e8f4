/**
 * Finds the file of a program that could not be started, the way the system looks for it.
 *
 * @module
 */

import { statIfSeen } from "../system/if_there.ts";
import { readOwnProc } from "../system/proc.ts";

/** How much of a file to read for its first line, in bytes. */
const FIRST_LINE = 256;

/**
 * The file that a command's first word stands for: the word itself if it is a path, else the first match in PATH.
 *
 * @returns Undefined if there is none.
 */
export function programFile(word: string): string | undefined {
  if (word.includes("/")) return isAnything(word) ? word : undefined;
  if (word === "" || word === "." || word === "..") return undefined;
  const places = (searchPath() || undefined)?.split(":").map((folder) => `${folder || "."}/${word}`);
  return places?.find(isFile) ?? places?.find(isAnything);
}

/** PATH, read from /proc since Deno's permissions hide it from sera; undefined if it is not set, or not on Linux. */
export function searchPath(): string | undefined {
  const environment = new TextDecoder().decode(readOwnProc("environ"));
  return /(?:^|\0)PATH=([^\0]*)/.exec(environment)?.[1];
}

/** The beginning of a file; undefined if it cannot be read, or is not a regular file. */
export function beginningOf(path: string): string | undefined {
  if (!isFile(path)) return undefined;
  try {
    using file = Deno.openSync(path);
    const bytes = new Uint8Array(FIRST_LINE);
    const count = file.readSync(bytes) ?? 0;
    return new TextDecoder().decode(bytes.subarray(0, count));
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** Whether there is a plain file at a path. */
export function isFile(path: string): boolean {
  return statIfSeen(path)?.isFile ?? false;
}

/** Whether there is anything at a path, even a broken link. */
function isAnything(path: string): boolean {
  return statIfSeen(path, Deno.lstatSync) !== undefined;
}
