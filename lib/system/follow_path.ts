import { lstatIfThere } from "./if_there.ts";

/** A folder or a symbolic link that a path leads through. */
export interface Step {
  readonly path: string;
  readonly info: Deno.FileInfo;
}

/** Where a path leads, and everything that decides it. */
export interface FollowedPath {
  /** Each folder in which a name was looked up, starting with the root. */
  readonly folders: readonly Step[];
  /** Each symbolic link that was followed, and the folder that it is in. */
  readonly links: readonly (Step & { readonly within: Step })[];
  /** The end of the path, or the folder in which a name was not found. */
  readonly end: Step;
  /** The names below `end` that do not exist; empty if the whole path exists. */
  readonly missing: readonly string[];
}

/** The limit on Linux, see path_resolution(7). */
const MAX_LINKS = 40;

/**
 * Follows a path name by name, as the kernel does, so that each folder and link on the way can be checked.
 *
 * @param path An absolute path; not on Windows.
 * @throws {Error} The system's error if the path cannot be followed.
 */
export function followPath(path: string): FollowedPath {
  const root: Step = { path: "/", info: Deno.lstatSync("/") };
  const folders: Step[] = [];
  const links: (Step & { within: Step })[] = [];
  const above: Step[] = [];
  const names = namesOf(path);
  let end = root;
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    if (name === "..") {
      end = above.pop() ?? root;
      continue;
    }
    folders.push(end);
    const next = end.path === "/" ? `/${name}` : `${end.path}/${name}`;
    const info = lstatIfThere(next);
    if (!info) return { folders, links, end, missing: [name, ...names] };
    if (!info.isSymlink) {
      above.push(end);
      end = { path: next, info };
      continue;
    }
    links.push({ path: next, info, within: end });
    if (links.length > MAX_LINKS) throw new Error("too many symbolic links");
    const target = Deno.readLinkSync(next);
    names.unshift(...namesOf(target));
    if (target.startsWith("/")) {
      above.length = 0;
      end = root;
    }
  }
  return { folders, links, end, missing: [] };
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}
