import type { Trouble } from "../errors.ts";
import { followPath } from "../system/follow_path.ts";
import { absolute, isOurs } from "../system/file_trust.ts";
import { GROUP_WRITES, STICKY, Trust } from "../system/trust.ts";

/**
 * Users besides root and this one who can change a file, or put another in its place.
 *
 * @param kind What it is, for messages.
 */
export function otherWriters(
  path: string,
  { mode, uid, isFile }: Deno.FileInfo,
  kind = "config file",
): Trouble[] {
  if (mode === null || !isFile) return [];
  const notes: Trouble[] = [];
  if (!isOurs(uid)) {
    notes.push({
      what: `Another user (uid ${uid}) owns the ${kind}: ${path}`,
      cure: `chown root ${path} unless intended, once you have checked what is in it`,
    });
  }
  if ((mode & GROUP_WRITES) !== 0) {
    const what = `A group can write to the ${kind}: ${path}`;
    notes.push({ what, cure: `chmod g-w ${path} unless intended` });
  }
  return [...notes, ...othersInFolders(path, uid, kind)];
}

/** Users who can put another file in the place of this one. */
function othersInFolders(path: string, owner: number | null, kind: string): Trouble[] {
  const { folders } = followPath(absolute(path));
  const trust = new Trust(folders[0]!.info);
  const notes: Trouble[] = [];
  // The file's owner can change it anyway, and is reported above.
  const other = folders.find(({ info }) => !trust.owns(info) && info.uid !== owner);
  if (other) {
    const { path: folder, info } = other;
    notes.push({
      what: `Another user (uid ${info.uid}) can replace the ${kind}: ${path}, as the owner ` +
        `of ${folder}`,
      cure: "unless intended, keep it in a folder that root owns",
    });
  }
  const shared = folders.find(({ info }) => trust.otherWriters(info) === "its group" && (info.mode! & STICKY) === 0);
  if (shared) {
    notes.push({
      what: `A group can replace the ${kind}: ${path}, since it can write to ${shared.path}`,
      cure: "unless intended, keep it in a folder that only root can write to",
    });
  }
  return notes;
}
