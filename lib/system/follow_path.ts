import { lstatIfThere } from "./if_there.ts";

/** A folder or a symbolic link that a path leads through. */
export interface Step {
  readonly path: string;
  readonly info: Deno.FileInfo;
}

/** All that decides where a path leads. */
export interface FollowedPath {
  /** Each folder in which a name was looked up, from the root on. */
  readonly folders: readonly Step[];
  /** Each symbolic link that was followed, and the folder that it is in. */
  readonly links: readonly (Step & { readonly within: Step })[];
  /** Where it ends, or where the first missing name belongs. */
  readonly end: Step;
  /** The names that are missing below the end, none if all are there. */
  readonly missing: readonly string[];
}

/** As Linux has it, see path_resolution(7). */
const MOST_LINKS = 40;

/**
 * Goes to a path name by name, as the kernel does, so that each folder and link on the way can be judged.
 *
 * @param path An absolute path, not of Windows.
 * @throws {Error} The system's, when it cannot be followed.
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
    if (links.length > MOST_LINKS) throw new Error("too many symbolic links");
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
