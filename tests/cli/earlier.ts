/** Earlier versions of sera, taken from the history of this checkout. */

import { PERMISSIONS } from "./program.ts";
import { cacheOfDeno } from "./program.ts";
import type { Need } from "./needs.ts";
import { forThisFile } from "../servers/for_this_file.ts";
import { ROOT } from "../../scripts/root.ts";

/** An earlier version, whose sources are there for the tests of one file. */
export interface Earlier {
  readonly name: string;
  /** Why it cannot be had, if so. */
  readonly need: Need;
  /** The words that start it, for a command that has `variables` in its environment. */
  words(): readonly string[];
}

/** Needed by sera from sources, but not by a compiled one. */
export const variables = cacheOfDeno();

/** The first release. Its ledger is as today's; it knows neither leases nor etcd. */
export function useFirstRelease(): Earlier {
  // Where the tag is missing: the last commit before the changelog began to collect what came after that release.
  return useEarlier("0.1.0", "refs/tags/v0.1.0", ["-S## [Unreleased]", "--", "CHANGELOG.md"]);
}

/** The last version that knows leases and etcd, and a lock for one holder only. */
export function useBeforeSlots(): Earlier {
  return useEarlier("before slots", undefined, ["--diff-filter=A", "--", "lib/lock/slot_name.ts"]);
}

/**
 * @param tag Names the version's commit, if it is there.
 * @param next Arguments of git log(1) that find the first commit after it.
 */
function useEarlier(name: string, tag: string | undefined, next: readonly string[]): Earlier {
  const commit = (tag && git("rev-parse", "--verify", "--quiet", `${tag}^{commit}`)) ?? before(next);
  const need = commit === undefined ? `the history of this checkout does not go back to it: ${name}` : undefined;
  const folder = forThisFile(need, () => extract(commit!));
  return {
    name,
    need,
    words: () => {
      const { path } = folder();
      const start = [Deno.execPath(), "run", "--quiet", "--config", `${path}/deno.json`, ...PERMISSIONS];
      return [...start, `${path}/main.ts`];
    },
  };
}

/** The parent of the first commit that git log(1) finds; undefined if missing, as in a shallow clone. */
function before(search: readonly string[]): string | undefined {
  const [first] = git("log", "--format=%H", "--reverse", ...search)?.split("\n") ?? [];
  return first && git("rev-parse", "--verify", "--quiet", `${first}^`);
}

/** git's output; undefined if it fails, prints nothing or is missing. */
function git(...args: string[]): string | undefined {
  try {
    const { success, stdout } = new Deno.Command("git", { args: ["-C", ROOT, ...args], stderr: "null" }).outputSync();
    return (success && new TextDecoder().decode(stdout).trim()) || undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Writes the sources of a commit into a folder of their own. They use the packages of this checkout. */
async function extract(commit: string) {
  const path = await Deno.makeTempDir({ prefix: "sera-earlier-" });
  const script = 'git -C "$1" archive "$2" main.ts lib deno.json deno.lock | tar -x -C "$3"';
  const { success, stderr } = await new Deno.Command("sh", { args: ["-c", script, "sh", ROOT, commit, path] }).output();
  if (!success) throw new Error(`cannot extract ${commit}: ${new TextDecoder().decode(stderr)}`);
  await Deno.symlink(`${ROOT}/node_modules`, `${path}/node_modules`);
  return { path, stop: () => Deno.remove(path, { recursive: true }) };
}
