import { followPath } from "../lock/folder_way.ts";
import { UnfitFileError } from "./small_file.ts";

/** Members of the group may write; everybody on the machine may; in a folder, only to what is their own. */
const GROUP_WRITES = 0o020;
const EVERYBODY_WRITES = 0o002;
const STICKY = 0o1000;

/**
 * Refuses a file that anybody on the machine may have written, or may have put where it is: what is in it decides what
 * sera does, often as root.
 *
 * @param info What the open file is.
 * @throws {UnfitFileError}
 */
export function refuseEverybodys(path: string, info: Deno.FileInfo): void {
  // Windows keeps no mode; a pipe is the caller's own; what is in /dev/null nobody decides.
  if (info.mode === null || !info.isFile) return;
  if ((info.mode & EVERYBODY_WRITES) !== 0) {
    throw new UnfitFileError("everybody can write to it", `chmod o-w ${path}`);
  }
  const planted = findPlanted(path);
  if (planted === undefined) return;
  throw new UnfitFileError(
    `everybody can write to ${planted.folder}, and ${planted.entry} there is another user's`,
    `see who put it there, and chmod o-w ${planted.folder}`,
  );
}

/** Who else decides what is in a file, and what to do about it; each one line. */
export function othersWhoDecide(path: string, { mode, uid, isFile }: Deno.FileInfo): string[] {
  if (mode === null || !isFile) return [];
  const notes: string[] = [];
  if (!isOurs(uid)) {
    notes.push(
      `Another user (uid ${uid}) decides what is in the config file: ${path}; chown root ${path} if not meant`,
    );
  }
  if ((mode & GROUP_WRITES) !== 0) {
    notes.push(`A group can write to the config file: ${path}; chmod g-w ${path} if not meant`);
  }
  return notes;
}

/**
 * The first step of a path that somebody may have put there: in a folder in which everybody may, and owned by another user.
 * One's own and root's are there because one of them wanted it, as in the folders that Kubernetes makes.
 */
function findPlanted(path: string): { readonly folder: string; readonly entry: string } | undefined {
  const { folders, links, end } = followPath(path.startsWith("/") ? path : `${Deno.cwd()}/${path}`);
  const lookedIn = new Map(folders.map(({ path, info }) => [path, info]));
  for (const { path, info } of [...folders, ...links, end]) {
    const [, folder, entry] = /^(.*)\/([^/]+)$/.exec(path) ?? [];
    const within = lookedIn.get(folder || "/");
    if (entry !== undefined && within && !isOurs(info.uid) && isOpenToAll(within)) {
      return { folder: folder || "/", entry };
    }
  }
  return undefined;
}

function isOurs(uid: number | null): boolean {
  return uid === 0 || uid === Deno.uid();
}

function isOpenToAll({ mode }: Deno.FileInfo): boolean {
  return mode !== null && (mode & EVERYBODY_WRITES) !== 0 && (mode & STICKY) === 0;
}
