import { LockUnavailableError, messageOf } from "../../errors.ts";
import { isLockName } from "../../lock/lock_name.ts";
import { isSameFile } from "./plain_file.ts";
import { type Presence, readPresence } from "../../lock/presence.ts";
import { readRecord, readText } from "./record.ts";
import { slotIn } from "../../lock/slot_name.ts";
import { LOCK_FILE, lockOfQueue, markerName } from "./names.ts";
import { type KernelLock, locksOn, readKernelLocks } from "./kernel_locks.ts";
import type { LockFilter, Seen, Sighting } from "../../who/sighting.ts";

/** Why waiters may be missing. */
const UNSEEN_PROCESSES = "a holder is in another container, and those who wait there cannot be seen from here";
const NO_LIST = "the system's list of locks cannot be read, so that waiters cannot be shown";

/**
 * Who holds the locks in a folder, and who waits for them. A missing folder has none.
 *
 * On Linux this reads the kernel's list if possible: trying to lock a file could make another sera with a wait of 0 fail.
 *
 * @throws {LockUnavailableError} When the folder cannot be read.
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
  const sightings = seen.filter((one) => one.state === "held" || !hasSlot(one, seen))
    .map((one) => one.state === "held" ? one : { ...one, slots: slotsOf(one.lock, seen) });
  return { sightings, hidden, showsHolders: true, otherSessions: [] };
}

/** Whether a waiter got a slot when its time was over: it stays in the kernel's queue for the first place, see `take()`. */
function hasSlot({ lock, host, pid }: Sighting, seen: readonly Sighting[]): boolean {
  return seen.some((one) => one.state === "held" && one.lock === lock && one.host === host && one.pid === pid);
}

/** The number of slots of a lock, taken from its holders: waiters leave no record, but use the same number. */
function slotsOf(lock: string, seen: readonly Sighting[]): number | undefined {
  return seen.find((one) => one.lock === lock && one.slots !== undefined)?.slots;
}

/** A file that shows holders or waiters: that of a slot, or of the queue for the slots. */
interface ListedFile {
  /** The file's name without {@linkcode LOCK_FILE}. */
  readonly name: string;
  readonly lock: string;
  readonly slot: number;
  readonly isQueue: boolean;
}

function filesFor(folder: string, filter: LockFilter): readonly ListedFile[] {
  if (filter === "all" || !("lock" in filter)) return namesIn(folder).flatMap(listedFile);
  const { lock } = filter;
  if (!isLockName(lock)) return [];
  const marks = `${folder}/${markerName(lock)}${LOCK_FILE}`;
  // A lock that never had slots has one file, and the folder may be large.
  if (!ifThere(marks, () => Deno.lstatSync(marks))) return listedFile(lock);
  return namesIn(folder).filter((name) => name.startsWith(lock)).flatMap(listedFile);
}

function listedFile(name: string): readonly ListedFile[] {
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

/** The process that has locked the queue's file is a waiter, like those that wait to lock it. */
function inQueue(kernelLocks: readonly KernelLock[], lock: string, file: Deno.FileInfo): readonly Sighting[] {
  return locksOn(kernelLocks, file, undefined).map((one) => ({ ...one, waiting: true })).filter(isLive)
    .map(({ pid }) => ({ lock, state: "waiting", host: Deno.hostname(), pid }));
}

/** Leaves out waits that this process has given up: they are still in the kernel's queue. */
function isLive({ waiting, pid }: KernelLock): boolean {
  return !waiting || pid !== Deno.pid;
}

function byKernel(
  kernelLocks: readonly KernelLock[],
  { lock, slot }: ListedFile,
  path: string,
  file: Deno.FileInfo,
): readonly Sighting[] {
  const record = readRecord(path);
  const here = Deno.hostname();
  return locksOn(kernelLocks, file, record?.pid)
    .filter(isLive)
    .map(({ waiting, pid }) => {
      if (waiting) return { lock, state: "waiting", host: here, pid };
      // The record may be from a holder that died. A process in a container has another PID here.
      const isHolders = record !== undefined && (record.pid === pid || record.host !== here);
      return isHolders ? held(lock, slot, record) : unrecorded(lock, slot, pid);
    });
}

/**
 * Whether the record names a holder that the kernel does not list: one that died, or one in a container whose processes
 * cannot be seen from here. To exclude a holder that has come or gone meanwhile, the list is read again, and the record
 * must still be the same.
 */
function isOnRecordOnly(
  seen: readonly Sighting[],
  one: ListedFile,
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
 * Without the list, the only way is to try to lock the file: in shared mode, so that observers do not exclude each other,
 * and only for a moment. Still, a sera that tries just then may find the lock taken.
 */
function byTrial({ lock, slot }: ListedFile, path: string, found: Deno.FileInfo): readonly Sighting[] {
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

/** A holder without a record. Slot 0 then counts as a plain lock. */
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
