import { messageOf } from "../errors.ts";
import type { LockFolder } from "./lock_folder.ts";

/** What a file is judged by. */
export type FileFacts = Pick<
  Deno.FileInfo,
  "isFile" | "isSymlink" | "isDirectory" | "isFifo" | "isSocket" | "nlink" | "uid" | "gid"
>;

/**
 * Why a file of a lock folder must be left alone; undefined for one that may be used: a regular file with one link, of
 * this user, of root, or of those who share the folder. What else lies there somebody may have put there to lead a write
 * to a file elsewhere, or to keep whoever opens it waiting.
 *
 * @returns What is wrong and what to do, with a semicolon between.
 */
export function objectionToFile(file: FileFacts, path: string, folder: LockFolder): string | undefined {
  if (!file.isFile) return `it is ${kindOf(file)}, not a regular file; find out who put it there, and remove it`;
  // No link at all is what a file has that was removed after it was opened.
  if (file.nlink !== null && file.nlink > 1) {
    return `it has ${file.nlink} links, so that it is another file as well; find out who put it there, and remove it`;
  }
  if (folder.owns(file)) return undefined;
  const whose = `it belongs to another user (uid ${file.uid}, gid ${file.gid})`;
  return folder.group === undefined
    ? `${whose}; remove it, or use another folder: --server file:/some/dir`
    : `${whose}, and not to the folder's group; have that user run: chgrp ${folder.group} ${path} && chmod g+rw ${path}`;
}

/** Whether both are the same file. */
export function isSameFile(one: Deno.FileInfo, other: Deno.FileInfo): boolean {
  return one.ino === other.ino && one.dev === other.dev;
}

function kindOf(file: FileFacts): string {
  if (file.isSymlink) return "a symbolic link";
  if (file.isDirectory) return "a folder";
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
  // The runtime's own files can change their mode by their name only, which may lead elsewhere by then. Seldom needed, and
  // not worth an import for every run.
  // deno-lint-ignore no-process-global
  const fs = process.getBuiltinModule("node:fs");
  let file;
  try {
    file = fs.openSync(path, "wx", 0o660);
  } catch (error) {
    if (isCode(error, "EEXIST")) return false;
    throw error;
  }
  try {
    const made = fs.fstatSync(file);
    const wanted = group !== undefined && isGiven() ? 0o660 : 0o600;
    if (Deno.build.os !== "windows" && (made.mode & wanted) !== wanted) fs.fchmodSync(file, made.mode & 0o777 | wanted);
    if (content) {
      fs.writeFileSync(file, content);
      fs.fsyncSync(file);
    }

    function isGiven(): boolean {
      if (made.gid === group) return true;
      try {
        fs.fchownSync(file!, made.uid, group!);
        return true;
      } catch (error) {
        // Who owns the folder need not be in its group.
        if (isCode(error, "EPERM")) return false;
        throw error;
      }
    }
  } finally {
    fs.closeSync(file);
  }
  return true;
}

/**
 * Reads a file without following a link or waiting for the other end of a FIFO, whatever lies there by then.
 *
 * @param most The most bytes that it may have.
 * @param objection Says why it is not read, if so.
 * @throws {Error} The system's, or one with the objection, when it cannot be read.
 */
export function readPlainFile(
  path: string,
  most: number,
  objection: (file: FileFacts) => string | undefined,
): Uint8Array {
  // deno-lint-ignore no-process-global
  const fs = process.getBuiltinModule("node:fs");
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
  const file = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const info = fs.fstatSync(file);
    const { size, nlink, uid, gid } = info;
    const why = objection({
      isFile: info.isFile(),
      isSymlink: false,
      isDirectory: info.isDirectory(),
      isFifo: info.isFIFO(),
      isSocket: info.isSocket(),
      nlink,
      uid,
      gid,
    });
    if (why !== undefined) throw new Error(why);
    if (size > most) throw new Error(`it has ${size} bytes, more than ${most}`);
    const bytes = new Uint8Array(size);
    let read = 0;
    for (let more = 1; more > 0 && read < size; read += more) more = fs.readSync(file, bytes, read, size - read, read);
    return bytes.subarray(0, read);
  } finally {
    fs.closeSync(file);
  }
}

/** The system's words for an error, without what Node.js puts around them. */
export function saidBy(error: Error): string {
  return messageOf(error).replace(/^E[A-Z]+: /, "").replace(/, \w+ '.*'$/s, "");
}

/** Whether the system refused something with this code. */
export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
