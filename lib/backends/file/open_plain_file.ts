import { aborted, delayOrAbort, elapsed, firstOf, settled } from "../../waiting.ts";
import { formatDuration } from "../../text/duration.ts";
import { LockUnavailableError, messageOf } from "../../errors.ts";
import { lstatIfThere } from "../../system/if_there.ts";
import { systemCure } from "../../system/limits.ts";
import type { LockFolder } from "./lock_folder.ts";
import { isSameFile, makePlainFile, objectionToFile, sharePlainFile } from "./plain_file.ts";

/** How often to open what is always another file, or none: somebody removes it all the time. */
const TRIES = 100;

/** How long the system may take to open a file, in milliseconds; only one that was swapped for a FIFO takes long. */
const LONGEST_OPENING = 10_000;

/** How often, and after how many milliseconds, to try again what its maker has not opened to the group yet. */
const REFUSALS = 10;
const REFUSAL_PAUSE = 20;

const CURE = "fix that, or use another folder: --server file:/some/dir";

/** A file that is open, and what it is. */
export interface OpenFile {
  readonly file: Deno.FsFile;
  readonly info: Deno.FileInfo;
}

/**
 * Opens a file that lies in a lock folder itself, and makes it if it is missing. Follows no link, and changes nothing. The
 * runtime cannot tell the system not to follow links, or not to wait for a FIFO's other end; so the name is looked at
 * first, and what has been opened then has to be what was there.
 *
 * @param signal Gives it up.
 * @throws {LockUnavailableError} When it cannot be opened, or must not be used.
 * @throws The signal's reason when it is aborted.
 */
export async function openPlainFile(path: string, folder: LockFolder, signal: AbortSignal): Promise<OpenFile> {
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      const before = lstatIfThere(path);
      if (!before) {
        makePlainFile(path, folder);
        continue;
      }
      refuse(before, path, folder);
      const file = await openAtAll(path, before, folder, signal);
      if (!file) continue;
      let isTaken = false;
      try {
        const info = file.statSync();
        if (!isSameFile(before, info) || objectionToFile(info, path, folder) !== undefined) continue;
        // What has something in it may be somebody's own, put here under this name by another.
        if (info.size === 0) sharePlainFile(path, info, folder);
        isTaken = true;
        return { file, info };
      } finally {
        if (!isTaken) file.close();
      }
    }
  } catch (error) {
    if (error instanceof LockUnavailableError || signal.aborted || !(error instanceof Error)) throw error;
    throw unopened(path, messageOf(error), systemCure(error));
  }
  throw unopened(path, "something keeps replacing it");
}

function refuse(info: Deno.FileInfo, path: string, folder: LockFolder): void {
  const objection = objectionToFile(info, path, folder);
  if (objection === undefined) return;
  throw new LockUnavailableError(`Cannot use the lock file: ${path}: ${objection.what}`, objection.cure);
}

/**
 * Opens a file that is there: to write if this user may, since a network file system locks only what can be written, else
 * to read.
 *
 * @returns Undefined when it is gone.
 */
async function openAtAll(
  path: string,
  found: Deno.FileInfo,
  folder: LockFolder,
  signal: AbortSignal,
): Promise<Deno.FsFile | undefined> {
  for (let refusals = 0;; refusals++) {
    for (const write of [true, false]) {
      try {
        // Where nobody else can put files, none can be swapped for one that keeps whoever opens it waiting.
        if (folder.group === undefined) return Deno.openSync(path, { read: true, write });
        return await openInTime(path, { read: true, write }, signal);
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return undefined;
        if (signal.aborted || error instanceof LockUnavailableError || !(error instanceof Error)) throw error;
        if (write) continue;
        if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
        if (folder.group === undefined || refusals === REFUSALS) {
          throw unopened(path, messageOf(error), cureFor(path, found, folder));
        }
      }
    }
    await delayOrAbort(REFUSAL_PAUSE, signal);
    signal.throwIfAborted();
  }
}

/** What helps against a mode: an older sera left those who share a folder out, as the umask had it. */
function cureFor(path: string, { uid }: Deno.FileInfo, { group }: LockFolder): string {
  if (group !== undefined) return `as its owner or root: chgrp ${group} ${path} && chmod g+rw ${path}`;
  return uid === Deno.uid() ? `chmod u+rw ${path}` : `as root: chown ${Deno.uid()} ${path} && chmod u+rw ${path}`;
}

/** Opens a file, but waits neither for ever nor deaf to signals. */
async function openInTime(path: string, options: Deno.OpenOptions, signal: AbortSignal): Promise<Deno.FsFile> {
  const opening = Deno.open(path, options);
  const over = () => undefined;
  const file = await firstOf<Deno.FsFile | undefined>(
    settled(opening),
    aborted(signal, over),
    elapsed(LONGEST_OPENING, over),
  );
  if (file) return file;
  opening.then((file) => file.close(), () => undefined);
  signal.throwIfAborted();
  throw unopened(path, `no answer for ${formatDuration(LONGEST_OPENING)}`);
}

function unopened(path: string, why: string, cure = CURE): LockUnavailableError {
  return new LockUnavailableError(`Cannot open the lock file: ${path}: ${why}`, cure);
}
