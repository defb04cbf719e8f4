import { ifPossible } from "./leftovers.ts";

/** What the names of all such folders begin with. */
const PREFIX = "sera-ledger-";

/**
 * Makes a private temporary folder for a copy of a shared ledger. Call this while the ledger is locked.
 *
 * @param lock The path of the file that is locked for it.
 * @param clean Whether to remove first what this user's killed seras have left, as far as possible.
 * @returns The folder's path.
 * @throws {Error} The system's, when it cannot.
 */
export function makeCopyFolder(lock: string, clean: boolean): string {
  const { dev, ino } = Deno.lstatSync(lock);
  // Machines may share the temporary folder, and on clones another ledger has the same numbers. A host's name has no hyphen
  // here, so that none of these names is the beginning of another.
  const prefix = `${PREFIX}${Deno.hostname().replace(/\W/g, "_")}-${dev}-${ino}-`;
  const made = Deno.makeTempDirSync({ prefix });
  // The umask may have removed permissions.
  Deno.chmodSync(made, 0o700);
  if (clean) removeLeft(made, prefix);
  return made;
}

/** Removes the other folders for the same ledger: since that is locked, nobody works in them any more. */
function removeLeft(made: string, prefix: string): void {
  const end = made.lastIndexOf("/");
  const parent = made.slice(0, end) || "/";
  for (const { name } of ifPossible(() => [...Deno.readDirSync(parent)]) ?? []) {
    if (!name.startsWith(prefix) || name === made.slice(end + 1)) continue;
    ifPossible(() => {
      const path = `${parent}/${name}`;
      const { isDirectory, uid } = Deno.lstatSync(path);
      if (isDirectory && uid === Deno.uid()) Deno.removeSync(path, { recursive: true });
    });
  }
}
