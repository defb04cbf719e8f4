import type { Server } from "../settings/server.ts";
import type { LockUnavailableError } from "../errors.ts";
import { defaultLockFolder } from "./file/default_folder.ts";
import { FileBackend } from "./file/lock.ts";
import type { LeaseTerms } from "../lock/lease.ts";
import type { Backend } from "../lock/lock.ts";
import { prepareLockFolder } from "./file/lock_folder.ts";
import type { Presence } from "./sql/presence.ts";

/** What a backend may need besides the server's own description. */
export interface BackendOptions {
  /** PEM file with the CA that signed the server's certificate. */
  readonly tlsCa?: string | undefined;
  readonly lease: LeaseTerms;
  /** Whether to lock also where a lock does not exclude everybody. */
  readonly allowUnsafeServer: boolean;
  /** Told of what is wrong before each further try. */
  readonly retrying: (why: LockUnavailableError) => void;
  /** What a server may show of the command: never its words but the first, for they may hold secrets. */
  readonly label: string;
  /** Of a namespaced lock, what others may see of its names. */
  readonly names?: Pick<Presence, "namespace" | "name"> | undefined;
  /** Reads an environment variable. */
  readonly env: (name: string) => string | undefined;
}

/**
 * Makes the backend for a server. A database's is loaded only when asked for: its driver costs more than all the rest.
 *
 * @param name The lock's name, from `lockName()`, or for PostgreSQL from `namespacedName()`.
 * @throws {LockUnavailableError} When it cannot be used.
 */
export async function openBackend(server: Server, name: string, options: BackendOptions): Promise<Backend> {
  const presence = { lock: name, host: Deno.hostname(), pid: Deno.pid, label: options.label, ...options.names };
  switch (server.kind) {
    case "file": {
      const folder = server.folder ?? defaultLockFolder(options.env).path;
      return new FileBackend(prepareLockFolder(folder, server.folder === undefined), presence, options.lease);
    }
    case "mysql": {
      const { MySqlBackend } = await import("./mysql/lock.ts");
      return new MySqlBackend(server, { ...options, presence });
    }
    case "postgres": {
      const { PostgresBackend } = await import("./postgres/lock.ts");
      return new PostgresBackend(server, { ...options, presence });
    }
  }
}
