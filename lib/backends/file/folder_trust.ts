import type { FollowedPath, Step } from "../../system/follow_path.ts";
import { lstatIfThere } from "../../system/if_there.ts";
import { EVERYBODY_WRITES, isShared, STICKY, type Trust } from "../../system/trust.ts";

/** What is wrong with a folder, and what to do about it. */
export interface Objection {
  readonly why: string;
  readonly cure: string;
}

/** What to do about a folder that cannot be used. */
export const OTHER_FOLDER = "use another folder: --server file:/some/dir";

/**
 * What to do about a folder in which the system lets this user create nothing.
 *
 * @param group The group that shares it; absent if none does.
 */
export function giveFolder(folder: string, group?: number): string {
  const uid = Deno.uid();
  // A file server may refuse root; elsewhere root needs no permission.
  if (!uid) return `fix that, or ${OTHER_FOLDER}`;
  if (lstatIfThere(folder)?.uid === uid) return `chmod u+rwx ${folder}, or ${OTHER_FOLDER}`;
  if (group !== undefined) return `put user ${uid} into group ${group}, or ${OTHER_FOLDER}`;
  return `as root: install -d -o ${uid} ${folder}, or ${OTHER_FOLDER}`;
}

/** System folders for everybody, whatever their modes. */
const PUBLIC_FOLDERS = /^(?:\/private)?(?:\/var)?\/tmp$|^\/dev\/shm$|^(?:\/var|\/run)?\/(?:lock|shm)$/;

/**
 * What is wrong with the path to a folder: a user who can rename a folder on it, or put a link there, decides where it
 * leads.
 */
export function objectionToPath({ folders, links }: FollowedPath, trust: Trust): Objection | undefined {
  for (const { path, info } of folders) {
    if (!trust.leads(info)) {
      return {
        why: `${path}, a folder on its path, belongs to another user (uid ${info.uid}), who could replace it`,
        cure: OTHER_FOLDER,
      };
    }
    const who = trust.otherWriters(info);
    if (who !== undefined && !isSticky(info)) {
      return {
        why: `${who} can write to ${path}, a folder on its path, and could replace it`,
        cure: `chmod +t ${path}, or ${OTHER_FOLDER}`,
      };
    }
  }
  for (const { path, info, within } of links) {
    if (trust.otherWriters(within.info) === undefined || trust.owns(info)) continue;
    return { why: `${path} is a symbolic link that belongs to another user (uid ${info.uid})`, cure: OTHER_FOLDER };
  }
  return undefined;
}

/**
 * What is wrong with the folder itself: a user who can put files into it can hold any lock there.
 *
 * @param ownOnly Whether it must belong to this user only. If not, root may own it, or a group share it.
 */
export function objectionTo({ path, info }: Step, ownOnly: boolean, trust: Trust): Objection | undefined {
  if (!info.isDirectory) return { why: "not a folder", cure: OTHER_FOLDER };
  if ((info.mode! & EVERYBODY_WRITES) !== 0) {
    const why = "everybody can write to it";
    // Such a folder must stay open to everybody, and its files may be removed at any time.
    if (PUBLIC_FOLDERS.test(path)) {
      return { why, cure: `use --server file: for a folder of your own, or file:/some/dir` };
    }
    if (!isSticky(info)) return { why, cure: `chmod o-w ${path}, or ${OTHER_FOLDER}` };
    // The sticky bit says that it is open to everybody on purpose.
    return { why, cure: `make a folder of your own in it: mkdir -m 700 ${path}/sera, and --server file:${path}/sera` };
  }
  if (ownOnly && info.uid !== Deno.uid()) {
    return {
      why: `belongs to another user (uid ${info.uid})`,
      cure: `move it away while no sera runs, or ${OTHER_FOLDER}`,
    };
  }
  if (ownOnly && isShared(info)) {
    return { why: "its group can write to it", cure: `chmod g-w ${path}, or ${OTHER_FOLDER}` };
  }
  if (isShared(info) || trust.owns(info)) return undefined;
  return { why: `belongs to another user (uid ${info.uid}), and is not shared by a group`, cure: OTHER_FOLDER };
}

function isSticky({ mode }: Deno.FileInfo): boolean {
  return (mode! & STICKY) !== 0;
}
