import { LockUnavailableError, messageOf } from "../../errors.ts";
import { isLockName } from "../../lock/lock_name.ts";
import { isSameFile } from "./plain_file.ts";
import { type Presence, readPresence } from "../../lock/presence.ts";
import { readRecord, readText } from "./record.ts";
import { slotIn } from "../../lock/slot_name.ts";
import { LOCK_FILE, lockOfQueue, marksName } from "./names.ts";
import { type KernelLock, locksOn, readKernelLocks } from "./kernel_locks.ts";
import type { LockFilter, Seen, Sighting } from "../../who/sighting.ts";

/** Why waiters may be missing. */
const UNSEEN_PROCESSES = "a holder is in another container, and those who wait there cannot be seen from here";
const NO_LIST = "the system's list of locks cannot be read, so that waiters cannot be shown";

/**
 * Who holds the locks in a folder, and who waits for them. A missing folder has none.
 *
 * On Linux this reads the kernel's list if possible: trying a lock could make another sera with a wait of 0 fail.
 *
 * @throws {LockUnavailableError} When the folder cannot be looked into.
 */
export function lookAtFiles(folder: string, filter: LockFilter): readonly Sighting[] {
  return seeFiles(folder, filter).sightings;
}

/** The same as {@linkcode lookAtFiles}, and whether waiters may be missing. */
export function seeFiles(folder: string, filter: LockFilter): Seen {
  const files = filesFor(folder, filter);
  if (files.length === 0) return { sightings: [], otherSessions: [] };
  let hidden: string | undefined;
  const kernelLocks = readKernelLocks();
  const seen = files.flatMap((one): readonly Sighting[] => {
    const path = `${folder}/${one.name}${LOCK_FILE}`;
    const file = ifThere(path, () => Deno.lstatSync(path));
    // Anything else is not a lock of sera: opening a pipe would block, and a link may lead anywhere.
    if (!file?.isFile || file.nlink !== null && file.nlink > 1) return [];
    if (one.isQueue) return kernelLocks ? inQueue(kernelLocks, one.lock, file) : [];
    const listed = kernelLocks ? byKernel(kernelLocks, one, path, file) : [];
    if (kernelLocks && !isOnRecordOnly(listed, one, path, file)) return listed;
    const tried = byTrial(one, path, file);
    if (tried.length > 0) hidden = kernelLocks ? UNSEEN_PROCESSES : NO_LIST;
    return [...tried, ...listed];
  });
  const sightings = seen.map((one) => one.state === "held" ? one : { ...one, slots: slotsOf(one.lock, seen) });
  return { sightings, hidden, showsHolders: true, otherSessions: [] };
}

/** For how many slots somebody waits, who leaves no record: the holders and whoever waits for them agree. */
function slotsOf(lock: string, seen: readonly Sighting[]): number | undefined {
  return seen.find((one) => one.lock === lock && one.slots !== undefined)?.slots;
}

/** A file that tells about a lock: a slot's, or that of the queue for its slots. */
interface TellingFile {
  /** What stands before {@linkcode LOCK_FILE}. */
  readonly name: string;
  readonly lock: string;
  readonly slot: number;
  readonly isQueue: boolean;
}

function filesFor(folder: string, filter: LockFilter): readonly TellingFile[] {
  if (filter === "all" || !("lock" in filter)) return namesIn(folder).flatMap(telling);
  const { lock } = filter;
  if (!isLockName(lock)) return [];
  const marks = `${folder}/${marksName(lock)}${LOCK_FILE}`;
  // A lock that never had slots has one file, and the folder may be large.
  if (!ifThere(marks, () => Deno.lstatSync(marks))) return telling(lock);
  return namesIn(folder).filter((name) => name.startsWith(lock)).flatMap(telling);
}

function telling(name: string): readonly TellingFile[] {
  const { lock, slot } = slotIn(name);
  if (isLockName(lock)) return [{ name, lock, slot, isQueue: false }];
  const waitedFor = lockOfQueue(name);
  return waitedFor !== undefined && isLockName(waitedFor) ? [{ name, lock: waitedFor, slot: 0, isQueue: true }] : [];
}

function namesIn(folder: string): readonly string[] {
  try {
    const files = [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(LOCK_FILE));
    return files.map(({ name }) => name.slice(0, -LOCK_FILE.length));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw cannotLook(folder, error);
  }
}

/** Whoever has locked the queue's file waits as those do who want to. */
function inQueue(kernelLocks: readonly KernelLock[], lock: string, file: Deno.FileInfo): readonly Sighting[] {
  return locksOn(kernelLocks, file, undefined).map((one) => ({ ...one, waiting: true })).filter(isLive)
    .map(({ pid }) => ({ lock, state: "waiting", host: Deno.hostname(), pid }));
}

/** A wait that this process has given up is still in the kernel's queue. */
function isLive({ waiting, pid }: KernelLock): boolean {
  return !waiting || pid !== Deno.pid;
}

function byKernel(
  kernelLocks: readonly KernelLock[],
  { lock, slot }: TellingFile,
  path: string,
  file: Deno.FileInfo,
): readonly Sighting[] {
  const record = readRecord(path);
  const here = Deno.hostname();
  return locksOn(kernelLocks, file, record?.pid)
    .filter(isLive)
    .map(({ waiting, pid }) => {
      if (waiting) return { lock, state: "waiting", host: here, pid };
      // The record may be of a holder that died. A process in a container has another number here.
      const isHolders = record !== undefined && (record.pid === pid || record.host !== here);
      return isHolders ? held(lock, slot, record) : unrecorded(lock, slot, pid);
    });
}

/**
 * Whether the record names a holder that the kernel does not list: one that died, or one in a container whose processes
 * cannot be seen from here. To exclude one that has come or gone meanwhile, the list is read again, and the record must
 * still be the same then.
 */
function isOnRecordOnly(
  seen: readonly Sighting[],
  one: TellingFile,
  path: string,
  file: Deno.FileInfo,
): boolean {
  const isHeld = ({ state }: Sighting) => state === "held";
  if (seen.some(isHeld)) return false;
  const record = readText(path);
  if (record === undefined || !readPresence(record)) return false;
  const listed = byKernel(readKernelLocks() ?? [], one, path, file).some(isHeld);
  return !listed && readText(path) === record;
}

/**
 * If the list does not tell, the only way is to try the lock: shared and only for a moment, so that those who look do
 * not exclude each other, but a sera that tries just then may find the lock taken.
 */
function byTrial({ lock, slot }: TellingFile, path: string, found: Deno.FileInfo): readonly Sighting[] {
  const file = ifThere(path, () => Deno.openSync(path));
  if (!file) return [];
  using _ = file;
  if (!isSameFile(file.statSync(), found)) return [];
  if (file.tryLockSync(false)) {
    file.unlockSync();
    return [];
  }
  const record = readRecord(path);
  return [record ? held(lock, slot, record) : unrecorded(lock, slot)];
}

function held(lock: string, slot: number, { host, pid, label, since, slots }: Presence): Sighting {
  const sinceIs = since === undefined ? undefined : "acquired";
  const isOne = slot === 0 && slots === undefined;
  return { lock, state: "held", ...isOne ? {} : { slot, slots }, host, pid, label, since, sinceIs };
}

/** A holder that has left no record; without one, slot 0 is a plain lock's. */
function unrecorded(lock: string, slot: number, pid?: number): Sighting {
  const which = slot === 0 ? {} : { slot };
  return { lock, state: "held", ...which, host: Deno.hostname(), ...pid === undefined ? {} : { pid } };
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
    "run it as the user who owns the locks",
  );
}
