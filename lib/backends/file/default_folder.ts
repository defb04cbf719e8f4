import { systemUser } from "../../system/user.ts";
import { LockUnavailableError } from "../../errors.ts";

/** The folder for `file:` without a path. */
export interface DefaultFolder {
  readonly path: string;
  /** What it was derived from; undefined if from the user's ID alone. */
  readonly from?: "the system's entry of the user" | "HOME" | "LOCALAPPDATA" | undefined;
}

/**
 * The folder for locks of `file:` without a path. It is the user's own, and the same whatever started sera, since locks in
 * different folders are different locks. So nothing is used that differs between a login and cron: neither XDG_RUNTIME_DIR
 * nor XDG_STATE_HOME, and HOME only if the system knows no existing home of the user.
 *
 * @param env Reads an environment variable.
 * @throws {LockUnavailableError} When it cannot be derived from anything.
 */
export function defaultLockFolder(env: (name: string) => string | undefined): DefaultFolder {
  if (Deno.build.os === "windows") {
    return { path: `${required(env, "LOCALAPPDATA")}\\sera`, from: "LOCALAPPDATA" };
  }
  // Emptied at every boot, as locks should be. Systems other than Linux still have /var/run.
  if (Deno.uid() === 0) return { path: Deno.build.os === "linux" ? "/run/sera" : "/var/run/sera" };
  const known = systemUser()?.homedir;
  if (known?.startsWith("/") && isThere(known)) return { path: below(known), from: "the system's entry of the user" };
  return { path: below(required(env, "HOME")), from: "HOME" };
}

/**
 * The folder for the ledger of `file:` without a path: that of the locks, unless it is emptied at boot, since runs with
 * `--once` are remembered forever.
 *
 * @param env Reads an environment variable.
 * @throws {LockUnavailableError} When it cannot be derived from anything.
 */
export function defaultLedgerFolder(env: (name: string) => string | undefined): DefaultFolder {
  if (Deno.build.os === "windows" || Deno.uid() !== 0) return defaultLockFolder(env);
  return { path: Deno.build.os === "linux" ? "/var/lib/sera" : "/var/db/sera" };
}

/**
 * The folder for locks.
 *
 * @param named The one that the setting names; undefined for the default folder.
 * @param env Reads an environment variable.
 * @throws {LockUnavailableError} When it cannot be derived from anything.
 */
export function lockFolder(named: string | undefined, env: (name: string) => string | undefined): string {
  return named ?? defaultLockFolder(env).path;
}

/** Service users may have a home such as /nonexistent. */
function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound);
  }
}

function below(home: string): string {
  return `${home === "/" ? "" : home.replace(/\/+$/, "")}/.local/state/sera`;
}

function required(env: (name: string) => string | undefined, name: string): string {
  const value = env(name);
  // A relative path would be a different folder in every working directory.
  if (value && (Deno.build.os === "windows" || value.startsWith("/"))) return value;
  const wrong = value ? `${name} is not an absolute path: ${value}` : `${name} is not set`;
  throw new LockUnavailableError(
    `Cannot tell where to keep the locks: ${wrong}`,
    "set it, or name a folder with --server file:/some/dir",
  );
}
