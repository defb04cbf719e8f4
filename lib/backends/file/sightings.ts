import { LockUnavailableError, messageOf } from "../../errors.ts";
import { isLockName } from "../../lock/lock_name.ts";
import { isSameFile, readPlainFile } from "./plain_file.ts";
import { type Presence, readPresence } from "../../lock/presence.ts";
import { type KernelLock, locksOn, readKernelLocks } from "./kernel_locks.ts";
import type { LockFilter, Sighting } from "../../who/sighting.ts";

/** What follows the lock's name in the names of sera's lock files, and of those that flock(1) takes part in. */
const LOCK_FILE = ".lock";

/** No record is longer, in bytes; who shares the folder may have put anything there. */
const LONGEST_RECORD = 65_536;

/**
 * Who has the locks in a folder. A folder that is missing has none.
 *
 * Linux lists its locks, so that they are only looked at, if possible: to try one would make another sera's wait of 0
 * fail.
 *
 * @throws {LockUnavailableError} When the folder cannot be looked into.
 */
export function lookAtFiles(folder: string, filter: LockFilter): readonly Sighting[] {
  const isOne = filter !== "all" && "lock" in filter;
  const names = isOne ? [filter.lock].filter(isLockName) : namesIn(folder);
  if (names.length === 0) return [];
  const kernelLocks = readKernelLocks();
  return names.flatMap((name) => {
    const path = `${folder}/${name}${LOCK_FILE}`;
    const file = ifThere(path, () => Deno.lstatSync(path));
    // What else somebody put there is no lock of sera's: to open a pipe would wait, and a link may lead anywhere.
    if (!file?.isFile || file.nlink !== null && file.nlink > 1) return [];
    if (!kernelLocks) return byTrial(name, path, file);
    const seen = byKernel(kernelLocks, name, path, file);
    return isOnRecordOnly(seen, name, path, file) ? [...byTrial(name, path, file), ...seen] : seen;
  });
}

function namesIn(folder: string): readonly string[] {
  try {
    const files = [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(LOCK_FILE));
    return files.map(({ name }) => name.slice(0, -LOCK_FILE.length)).filter(isLockName);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw cannotLook(folder, error);
  }
}

function byKernel(
  kernelLocks: readonly KernelLock[],
  lock: string,
  path: string,
  file: Deno.FileInfo,
): readonly Sighting[] {
  const record = readRecord(path);
  const here = Deno.hostname();
  return locksOn(kernelLocks, file, record?.pid)
    // A wait that this process has given up stays in the kernel's queue.
    .filter(({ pid }) => pid !== Deno.pid)
    .map(({ waiting, pid }) => {
      if (waiting) return { lock, state: "waiting", host: here, pid };
      // Of a holder that died the record stays; in a container a process has another number than here.
      const isHolders = record !== undefined && (record.pid === pid || record.host !== here);
      return isHolders ? held(lock, record) : { lock, state: "held", host: here, pid };
    });
}

/**
 * Whether there is a holder on record that the kernel does not list: one that has died, or one in a container whose
 * processes cannot be seen from here. Those who come and go meanwhile are none, since who holds the lock is on record all
 * the time: so the list is looked at once more while the record stays the same.
 */
function isOnRecordOnly(seen: readonly Sighting[], lock: string, path: string, file: Deno.FileInfo): boolean {
  const isHeld = ({ state }: Sighting) => state === "held";
  if (seen.some(isHeld)) return false;
  const record = readText(path);
  if (record === undefined || !readPresence(record)) return false;
  const listed = byKernel(readKernelLocks() ?? [], lock, path, file).some(isHeld);
  return !listed && readText(path) === record;
}

/**
 * Where the list does not tell there is no other way than to try. A shared lock, and only for a moment: lookers do not
 * keep each other out, but a sera that tries just then may find the lock taken.
 */
function byTrial(lock: string, path: string, found: Deno.FileInfo): readonly Sighting[] {
  const file = ifThere(path, () => Deno.openSync(path));
  if (!file) return [];
  using _ = file;
  if (!isSameFile(file.statSync(), found)) return [];
  if (file.tryLockSync(false)) {
    file.unlockSync();
    return [];
  }
  const record = readRecord(path);
  return [record ? held(lock, record) : { lock, state: "held", host: Deno.hostname() }];
}

function held(lock: string, { host, pid, label, since }: Presence): Sighting {
  return { lock, state: "held", host, pid, label, since, sinceIs: since === undefined ? undefined : "acquired" };
}

/** What the holder wrote; undefined where there is nothing, or where this user, or Windows for a locked file, refuses. */
function readRecord(path: string): Presence | undefined {
  const text = readText(path);
  return text === undefined ? undefined : readPresence(text);
}

function readText(path: string): string | undefined {
  try {
    const bytes = readPlainFile(path, LONGEST_RECORD, (file) => file.isFile ? undefined : { what: "it is no file" });
    return new TextDecoder().decode(bytes);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

function ifThere<T>(path: string, look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw cannotLook(path, error);
  }
}

function cannotLook(path: string, error: unknown): LockUnavailableError {
  return new LockUnavailableError(
    `Cannot look at the locks: ${path}: ${messageOf(error)}`,
    "look as the user whose locks they are",
  );
}
