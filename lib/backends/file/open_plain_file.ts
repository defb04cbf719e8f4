import { aborted, delayOrAbort, elapsed, firstOf, settled } from "../../waiting.ts";
import { formatDuration } from "../../text/duration.ts";
import { LockUnavailableError, messageOf } from "../../errors.ts";
import { lstatIfThere } from "../../system/if_there.ts";
import { systemCure } from "../../system/limits.ts";
import { giveFolder, OTHER_FOLDER } from "./folder_trust.ts";
import type { LockFolder } from "./lock_folder.ts";
import { isCode, isSameFile, makePlainFile, objectionToFile, sharePlainFile } from "./plain_file.ts";

/** How often to try again when the file is removed or replaced. */
const ATTEMPTS = 100;

/** The timeout for opening a file, in milliseconds. Only a FIFO that somebody has put in its place takes that long. */
const OPEN_TIMEOUT = 10_000;

/**
 * How often to retry when permission is denied, and the pause in milliseconds: whoever has just created the file is about
 * to give the group access.
 */
const REFUSALS = 10;
const REFUSAL_PAUSE = 20;

/** An open file, and the information on it. */
export interface OpenFile {
  readonly file: Deno.FsFile;
  readonly info: Deno.FileInfo;
}

/**
 * Opens a file in a lock folder, and creates it if it is missing. Follows no link, and changes nothing. The runtime
 * cannot open with O_NOFOLLOW or O_NONBLOCK, so the path is checked first, and the opened file must be the one that was
 * checked.
 *
 * @param signal Aborts it.
 * @throws {LockUnavailableError} When it cannot be opened, or must not be used.
 * @throws The signal's reason when it is aborted.
 */
export async function openPlainFile(path: string, folder: LockFolder, signal: AbortSignal): Promise<OpenFile> {
  try {
    for (let tries = 0; tries < ATTEMPTS; tries++) {
      const before = lstatIfThere(path);
      if (!before) {
        make(path, folder);
        continue;
      }
      refuse(before, path, folder);
      const file = await openExisting(path, before, folder, signal);
      if (!file) continue;
      let isTaken = false;
      try {
        const info = file.statSync();
        if (!isSameFile(before, info) || objectionToFile(info, path, folder) !== undefined) continue;
        // A file with content may be a private file that somebody else has linked here under this name.
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

function make(path: string, folder: LockFolder): void {
  try {
    makePlainFile(path, folder);
  } catch (error) {
    if (isCode(error, "ENOENT") && folder.restore) return folder.restore();
    if (!isCode(error, "EACCES")) throw error;
    throw unopened(path, messageOf(error), giveFolder(folder.path, folder.group));
  }
}

function refuse(info: Deno.FileInfo, path: string, folder: LockFolder): void {
  const objection = objectionToFile(info, path, folder);
  if (objection === undefined) return;
  throw new LockUnavailableError(`Cannot use the lock file: ${path}: ${objection.what}`, objection.cure);
}

/**
 * Opens an existing file: for writing if this user may, since network file systems lock only writable files; otherwise
 * for reading.
 *
 * @returns Undefined if it is gone.
 */
async function openExisting(
  path: string,
  found: Deno.FileInfo,
  folder: LockFolder,
  signal: AbortSignal,
): Promise<Deno.FsFile | undefined> {
  for (let refusals = 0;; refusals++) {
    for (const write of [true, false]) {
      try {
        // Nobody else can put files here, so none can be a FIFO that blocks.
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

/** How to correct the mode. Older versions created files according to the umask, without access for the group. */
function cureFor(path: string, { uid }: Deno.FileInfo, { group }: LockFolder): string {
  if (group !== undefined) return `as its owner or root: chgrp ${group} ${path} && chmod g+rw ${path}`;
  return uid === Deno.uid() ? `chmod u+rw ${path}` : `as root: chown ${Deno.uid()} ${path} && chmod u+rw ${path}`;
}

/** Opens a file without blocking: within a time limit, and until the signal aborts it. */
async function openInTime(path: string, options: Deno.OpenOptions, signal: AbortSignal): Promise<Deno.FsFile> {
  const opening = Deno.open(path, options);
  const over = () => undefined;
  const file = await firstOf<Deno.FsFile | undefined>(
    settled(opening),
    aborted(signal, over),
    elapsed(OPEN_TIMEOUT, over),
  );
  if (file) return file;
  opening.then((file) => file.close(), () => undefined);
  signal.throwIfAborted();
  throw unopened(path, `no answer for ${formatDuration(OPEN_TIMEOUT)}`);
}

function unopened(path: string, why: string, cure = `fix that, or ${OTHER_FOLDER}`): LockUnavailableError {
  return new LockUnavailableError(`Cannot open the lock file: ${path}: ${why}`, cure);
}
