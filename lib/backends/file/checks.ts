import type { LockOptions } from "../backend.ts";
import { type DefaultFolder, defaultLockFolder, lockFolder } from "./default_folder.ts";
import type { Lock } from "../../lock/lock.ts";
import { probeLock } from "../../doctor/probe_lock.ts";
import type { Finding, Report } from "../../doctor/report.ts";

/**
 * Checks that locks can be kept in a folder of this machine.
 *
 * @param folder The one that the setting names; undefined for the default folder.
 * @param open Creates a lock object of that name.
 */
export async function checkFile(
  report: Report,
  folder: string | undefined,
  open: () => Promise<Lock>,
  name: string,
  options: LockOptions,
): Promise<void> {
  const usable = await report.check("folder", async () => {
    await using _ = await open();
    return folder === undefined ? findingOf(defaultLockFolder(options.env)) : { found: folder };
  });
  if (usable) {
    await report.check("lock", async () => {
      try {
        return await probeLock(open, options.allowUnsafeServer);
      } finally {
        // Nobody else knows the name, so nobody waits for this file.
        removeQuietly(`${lockFolder(folder, options.env)}/${name}.lock`);
      }
    });
  }
  report.skipRest(["folder", "lock"]);
}

/** Shows which folder it is and why: only runs with the same folder respect each other's locks. */
function findingOf({ path, from }: DefaultFolder): Finding {
  const place = from === undefined ? path : `${path}, from ${from}`;
  if (from !== "HOME") return { found: `${place}; other users have locks of their own` };
  return {
    found:
      `${place}, since the system has no home directory for this user: sera started with another HOME uses other locks`,
    cure: "name a folder: --server file:/some/dir",
  };
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It may not exist, and an empty file does no harm.
  }
}
