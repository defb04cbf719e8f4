/** The one way to read a file that says how sera is to work, whatever is in its place. */

import { TroubleError } from "../errors.ts";
import { elapsed, firstOf, settled } from "../waiting.ts";

/** How long such a file may be, in bytes: one with all public CAs has a quarter of that. */
const LONGEST = 2 ** 20;

/** How long the other end of a pipe may take to say all that it has to say, in milliseconds. */
const PATIENCE = 10_000;

/**
 * What came of reading pipes, by their paths: they can be read once only, and may be needed again, as for another
 * connection.
 */
const heard = new Map<string, SmallFile | UnfitFileError>();

/** What was read, and what the open file itself is, which is more than its path may still lead to. */
export interface SmallFile {
  readonly text: string;
  readonly info: Deno.FileInfo;
}

/** There is something, but nothing to go by; with a cure, if more can be said than to name another file. */
export class UnfitFileError extends TroubleError {}

/**
 * Reads a plain file, or a pipe that the caller has opened, as a shell's `<(…)` does.
 *
 * @throws {UnfitFileError} When it is neither, is longer than 1 MiB, or when the pipe's other end is not done within 10 s.
 * @throws The system's error when it cannot be read.
 */
export async function readSmallFile(path: string): Promise<SmallFile> {
  const before = heard.get(path);
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
        throw new UnfitFileError("nobody ends what is written into this pipe");
      }),
    );
    const read = { text, info };
    heard.set(path, read);
    return read;
  } catch (error) {
    if (error instanceof UnfitFileError) heard.set(path, error);
    throw error;
  }
}

/**
 * As {@linkcode readSmallFile}, but takes no pipes.
 *
 * @param found What is there, which is looked at before it is opened, for to open a pipe or a device may take for ever.
 */
export function readSmallFileSync(path: string, found = Deno.statSync(path)): SmallFile {
  if (path === "/dev/null") return { text: "", info: found };
  if (!found.isFile) throw unfit(found);
  using file = Deno.openSync(path);
  const info = file.statSync();
  if (!info.isFile) throw unfit(info);
  const bytes = new Uint8Array(LONGEST + 1);
  let length = 0;
  // It may be longer than it says it is.
  while (length < bytes.length) {
    const count = file.readSync(bytes.subarray(length));
    if (count === null) return { text: decode(bytes.subarray(0, length)), info };
    length += count;
  }
  throw tooLong();
}

async function readPipe(file: Deno.FsFile): Promise<string> {
  const bytes = new Uint8Array(LONGEST + 1);
  let length = 0;
  while (length < bytes.length) {
    const count = await file.read(bytes.subarray(length));
    if (count === null) return decode(bytes.subarray(0, length));
    length += count;
  }
  throw tooLong();
}

/** One that is open already, unlike one with a name in a folder, which waits for somebody to write. */
function isOpenPipe(path: string, { isFifo }: Deno.FileInfo): boolean {
  return Boolean(isFifo) && /^\/(?:dev|proc\/self)\/fd\/\d+$/.test(path);
}

function unfit({ isDirectory }: Deno.FileInfo): UnfitFileError {
  return new UnfitFileError(isDirectory ? "is a directory" : "not a plain file");
}

function tooLong(): UnfitFileError {
  return new UnfitFileError("longer than 1 MiB");
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
