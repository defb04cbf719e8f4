import { followPath } from "./follow_path.ts";
import { UnfitFileError } from "./small_file.ts";
import { EVERYBODY_WRITES, STICKY } from "./trust.ts";

/** What anybody on the machine could do to a file by its place. */
interface Exposed {
  readonly folder: string;
  /** The first name in it on the way to the file. */
  readonly entry: string;
  /** Whether another user has put it there already, or may have. */
  readonly planted: boolean;
}

/**
 * Refuses a file that anybody on the machine may have written, or may have put where it is: what is in it decides what
 * sera does, often as root.
 *
 * @param info What the open file is.
 * @param soon Whether one is refused, too, that anybody could put another in the place of.
 * @throws {UnfitFileError}
 */
export function refuseEverybodys(path: string, info: Deno.FileInfo, soon = false): void {
  // Windows keeps no mode; a pipe is the caller's own; what is in /dev/null nobody decides.
  if (info.mode === null || !info.isFile) return;
  if ((info.mode & EVERYBODY_WRITES) !== 0) {
    throw new UnfitFileError("everybody can write to it", `chmod o-w ${path}`);
  }
  const exposed = exposedSteps(path);
  const planted = exposed.find(({ planted }) => planted);
  if (planted !== undefined) {
    throw new UnfitFileError(
      `everybody can write to ${planted.folder}, and ${planted.entry} there is another user's`,
      "check who put it there, and keep the file in a folder that only you can write to",
    );
  }
  const [first] = exposed;
  if (first === undefined || !soon) return;
  // Never to take rights away: the folder may be one like /tmp, which the whole system needs.
  throw new UnfitFileError(
    `everybody can write to ${first.folder}, and can put another in the place of ${first.entry}`,
    `keep the file in a folder that only you can write to, or chmod +t ${first.folder}`,
  );
}

/**
 * The steps of a path in folders in which everybody may rename what is there. One's own and root's are there because one
 * of them wanted it, as in the folders that Kubernetes makes; another user's may have been planted.
 */
function exposedSteps(path: string): readonly Exposed[] {
  const { folders, links, end } = followPath(absolute(path));
  const lookedIn = new Map(folders.map(({ path, info }) => [path, info]));
  return [...folders, ...links, end].flatMap(({ path, info }) => {
    const [, folder, entry] = /^(.*)\/([^/]+)$/.exec(path) ?? [];
    const within = lookedIn.get(folder || "/");
    if (entry === undefined || !within || !isOpenToAll(within)) return [];
    return [{ folder: folder || "/", entry, planted: !isOurs(info.uid) }];
  });
}

/** A path from the root on. */
export function absolute(path: string): string {
  return path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
}

/** Whether a user may decide here: root, and the one who runs sera. */
export function isOurs(uid: number | null): boolean {
  return uid === 0 || uid === Deno.uid();
}

function isOpenToAll({ mode }: Deno.FileInfo): boolean {
  return mode !== null && (mode & EVERYBODY_WRITES) !== 0 && (mode & STICKY) === 0;
}
