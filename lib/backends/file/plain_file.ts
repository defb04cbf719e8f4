import type { Stats } from "node:fs";
import { type Trouble, TroubleError } from "../../errors.ts";
import { OTHER_FOLDER } from "./folder_trust.ts";
import type { LockFolder } from "./lock_folder.ts";

/**
 * Why a file in a lock folder must not be used; undefined for a regular file with one link, of this user, of root, or
 * of those who share the folder. Anything else may be a trap: a link that leads a write to another file, or a FIFO that
 * blocks whoever opens it.
 */
export function objectionToFile(file: Deno.FileInfo, path: string, folder: LockFolder): Trouble | undefined {
  const cure = "find out who put it there, and remove it";
  if (!file.isFile) return { what: `it is ${kindOf(file)}, not a regular file`, cure };
  // A file that was removed after it was opened has 0 links.
  if (file.nlink !== null && file.nlink > 1) {
    return { what: `it has ${file.nlink} hard links, so it is also another file`, cure };
  }
  if (folder.owns(file)) return undefined;
  const whose = `it belongs to another user (uid ${file.uid}, gid ${file.gid})`;
  return folder.group === undefined ? { what: whose, cure: `remove it, or ${OTHER_FOLDER}` } : {
    what: `${whose}, and not to the folder's group`,
    cure: `have that user run: chgrp ${folder.group} ${path} && chmod g+rw ${path}`,
  };
}

/** Whether both describe the same file. */
export function isSameFile(
  one: Pick<Deno.FileInfo, "dev" | "ino">,
  other: Pick<Deno.FileInfo, "dev" | "ino">,
): boolean {
  return one.ino === other.ino && one.dev === other.dev;
}

function kindOf(file: Deno.FileInfo): string {
  if (file.isSymlink) return "a symbolic link";
  if (file.isDirectory) return "a directory";
  if (file.isFifo) return "a FIFO";
  if (file.isSocket) return "a socket";
  return "a device";
}

/**
 * Creates a file in a lock folder, unless the name exists; not even a dangling link is followed. Those who share the
 * folder may read and write it, whatever the umask, and it gets the folder's group.
 *
 * @param content What to write; it is on disk when this returns.
 * @returns Whether the file was created.
 * @throws {Error} The system's, when it cannot.
 */
export function makePlainFile(path: string, { group }: LockFolder, content?: Uint8Array): boolean {
  const fs = nodeFiles();
  let file;
  try {
    file = fs.openSync(path, "wx", 0o660);
  } catch (error) {
    if (isCode(error, "EEXIST")) return false;
    throw error;
  }
  try {
    const made = fs.fstatSync(file);
    if (content) {
      fs.writeFileSync(file, content);
      fs.fsyncSync(file);
    }
    // The runtime resolves links in the path before it opens it: a file created elsewhere must not get more permissions.
    if (Deno.build.os !== "windows" && isSameFile(Deno.lstatSync(path), made)) grant(file, made, group);
  } finally {
    fs.closeSync(file);
  }
  return true;
}

/**
 * Shares a file of this user with the folder's group, as {@linkcode makePlainFile} does, if an older sera or flock(1)
 * created it.
 *
 * @param found The information by which it was checked.
 * @throws {Error} The system's, when it cannot.
 */
export function sharePlainFile(path: string, found: Deno.FileInfo, { group }: LockFolder): void {
  if (group === undefined || found.uid !== Deno.uid()) return;
  if (found.gid === group && (found.mode! & 0o660) === 0o660) return;
  const fs = nodeFiles();
  const file = openForReading(path);
  try {
    const info = fs.fstatSync(file);
    if (isSameFile(info, found)) grant(file, info, group);
  } finally {
    fs.closeSync(file);
  }
}

/** Gives access to the owner, and to the group that shares the folder. */
function grant(file: number, { mode, uid, gid, nlink }: Stats, group: number | undefined): void {
  const fs = nodeFiles();
  const wanted = group !== undefined && nlink <= 1 && (gid === group || isGiven(group)) ? 0o660 : 0o600;
  if ((mode & wanted) !== wanted) fs.fchmodSync(file, mode & 0o777 | wanted);

  function isGiven(group: number): boolean {
    try {
      fs.fchownSync(file, uid, group);
      return true;
    } catch (error) {
      // The owner of the folder need not be in its group.
      if (isCode(error, "EPERM")) return false;
      throw error;
    }
  }
}

/**
 * Reads a file in a lock folder. Follows no link, and does not block on a FIFO.
 *
 * @param limit The largest size, in bytes.
 * @param objection Why the file must not be read; undefined if it may.
 * @throws {Error} The system's, or a {@linkcode TroubleError} with the objection, when it cannot be read.
 */
export function readPlainFile(
  path: string,
  limit: number,
  objection: (file: Deno.FileInfo) => Trouble | undefined,
): Uint8Array {
  const found = Deno.lstatSync(path);
  const why = objection(found);
  if (why !== undefined) throw new TroubleError(why.what, why.cure);
  const fs = nodeFiles();
  const file = openForReading(path);
  try {
    const info = fs.fstatSync(file);
    if (!isSameFile(info, found)) throw new TroubleError("somebody has just replaced it", "try again");
    const { size } = info;
    if (size > limit) {
      throw new TroubleError(`it has ${size} bytes, more than ${limit}`, "find out what made it grow");
    }
    const bytes = new Uint8Array(size);
    let read = 0;
    for (let more = 1; more > 0 && read < size; read += more) more = fs.readSync(file, bytes, read, size - read, read);
    return bytes.subarray(0, read);
  } finally {
    fs.closeSync(file);
  }
}

/**
 * Flushes a folder to disk, so that a rename survives a power failure.
 *
 * @throws {Error} The system's, when it cannot; not if the file system does not support it.
 */
export function flushFolder(path: string): void {
  const fs = nodeFiles();
  const folder = openForReading(path);
  try {
    fs.fsyncSync(folder);
  } catch (error) {
    if (!isCode(error, "EINVAL")) throw error;
  } finally {
    fs.closeSync(folder);
  }
}

/** Opens a file for reading, without waiting for the other end of a FIFO. */
function openForReading(path: string): number {
  const { openSync, constants: { O_RDONLY, O_NONBLOCK = 0 } } = nodeFiles();
  return openSync(path, O_RDONLY | O_NONBLOCK);
}

/**
 * Node's file functions, for what Deno's own cannot do: open without blocking, and change the mode of an open file rather
 * than of a path, which may lead elsewhere by then. Rarely needed, so not imported for every run.
 */
function nodeFiles() {
  // deno-lint-ignore no-process-global
  return process.getBuiltinModule("node:fs");
}

/** Whether an error has this system error code. */
export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
