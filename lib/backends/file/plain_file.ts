import type { Stats } from "node:fs";
import { type Trouble, TroubleError } from "../../errors.ts";
import type { LockFolder } from "./lock_folder.ts";

/**
 * Why a file of a lock folder must be left alone; undefined for one that may be used: a regular file with one link, of
 * this user, of root, or of those who share the folder. What else lies there somebody may have put there to lead a write
 * to a file elsewhere, or to keep whoever opens it waiting.
 */
export function objectionToFile(file: Deno.FileInfo, path: string, folder: LockFolder): Trouble | undefined {
  const cure = "find out who put it there, and remove it";
  if (!file.isFile) return { what: `it is ${kindOf(file)}, not a regular file`, cure };
  // No link at all is what a file has that was removed after it was opened.
  if (file.nlink !== null && file.nlink > 1) {
    return { what: `it has ${file.nlink} links, so that it is another file as well`, cure };
  }
  if (folder.owns(file)) return undefined;
  const whose = `it belongs to another user (uid ${file.uid}, gid ${file.gid})`;
  return folder.group === undefined
    ? { what: whose, cure: "remove it, or use another folder: --server file:/some/dir" }
    : {
      what: `${whose}, and not to the folder's group`,
      cure: `have that user run: chgrp ${folder.group} ${path} && chmod g+rw ${path}`,
    };
}

/** Whether both are the same file. */
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
 * Makes a file in a lock folder, unless there is something of this name: not even a link to nowhere is followed. Those who
 * share the folder may read and write it, whatever the umask takes away; whose group is not the folder's gives it that.
 *
 * @param content What is in it, and on the disk, when this returns.
 * @returns Whether it made one.
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
    // The runtime looks where a path leads before it opens it: what has been made elsewhere gets no rights.
    if (Deno.build.os !== "windows" && isSameFile(Deno.lstatSync(path), made)) grant(file, made, group);
  } finally {
    fs.closeSync(file);
  }
  return true;
}

/**
 * Gives a file of this user's to those who share its folder, as {@linkcode makePlainFile} does: an older sera made it, or
 * flock(1).
 *
 * @param found What it is, as it has been judged.
 * @throws {Error} The system's, when it cannot.
 */
export function sharePlainFile(path: string, found: Deno.FileInfo, { group }: LockFolder): void {
  if (group === undefined || found.uid !== Deno.uid()) return;
  if (found.gid === group && (found.mode! & 0o660) === 0o660) return;
  const fs = nodeFiles();
  const file = openToLook(path);
  try {
    const info = fs.fstatSync(file);
    if (isSameFile(info, found)) grant(file, info, group);
  } finally {
    fs.closeSync(file);
  }
}

/** Opens the owner's access, and that of a group which has a share in the folder. */
function grant(file: number, { mode, uid, gid, nlink }: Stats, group: number | undefined): void {
  const fs = nodeFiles();
  const wanted = group !== undefined && nlink <= 1 && (gid === group || isGiven(group)) ? 0o660 : 0o600;
  if ((mode & wanted) !== wanted) fs.fchmodSync(file, mode & 0o777 | wanted);

  function isGiven(group: number): boolean {
    try {
      fs.fchownSync(file, uid, group);
      return true;
    } catch (error) {
      // Who owns the folder need not be in its group.
      if (isCode(error, "EPERM")) return false;
      throw error;
    }
  }
}

/**
 * Reads a file of a lock folder, and nothing that a link leads to; a FIFO is not waited for.
 *
 * @param most The most bytes that it may have.
 * @param objection Says why it is not read, if so.
 * @throws {Error} The system's, or a {@linkcode TroubleError} with the objection, when it cannot be read.
 */
export function readPlainFile(
  path: string,
  most: number,
  objection: (file: Deno.FileInfo) => Trouble | undefined,
): Uint8Array {
  const found = Deno.lstatSync(path);
  const why = objection(found);
  if (why !== undefined) throw new TroubleError(why.what, why.cure);
  const fs = nodeFiles();
  const file = openToLook(path);
  try {
    const info = fs.fstatSync(file);
    if (!isSameFile(info, found)) throw new TroubleError("somebody has just replaced it", "try again");
    const { size } = info;
    if (size > most) throw new TroubleError(`it has ${size} bytes, more than ${most}`, "find out who made it so long");
    const bytes = new Uint8Array(size);
    let read = 0;
    for (let more = 1; more > 0 && read < size; read += more) more = fs.readSync(file, bytes, read, size - read, read);
    return bytes.subarray(0, read);
  } finally {
    fs.closeSync(file);
  }
}

/**
 * Makes what has been renamed in a folder last, should the power fail.
 *
 * @throws {Error} The system's, when it cannot, unless its file system knows no such thing.
 */
export function flushFolder(path: string): void {
  const fs = nodeFiles();
  const folder = openToLook(path);
  try {
    fs.fsyncSync(folder);
  } catch (error) {
    if (!isCode(error, "EINVAL")) throw error;
  } finally {
    fs.closeSync(folder);
  }
}

/** Opens whatever is there, without waiting for the other end of a FIFO. */
function openToLook(path: string): number {
  const { openSync, constants: { O_RDONLY, O_NONBLOCK = 0 } } = nodeFiles();
  return openSync(path, O_RDONLY | O_NONBLOCK);
}

/**
 * What the runtime's own files lack: to open without waiting, and to change the mode of what is open, where a name may
 * lead elsewhere by then. Seldom needed, and not worth an import for every run.
 */
function nodeFiles() {
  // deno-lint-ignore no-process-global
  return process.getBuiltinModule("node:fs");
}

/** Whether the system refused something with this code. */
export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
