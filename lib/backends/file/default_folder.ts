import { systemUser } from "../../system/user.ts";
import { LockUnavailableError } from "../../errors.ts";

/** A folder that nobody has named. */
export interface DefaultFolder {
  readonly path: string;
  /** What it was derived from, if not from the user's id alone. */
  readonly from?: "the system's entry of the user" | "HOME" | "LOCALAPPDATA" | undefined;
}

/**
 * The folder for `file:` without a path: the user's own, and the same one whatever started sera, since seras in two
 * folders do not exclude each other. So nothing counts that a login has and cron has not, or has in another way: neither
 * XDG_RUNTIME_DIR nor XDG_STATE_HOME, and HOME only for a user for whom the system knows no home that is there.
 *
 * @param env Reads an environment variable.
 * @throws {LockUnavailableError} When nothing tells where the user's files belong.
 */
export function defaultLockFolder(env: (name: string) => string | undefined): DefaultFolder {
  if (Deno.build.os === "windows") {
    return { path: `${required(env, "LOCALAPPDATA")}\\sera`, from: "LOCALAPPDATA" };
  }
  // Emptied at every boot, as locks should be; other systems have kept /var/run where Linux has /run.
  if (Deno.uid() === 0) return { path: Deno.build.os === "linux" ? "/run/sera" : "/var/run/sera" };
  const known = systemUser()?.homedir;
  if (known?.startsWith("/") && isThere(known)) return { path: below(known), from: "the system's entry of the user" };
  return { path: below(required(env, "HOME")), from: "HOME" };
}

/**
 * The folder for the ledger of `file:` without a path: that of the locks, unless a boot empties it, since what has run
 * once is to be known for ever.
 *
 * @param env Reads an environment variable.
 * @throws {LockUnavailableError} When nothing tells where the user's files belong.
 */
export function defaultLedgerFolder(env: (name: string) => string | undefined): DefaultFolder {
  if (Deno.build.os === "windows" || Deno.uid() !== 0) return defaultLockFolder(env);
  return { path: Deno.build.os === "linux" ? "/var/lib/sera" : "/var/db/sera" };
}

/**
 * The folder that locks are in.
 *
 * @param named The one that the setting names, if it does.
 * @param env Reads an environment variable.
 * @throws {LockUnavailableError} When nothing tells where the user's files belong.
 */
export function lockFolder(named: string | undefined, env: (name: string) => string | undefined): string {
  return named ?? defaultLockFolder(env).path;
}

/** Users of services have a home such as /nonexistent. */
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
  // A relative one would be another folder in every working directory.
  if (value && (Deno.build.os === "windows" || value.startsWith("/"))) return value;
  const wrong = value ? `${name} is no absolute path: ${value}` : `${name} is not set`;
  throw new LockUnavailableError(
    `Cannot tell where the locks belong: ${wrong}`,
    "set it, or name a folder with --server file:/some/dir",
  );
}
