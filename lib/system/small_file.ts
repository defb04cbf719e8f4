/** Reads configuration files safely: a path may lead to a device, a pipe or a huge file. */

import { TroubleError } from "../errors.ts";
import { elapsed, firstOf, settled } from "../waiting.ts";

/** The longest file accepted, in bytes; a file with all public CAs is a quarter of that. */
const MAX_SIZE = 2 ** 20;

/** How long to wait for the writer of a pipe to close it, in milliseconds. */
const PATIENCE = 10_000;

/** What was read from pipes, by path: a pipe can be read only once, but its text may be needed again. */
const pipes = new Map<string, SmallFile | UnfitFileError>();

/** A file's text, and the information on the open file, since its path may lead to another file by now. */
export interface SmallFile {
  readonly text: string;
  readonly info: Deno.FileInfo;
}

/** There is a file, but sera cannot use it. Has a cure if there is a better one than naming another file. */
export class UnfitFileError extends TroubleError {}

/**
 * Reads a plain file, or a pipe that the caller has opened, as with a shell's `<(…)`.
 *
 * @throws {UnfitFileError} When it is neither, is longer than 1 MiB, or when a pipe's writer has not closed it within 10 s.
 * @throws The system's error when it cannot be read.
 */
export async function readSmallFile(path: string): Promise<SmallFile> {
  const before = pipes.get(path);
  if (before instanceof UnfitFileError) throw before;
  if (before) return before;
  const found = Deno.statSync(path);
  if (!isOpenPipe(path, found)) return readSmallFileSync(path, found);
  using file = Deno.openSync(path);
  const info = file.statSync();
  if (!isOpenPipe(path, info)) throw unfit(info);
  try {
    const text = await firstOf(
      settled(readPipe(file)),
      elapsed(PATIENCE, () => {
        throw new UnfitFileError("the program that writes to this pipe does not close it");
      }),
    );
    const read = { text, info };
    pipes.set(path, read);
    return read;
  } catch (error) {
    if (error instanceof UnfitFileError) pipes.set(path, error);
    throw error;
  }
}

/**
 * Like {@linkcode readSmallFile}, for plain files only.
 *
 * @param found What is at the path. It is checked before the file is opened, since opening a pipe or a device may block forever.
 */
export function readSmallFileSync(path: string, found = Deno.statSync(path)): SmallFile {
  if (path === "/dev/null") return { text: "", info: found };
  if (!found.isFile) throw unfit(found);
  using file = Deno.openSync(path);
  const info = file.statSync();
  if (!info.isFile) throw unfit(info);
  const bytes = new Uint8Array(MAX_SIZE + 1);
  let length = 0;
  // The file may be longer than its size says, as in /proc.
  while (length < bytes.length) {
    const count = file.readSync(bytes.subarray(length));
    if (count === null) return { text: decode(bytes.subarray(0, length)), info };
    length += count;
  }
  throw tooLong();
}

async function readPipe(file: Deno.FsFile): Promise<string> {
  const bytes = new Uint8Array(MAX_SIZE + 1);
  let length = 0;
  while (length < bytes.length) {
    const count = await file.read(bytes.subarray(length));
    if (count === null) return decode(bytes.subarray(0, length));
    length += count;
  }
  throw tooLong();
}

/** Whether a path is a pipe that is already open. Opening a named pipe in a folder would block until there is a writer. */
function isOpenPipe(path: string, { isFifo }: Deno.FileInfo): boolean {
  return Boolean(isFifo) && /^\/(?:dev|proc\/self)\/fd\/\d+$/.test(path);
}

function unfit({ isDirectory }: Deno.FileInfo): UnfitFileError {
  return new UnfitFileError(isDirectory ? "is a directory" : "not a regular file");
}

function tooLong(): UnfitFileError {
  return new UnfitFileError("longer than 1 MiB");
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
