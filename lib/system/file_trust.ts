import { followPath } from "./follow_path.ts";
import { UnfitFileError } from "./small_file.ts";
import { EVERYBODY_WRITES, STICKY } from "./trust.ts";

/** A step on the path to a file that anybody on the machine can replace. */
interface Exposed {
  /** The folder that everybody can write to. */
  readonly folder: string;
  /** The entry in it that the path leads through. */
  readonly entry: string;
  /** Whether the entry belongs to another user, who may have put it there. */
  readonly planted: boolean;
}

/**
 * Refuses a file that any user of the machine may have written or put there, since it decides what sera does, often as root.
 *
 * @param info Information on the open file.
 * @param orReplaceable Whether to refuse also a file that anybody could replace.
 * @throws {UnfitFileError}
 */
export function refuseExposed(path: string, info: Deno.FileInfo, orReplaceable = false): void {
  // Windows has no file modes; a pipe is the caller's own; nobody can write anything into /dev/null.
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
  if (first === undefined || !orReplaceable) return;
  // Do not advise chmod o-w: the whole system may need the folder, as it does /tmp.
  throw new UnfitFileError(
    `everybody can write to ${first.folder}, and can replace ${first.entry}`,
    `keep the file in a folder that only you can write to, or chmod +t ${first.folder}`,
  );
}

/**
 * The steps of a path that lie in folders where everybody can rename entries. An entry that belongs to sera's own user or
 * root is there on purpose, as in folders made by Kubernetes; one that belongs to another user may have been planted.
 */
function exposedSteps(path: string): readonly Exposed[] {
  const { folders, links, end } = followPath(absolute(path));
  const searched = new Map(folders.map(({ path, info }) => [path, info]));
  return [...folders, ...links, end].flatMap(({ path, info }) => {
    const [, folder, entry] = /^(.*)\/([^/]+)$/.exec(path) ?? [];
    const within = searched.get(folder || "/");
    if (entry === undefined || !within || !isOpenToAll(within)) return [];
    return [{ folder: folder || "/", entry, planted: !isOurs(info.uid) }];
  });
}

/** A path, made absolute. */
export function absolute(path: string): string {
  return path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
}

/** Whether a user is trusted: root, and the one who runs sera. */
export function isOurs(uid: number | null): boolean {
  return uid === 0 || uid === Deno.uid();
}

function isOpenToAll({ mode }: Deno.FileInfo): boolean {
  return mode !== null && (mode & EVERYBODY_WRITES) !== 0 && (mode & STICKY) === 0;
}
