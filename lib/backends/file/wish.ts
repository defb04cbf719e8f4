/**
 * The wish that a holder releases its lock: a file `NAME.end` beside that of the lock, which the holder looks for whenever
 * it checks that. Who may write into the folder may ask.
 */

import { makePlainFile, readPlainFile } from "./plain_file.ts";
import type { LockFolder } from "./lock_folder.ts";
import { textFrom } from "../../text/foreign.ts";
import type { Summoner } from "../../lock/summons.ts";

/** The longest wish that is read, in bytes. */
const LONGEST = 4096;

/** What the file says. */
export interface Wish extends Summoner {
  /** The hold that is meant: whoever has the lock later has another. */
  readonly hold: string;
}

/** The path of a lock's wish. */
export function wishPath(folder: string, lock: string): string {
  return `${folder}/${lock}.end`;
}

/** Reads a wish; undefined if there is none that makes sense. */
export function readWish(path: string): Wish | undefined {
  try {
    const bytes = readPlainFile(path, LONGEST, (file) => file.isFile ? undefined : { what: "it is no file" });
    const { hold, label, host } = JSON.parse(new TextDecoder().decode(bytes)) ?? {};
    return typeof hold === "string" ? { hold, label: textFrom(label), host: textFrom(host) } : undefined;
  } catch (error) {
    // It is gone, being written, or no wish of sera's.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/**
 * Leaves a wish, in place of one for an earlier holder.
 *
 * @returns Whether it was made; false if somebody else asks for the same.
 * @throws {Error} The system's, when it cannot.
 */
export function leaveWish(path: string, folder: LockFolder, wish: Wish): boolean {
  const content = new TextEncoder().encode(JSON.stringify(wish));
  if (makePlainFile(path, folder, content)) return true;
  if (readWish(path)?.hold === wish.hold) return false;
  takeWishBack(path);
  return makePlainFile(path, folder, content);
}

/** Removes a wish. */
export function takeWishBack(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
