import { LockUnavailableError, messageOf } from "../errors.ts";

/**
 * The folder for `file:` without a path: the user's own, and the same one whatever started sera. That is why
 * XDG_RUNTIME_DIR is not considered: a login has it and cron has not, so the two would not exclude each other.
 *
 * @param env Reads an environment variable.
 * @throws {LockUnavailableError} When the environment does not tell where the user's files belong.
 */
export function defaultLockFolder(env: (name: string) => string | undefined): string {
  if (Deno.build.os === "windows") return `${required(env, "LOCALAPPDATA")}\\sera`;
  // Emptied at every boot, as locks should be; other systems have kept /var/run where Linux has /run.
  if (Deno.uid() === 0) return Deno.build.os === "linux" ? "/run/sera" : "/var/run/sera";
  const state = env("XDG_STATE_HOME");
  // The specification has relative paths ignored: they would be another folder in every working directory.
  return `${state?.startsWith("/") ? state : `${required(env, "HOME")}/.local/state`}/sera`;
}

/**
 * The folder for the ledger of `file:` without a path: that of the locks, unless a boot empties it, since what has run
 * once is to be known for ever.
 *
 * @param env Reads an environment variable.
 * @throws {LockUnavailableError} When the environment does not tell where the user's files belong.
 */
export function defaultLedgerFolder(env: (name: string) => string | undefined): string {
  if (Deno.build.os === "windows" || Deno.uid() !== 0) return defaultLockFolder(env);
  return Deno.build.os === "linux" ? "/var/lib/sera" : "/var/db/sera";
}

function required(env: (name: string) => string | undefined, name: string): string {
  const value = env(name);
  if (value) return value;
  throw new LockUnavailableError(
    `Cannot tell where the locks belong: ${name} is not set; set it, or name a folder with --server file:/some/dir`,
  );
}

/**
 * Makes sure that the folder exists and that nobody but those it belongs to can put files into it: whoever could, could
 * hold any lock, or lead root to open a file elsewhere through a symbolic link.
 *
 * @param ownOnly Whether it has to belong to this user alone, as the default folder does. Otherwise a group may share it.
 * @throws {LockUnavailableError} When it cannot be used.
 */
export function prepareLockFolder(folder: string, ownOnly: boolean): void {
  const info = statOrCreate(folder);
  if (!info.isDirectory) throw unusable(folder, "not a folder");
  // Windows keeps neither owner nor mode here; its profile folders are private by their access lists.
  if (info.mode === null || info.uid === null) return;
  if (ownOnly && info.uid !== Deno.uid()) throw unusable(folder, "belongs to another user; give it to this user");
  if (ownOnly && (info.mode & 0o020) !== 0) {
    throw unusable(folder, "its group can write to it; take that away: chmod g-w");
  }
  if ((info.mode & 0o002) !== 0) throw unusable(folder, "everybody can write to it; take that away: chmod o-w");
}

function statOrCreate(folder: string): Deno.FileInfo {
  try {
    try {
      return Deno.statSync(folder);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
      return Deno.statSync(folder);
    }
  } catch (error) {
    throw unusable(folder, messageOf(error));
  }
}

function unusable(folder: string, why: string): LockUnavailableError {
  return new LockUnavailableError(
    `Cannot use the folder: ${folder}: ${why}; mend that, or name another one: --server file:/some/dir`,
  );
}
