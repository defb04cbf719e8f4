import { LockUnavailableError, messageOf } from "../../errors.ts";
import { mayBeServer, pathOr } from "../../text/redaction.ts";
import { systemCure } from "../../system/limits.ts";
import { isShared, Trust } from "../../system/trust.ts";
import { giveFolder, objectionTo, objectionToPath, OTHER_FOLDER } from "./folder_trust.ts";
import { type FollowedPath, followPath } from "../../system/follow_path.ts";

/** A folder for locks, or for their ledger. */
export interface LockFolder {
  /** An absolute path, which only trusted users can make lead elsewhere. */
  readonly path: string;
  /** The group that shares the folder; absent if only its owner, who is trusted, can put files into it. */
  readonly group?: number | undefined;
  /** Whether a file in it has an owner or group from which sera accepts files. */
  readonly owns: (file: Pick<Deno.FileInfo, "uid" | "gid">) => boolean;
  /**
   * Creates the folder again if somebody has removed it. Absent if a group shares it: then only whoever set it up can.
   *
   * @throws {LockUnavailableError} When it cannot be used.
   */
  readonly restore?: (() => void) | undefined;
}

/**
 * Creates the folder if it is missing, and makes sure that only its owner or group can put files into it or replace it.
 * Others could hold any lock, or make root write to files elsewhere.
 *
 * @param ownOnly Whether it must belong to this user only, as the default folder must. If not, it may be root's, or a
 * group may share it.
 * @throws {LockUnavailableError} When it cannot be used.
 */
export function prepareLockFolder(folder: string, ownOnly: boolean): LockFolder {
  try {
    // Windows has no owners and modes; access control lists make the folders of a user profile private.
    return Deno.build.os === "windows" ? onWindows(folder) : examine(folder, ownOnly);
  } catch (error) {
    throw unusableBy(folder, error);
  }
}

/**
 * Makes sure that a folder could be used for locks, without creating it.
 *
 * @throws {LockUnavailableError} When a run could never use it.
 */
export function refuseClosedFolder(folder: string): void {
  try {
    if (Deno.build.os !== "windows") checkedPath(folder);
  } catch (error) {
    throw unusableBy(folder, error);
  }
}

function checkedPath(folder: string): FollowedPath {
  const way = followPath(folder);
  // The runtime refuses these too, but later: Deno 2.7 only after the folder was created.
  if ([folder, way.end.path].some((path) => /^\/(dev|proc|sys)(\/|$)/.test(path))) {
    throw new Deno.errors.NotCapable();
  }
  return way;
}

function examine(folder: string, ownOnly: boolean): LockFolder {
  let way = checkedPath(folder);
  const root = way.folders[0]?.info ?? way.end.info;
  const objectTo = (way: FollowedPath, trust: Trust) => {
    // Whoever can replace the user's home directory controls the user anyway.
    if (ownOnly && Deno.uid() !== 0) return;
    const objection = objectionToPath(way, trust);
    if (objection) throw unusable(folder, objection.why, objection.cure);
  };
  if (way.missing.length > 0) {
    objectTo(way, new Trust(root));
    try {
      create(way);
    } catch (error) {
      if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
      throw unusable(folder, "it does not exist, and this user may not create it", giveFolder(shownFolder(folder)));
    }
    way = followPath(folder);
  }
  const { info } = way.end;
  const shared = !ownOnly && isShared(info);
  const trust = new Trust(root, shared ? info : undefined);
  const objection = objectionTo(way.end, ownOnly, trust);
  if (objection) throw unusable(folder, objection.why, objection.cure);
  objectTo(way, trust);
  const group = shared ? info.gid! : undefined;
  return {
    path: folder,
    group,
    owns: (file) => trust.owns(file) || group !== undefined && file.gid === group,
    restore: group === undefined ? () => void prepareLockFolder(folder, ownOnly) : undefined,
  };
}

/** Creates missing folders for this user only, with all rights for the user, whatever the umask. */
function create({ end, missing }: FollowedPath): void {
  let path = end.path === "/" ? "" : end.path;
  for (const name of missing) {
    if (name === "..") throw new Deno.errors.NotFound(`No such file or directory: ${path}`);
    path += `/${name}`;
    try {
      Deno.mkdirSync(path, { mode: 0o700 });
      if ((Deno.lstatSync(path).mode! & 0o700) !== 0o700) Deno.chmodSync(path, 0o700);
    } catch (error) {
      // Another sera may have just created it.
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
}

function onWindows(folder: string): LockFolder {
  try {
    if (!Deno.statSync(folder).isDirectory) throw unusable(folder, "not a folder", "use another folder");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    Deno.mkdirSync(folder, { recursive: true });
  }
  return { path: folder, owns: () => true };
}

function unusableBy(folder: string, error: unknown): unknown {
  if (error instanceof LockUnavailableError || !(error instanceof Error)) return error;
  return unusable(
    folder,
    messageOf(error),
    systemCure(error) ?? (error instanceof Deno.errors.NotCapable ? OTHER_FOLDER : `fix that, or ${OTHER_FOLDER}`),
  );
}

function unusable(folder: string, why: string, cure: string): LockUnavailableError {
  return new LockUnavailableError(`Cannot use the folder: ${shownFolder(folder)}: ${why}`, cure);
}

function shownFolder(folder: string): string {
  // Somebody may have written a server with a password after `file:` by mistake.
  return mayBeServer(folder) ? pathOr(folder) : folder;
}
