import { readProc } from "../../system/proc.ts";

/** A flock(2) lock, or a wait for one, in Linux's list. */
export interface KernelLock {
  readonly waiting: boolean;
  /** As this process sees it; 0 if it cannot, from its pid namespace. */
  readonly pid: number;
  /** The device's numbers as `major:minor` in hexadecimal. */
  readonly device: string;
  readonly inode: number;
}

/** Identifies a file. */
export interface FileIdentity {
  readonly dev: number;
  readonly ino: number | null;
}

/** The kernel gives its list in pieces of a page; a lock that goes in between may hide another one. */
const PIECE = 4096;

const LINE = /^\d+:\s+(->\s+)?FLOCK\s+\S+\s+\S+\s+(-?\d+)\s+([0-9a-f]+:[0-9a-f]+):(\d+)\s/;

/**
 * Reads the kernel's list of locks, see proc(5). It leaves out processes that this one cannot see, such as those
 * of a container that shares the folder.
 *
 * @returns Undefined if there is no such list.
 */
export function readKernelLocks(): readonly KernelLock[] | undefined {
  const list = readProc("locks");
  if (!list) return undefined;
  const lists = list.length < PIECE ? [list] : [list, readProc("locks") ?? new Uint8Array()];
  return mergeKernelLocks(lists.map((bytes) => parseKernelLocks(new TextDecoder().decode(bytes))));
}

/** The locks that stand in any of several lists, each once. */
export function mergeKernelLocks(lists: readonly (readonly KernelLock[])[]): readonly KernelLock[] {
  const known = new Map<string, KernelLock>();
  for (const lock of lists.flat()) known.set(Object.values(lock).join(" "), lock);
  return [...known.values()];
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
 * device in the list is not that of stat(2). A lock then needs this process besides the inode to tell its device.
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

/** A device as in the list. For how the number holds major and minor, see makedev(3). */
function deviceText(dev: number): string {
  const major = (dev >>> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
  return [major, minor].map((number) => number.toString(16).padStart(2, "0")).join(":");
}
