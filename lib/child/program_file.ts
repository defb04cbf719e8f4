/**
 * Where a program is that was not started: looked for as the system looks for it.
 *
 * @module
 */

import { statIfSeen } from "../system/if_there.ts";
import { readOwnProc } from "../system/proc.ts";

/** As much of a script as its first line takes. */
const FIRST_LINE = 256;

/**
 * The file that a command's first word means: itself if it is a path, else the first of that name in PATH.
 *
 * @returns Undefined if there is none.
 */
export function programFile(word: string): string | undefined {
  if (word.includes("/")) return isAnything(word) ? word : undefined;
  if (word === "" || word === "." || word === "..") return undefined;
  const places = (searchPath() || undefined)?.split(":").map((folder) => `${folder || "."}/${word}`);
  return places?.find(isFile) ?? places?.find(isAnything);
}

/** PATH, as Linux tells it: the runtime keeps it from sera, which has no other use for it. Undefined if it is not set. */
export function searchPath(): string | undefined {
  const environment = new TextDecoder().decode(readOwnProc("environ"));
  return /(?:^|\0)PATH=([^\0]*)/.exec(environment)?.[1];
}

/** The beginning of a file; undefined if it cannot be read, or is no plain file. */
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

/** Whether there is something at a path, also a link that leads nowhere. */
function isAnything(path: string): boolean {
  return statIfSeen(path, Deno.lstatSync) !== undefined;
}
