/**
 * Requests to release a lock: a file `NAME.end` next to the lock's file, which the holder looks for whenever it checks the
 * lock's file. Every user who may write into the folder may ask.
 */

import { makePlainFile, readPlainFile } from "./plain_file.ts";
import type { LockFolder } from "./lock_folder.ts";
import { textFrom } from "../../text/untrusted.ts";
import type { Requester } from "../../lock/end_request.ts";

/** The longest request that is read, in bytes. */
const MAX_REQUEST_SIZE = 4096;

/** The content of the file. */
export interface EndRequest extends Requester {
  /** Identifies one acquisition of the lock, so that the request does not reach a later holder. */
  readonly hold: string;
}

/** The path of a lock's request. */
export function endRequestPath(folder: string, lock: string): string {
  return `${folder}/${lock}.end`;
}

/** Reads a request; undefined if there is no valid one. */
export function readEndRequest(path: string): EndRequest | undefined {
  try {
    const bytes = readPlainFile(
      path,
      MAX_REQUEST_SIZE,
      (file) => file.isFile ? undefined : { what: "it is not a file" },
    );
    const { hold, label, host } = JSON.parse(new TextDecoder().decode(bytes)) ?? {};
    return typeof hold === "string" ? { hold, label: textFrom(label), host: textFrom(host) } : undefined;
  } catch (error) {
    // It is gone, being written, or not a request of sera's.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/**
 * Leaves a request, and replaces one for an earlier holder.
 *
 * @returns Whether it was made; false if somebody else has made the same request.
 * @throws {Error} The system's, when it cannot.
 */
export function leaveEndRequest(path: string, folder: LockFolder, request: EndRequest): boolean {
  const content = new TextEncoder().encode(JSON.stringify(request));
  if (makePlainFile(path, folder, content)) return true;
  if (readEndRequest(path)?.hold === request.hold) return false;
  removeEndRequest(path);
  return makePlainFile(path, folder, content);
}

/** Removes a request. */
export function removeEndRequest(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
