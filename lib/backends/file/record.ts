/** Reads the records that holders write into the files of their locks. */

import { type Presence, readPresence } from "../../lock/presence.ts";
import { readPlainFile } from "./plain_file.ts";
import { LOCK_FILE } from "./names.ts";

/** The longest record that is read, in bytes; others who share the folder may write anything. */
const MAX_RECORD_SIZE = 65_536;

/** The holder's record; undefined if there is none, or it cannot be read, like a locked file on Windows. */
export function readRecord(path: string): Presence | undefined {
  const text = readText(path);
  return text === undefined ? undefined : readPresence(text);
}

/** The acquisition that the file of a lock or slot records, and whose it is; undefined if there is no record. */
export function holdOf(folder: string, lock: string): Pick<Presence, "host" | "pid"> & { hold: string } | undefined {
  const text = readText(`${folder}/${lock}${LOCK_FILE}`);
  const record = text === undefined ? undefined : readPresence(text);
  if (text === undefined || record?.lock !== lock) return undefined;
  const { hold } = JSON.parse(text);
  return typeof hold === "string" ? { host: record.host, pid: record.pid, hold } : undefined;
}

/** The text of a lock's file; undefined if it cannot be read. */
export function readText(path: string): string | undefined {
  try {
    const bytes = readPlainFile(
      path,
      MAX_RECORD_SIZE,
      (file) => file.isFile ? undefined : { what: "it is not a file" },
    );
    return new TextDecoder().decode(bytes);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}
