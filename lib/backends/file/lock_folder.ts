import { LockUnavailableError, messageOf } from "../../errors.ts";
import { mayBeServer, pathOr } from "../../text/harmless.ts";
import { systemCure } from "../../system/limits.ts";
import { isShared, Trust } from "../../system/trust.ts";
import { objectionTo, objectionToWay } from "./folder_trust.ts";
import { type FollowedPath, followPath } from "../../system/follow_path.ts";

const OTHER_FOLDER = "use another folder: --server file:/some/dir";

/** A folder that locks, or their ledger, may be kept in. */
export interface LockFolder {
  /** An absolute path that leads nowhere else unless somebody whom this user trusts wants it so. */
  readonly path: string;
  /** The group that shares the folder; absent where only its owner, who is trusted, can put files into it. */
  readonly group?: number | undefined;
  /** Whether a file in it may be one of this program's, by its owner. */
  readonly owns: (file: Pick<Deno.FileInfo, "uid" | "gid">) => boolean;
}

/**
 * Makes sure that the folder exists and that nobody but those it belongs to can put files into it, or another folder into
 * its place: whoever could, could hold any lock, or lead root to files elsewhere.
 *
 * @param ownOnly Whether it has to belong to this user alone, as the default folder does. Otherwise it may be root's, or
 * a group may share it.
 * @throws {LockUnavailableError} When it cannot be used.
 */
export function prepareLockFolder(folder: string, ownOnly: boolean): LockFolder {
  try {
    // There are no owners and modes; the folders of a profile are private by their access lists.
    return Deno.build.os === "windows" ? onWindows(folder) : examine(folder, ownOnly);
  } catch (error) {
    throw unusableBy(folder, error);
  }
}

/**
 * Makes sure that there could be a folder for locks, without making it.
 *
 * @throws {LockUnavailableError} When a run could never use it.
 */
export function refuseClosedFolder(folder: string): void {
  try {
    if (Deno.build.os !== "windows") wayTo(folder);
  } catch (error) {
    throw unusableBy(folder, error);
  }
}

function wayTo(folder: string): FollowedPath {
  const way = followPath(folder);
  // Which the runtime would say only later, and in 2.7 after the folder has been made.
  if ([folder, way.end.path].some((path) => /^\/(dev|proc|sys)(\/|$)/.test(path))) {
    throw new Deno.errors.NotCapable();
  }
  return way;
}

function examine(folder: string, ownOnly: boolean): LockFolder {
  let way = wayTo(folder);
  const root = way.folders[0]?.info ?? way.end.info;
  const objectTo = (way: FollowedPath, trust: Trust) => {
    // Whoever can move a user's home decides over that user anyway.
    if (ownOnly && Deno.uid() !== 0) return;
    const objection = objectionToWay(way, trust);
    if (objection) throw unusable(folder, objection.why, objection.cure);
  };
  if (way.missing.length > 0) {
    objectTo(way, new Trust(root));
    make(way);
    way = followPath(folder);
  }
  const { info } = way.end;
  const shared = !ownOnly && isShared(info);
  const trust = new Trust(root, shared ? info : undefined);
  const objection = objectionTo(way.end, ownOnly, trust);
  if (objection) throw unusable(folder, objection.why, objection.cure);
  objectTo(way, trust);
  const group = shared ? info.gid! : undefined;
  return { path: folder, group, owns: (file) => trust.owns(file) || group !== undefined && file.gid === group };
}

/** Makes what is missing, for this user alone, also where the umask would keep the user out. */
function make({ end, missing }: FollowedPath): void {
  let path = end.path === "/" ? "" : end.path;
  for (const name of missing) {
    if (name === "..") throw new Deno.errors.NotFound(`No such file or directory: ${path}`);
    path += `/${name}`;
    try {
      Deno.mkdirSync(path, { mode: 0o700 });
      if ((Deno.lstatSync(path).mode! & 0o700) !== 0o700) Deno.chmodSync(path, 0o700);
    } catch (error) {
      // Another sera may make it at this moment.
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
  // A path may have any characters, but a server may have come behind its `file:`.
  const shown = mayBeServer(folder) ? pathOr(folder) : folder;
  return new LockUnavailableError(`Cannot use the folder: ${shown}: ${why}`, cure);
}
