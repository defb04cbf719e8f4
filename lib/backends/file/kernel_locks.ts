import { readProc } from "../../system/proc.ts";

/** One line of Linux's list of locks that is about a flock(2). */
export interface KernelLock {
  readonly waiting: boolean;
  /** As this process sees the other one; 0 where it cannot. */
  readonly pid: number;
  /** The numbers of the device, and the file's. */
  readonly device: string;
  readonly inode: number;
}

/** By what a file is known to the kernel. */
export interface FileIdentity {
  readonly dev: number;
  readonly ino: number | null;
}

const LINE = /^\d+:\s+(->\s+)?FLOCK\s+\S+\s+\S+\s+(-?\d+)\s+([0-9a-f]+:[0-9a-f]+):(\d+)\s/;

/**
 * What the kernel tells of locks, see proc(5). It leaves out processes of other process namespaces that this one cannot
 * see: a container that shares the folder.
 *
 * @returns Undefined where there is no such list.
 */
export function readKernelLocks(): readonly KernelLock[] | undefined {
  const bytes = readProc("locks");
  return bytes && parseKernelLocks(new TextDecoder().decode(bytes));
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
 * Those of the locks that are on a file.
 *
 * @param recorded The process that is said to hold it. Some file systems (btrfs, overlays) have one device for stat(2)
 * and another in the list; then the inode's number is not enough, but will do together with this process.
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

/** A device as the list has it. The halves are spread over the number, see makedev(3). */
function deviceText(dev: number): string {
  const major = (dev >>> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
  return [major, minor].map((number) => number.toString(16).padStart(2, "0")).join(":");
}
