import type { FileServer } from "../config/server.ts";
import { defaultLockFolder } from "../lock/lock_folder.ts";
import { type BackendOptions, openBackend } from "../lock/open_backend.ts";
import { probeLock } from "./probe_lock.ts";
import type { Report } from "./report.ts";

/** Checks that locks can be kept in a folder of this machine. */
export async function checkFile(
  report: Report,
  server: FileServer,
  name: string,
  options: BackendOptions,
): Promise<void> {
  const open = () => openBackend(server, name, options);
  const usable = await report.check("folder", async () => {
    await using _ = await open();
    return { found: server.folder ?? defaultLockFolder(options.env) };
  });
  if (usable) {
    await report.check("lock", async () => {
      try {
        return await probeLock(open, options.allowUnsafeServer);
      } finally {
        // Nobody else knows the name, so nobody can be waiting for this file.
        removeQuietly(`${server.folder ?? defaultLockFolder(options.env)}/${name}.lock`);
      }
    });
  }
  report.skipRest(["folder", "lock"]);
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // There is none where it could not be made, and an empty file does no harm.
  }
}
