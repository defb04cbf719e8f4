import { readProc } from "../../system/proc.ts";

/** A flock(2) lock, or a wait for one, in Linux's list. */
export interface KernelLock {
  readonly waiting: boolean;
  /** The PID as this process sees it; 0 if its PID namespace does not show it. */
  readonly pid: number;
  /** The device as `major:minor` in hexadecimal. */
  readonly device: string;
  readonly inode: number;
}

/** Identifies a file. */
export interface FileIdentity {
  readonly dev: number;
  readonly ino: number | null;
}

/** The kernel returns its list a page at a time; a lock that is removed between two pages may hide another one. */
const PAGE = 4096;

const LINE = /^\d+:\s+(->\s+)?FLOCK\s+\S+\s+\S+\s+(-?\d+)\s+([0-9a-f]+:[0-9a-f]+):(\d+)\s/;

/**
 * Reads the kernel's list of locks, see proc(5). The list lacks processes that this one cannot see, such as those
 * of a container that shares the folder.
 *
 * @returns Undefined if there is no such list.
 */
export function readKernelLocks(): readonly KernelLock[] | undefined {
  const list = readProc("locks");
  if (!list) return undefined;
  const lists = list.length < PAGE ? [list] : [list, readProc("locks") ?? new Uint8Array()];
  return mergeKernelLocks(lists.map((bytes) => parseKernelLocks(new TextDecoder().decode(bytes))));
}

/**
 * Merges lists that were read one after the other: of each file, the locks in the last list that has any, without
 * duplicates. All together would give two holders to a lock that changes hands meanwhile. The kernel writes a lock and its
 * waiters in one go, so that a list has all of them or none.
 */
export function mergeKernelLocks(lists: readonly (readonly KernelLock[])[]): readonly KernelLock[] {
  const known = new Map<string, readonly KernelLock[]>();
  for (const list of lists) {
    const unique = new Map(list.map((lock) => [Object.values(lock).join(" "), lock])).values();
    const files = Map.groupBy(unique, ({ device, inode }) => `${device} ${inode}`);
    for (const [file, locks] of files) known.set(file, locks);
  }
  return [...known.values()].flat();
}

/** Reads the text of `/proc/locks`. */
export function parseKernelLocks(text: string): readonly KernelLock[] {
  return text.split("\n").flatMap((line) => {
    const [all, arrow, pid, device, inode] = LINE.exec(line) ?? [];
    if (all === undefined) return [];
    return [{ waiting: arrow !== undefined, pid: Number(pid), device: device!, inode: Number(inode) }];
  });
}

/**
 * The locks on a file.
 *
 * @param recorded The process that holds it according to the file's record. On some file systems (btrfs, overlayfs) the
 * device in the list is not that of stat(2). Then a lock with this inode and this process shows what the device is.
 */
export function locksOn(
  locks: readonly KernelLock[],
  { dev, ino }: FileIdentity,
  recorded: number | undefined,
): readonly KernelLock[] {
  const sameNumber = locks.filter(({ inode }) => inode === ino);
  const known = deviceText(dev);
  const found = sameNumber.some(({ device }) => device === known)
    ? known
    : sameNumber.find(({ waiting, pid }) => !waiting && pid === recorded)?.device;
  return sameNumber.filter(({ device }) => device === found);
}

/** A device as the list shows it. For how the number encodes major and minor, see makedev(3). */
function deviceText(dev: number): string {
  const major = (dev >>> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
  return [major, minor].map((number) => number.toString(16).padStart(2, "0")).join(":");
}
