import type { Server } from "../settings/server.ts";
import { UnfitServerError } from "../errors.ts";
import { isThere } from "../system/if_there.ts";
import { defaultLockFolder } from "../backends/file/default_folder.ts";
import type { Backend } from "../lock/lock.ts";
import { prepareLockFolder, refuseClosedFolder } from "../backends/file/lock_folder.ts";
import { type BackendOptions, openBackend } from "../backends/registry.ts";

/** A place to look from, which may be none to lock on. Dispose of it. */
export interface Lookout extends AsyncDisposable {
  readonly backend: Pick<Backend, "session">;
  /** Which locks cannot be seen from here since they are another server's, and what to do; undefined if none. */
  readonly elsewhere: string | undefined;
}

/**
 * Connects to a server to look only: a server that a run would refuse, for it is read-only, a standby, or one of several
 * that each keep their own locks, is good enough. Of several hosts one that a run would take comes first.
 *
 * A folder that no run has made yet is left so: it has no locks.
 *
 * @throws {LockUnavailableError} When the server cannot be asked, or a run would not use the folder.
 */
export async function openLookout(
  server: Server,
  lock: string,
  options: BackendOptions,
  signal: AbortSignal,
): Promise<Lookout> {
  if (server.kind === "file") {
    const folder = server.folder ?? defaultLockFolder(options.env).path;
    if (isThere(folder)) prepareLockFolder(folder, server.folder === undefined);
    else refuseClosedFolder(folder);
    return {
      backend: { session: () => Promise.resolve(undefined) },
      elsewhere: undefined,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  let backend = await openBackend(server, lock, options);
  try {
    try {
      await backend.session(signal);
    } catch (error) {
      if (!(error instanceof UnfitServerError)) throw error;
      const anyHost = server.kind === "postgres" ? { ...server, targetSessionAttrs: "any" as const } : server;
      backend = await openBackend(anyHost, lock, { ...options, allowUnsafeServer: true });
      if (await isPooled(backend, server, signal)) throw error;
    }
    const elsewhere = await whatIsElsewhere(backend, server, signal);
    return { backend, elsewhere, [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose]() };
  } catch (error) {
    await backend[Symbol.asyncDispose]();
    throw error;
  }
}

/** Through a pooler that a run refuses each statement may be answered by another session. */
async function isPooled(backend: Backend, server: Server, signal: AbortSignal): Promise<boolean> {
  if (server.kind !== "postgres") return false;
  const { PostgresSession } = await import("../backends/postgres/session.ts");
  const session = await backend.session(signal);
  return session instanceof PostgresSession && session.pooled;
}

async function whatIsElsewhere(backend: Backend, server: Server, signal: AbortSignal): Promise<string | undefined> {
  const session = (await backend.session(signal))!;
  if (server.kind === "postgres") {
    return await (await import("../backends/postgres/elsewhere.ts")).whatIsElsewhere(session, signal);
  }
  return await (await import("../backends/mysql/replication.ts")).whatIsElsewhere(session, signal);
}
