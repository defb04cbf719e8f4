import type { Server } from "../config/server.ts";
import { applicationName } from "./application_name.ts";
import type { LockUnavailableError } from "../errors.ts";
import { FileBackend } from "./file.ts";
import type { LeaseTerms } from "./lease.ts";
import type { Backend } from "./lock.ts";
import { defaultLockFolder, prepareLockFolder } from "./lock_folder.ts";

/** What a backend may need besides the server's own description. */
export interface BackendOptions {
  /** PEM file with the CA that signed the server's certificate. */
  readonly tlsCa?: string | undefined;
  readonly lease: LeaseTerms;
  /** Whether to lock also where a lock does not exclude everybody. */
  readonly allowUnsafeServer: boolean;
  /** Told of what is wrong before each further try. */
  readonly retrying: (why: LockUnavailableError) => void;
  /** The command's first word, which a server may show. */
  readonly command: string;
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
  switch (server.kind) {
    case "file": {
      const folder = server.folder ?? defaultLockFolder(options.env);
      prepareLockFolder(folder, server.folder === undefined);
      return new FileBackend(folder, name);
    }
    case "mysql": {
      const { MySqlBackend } = await import("./mysql.ts");
      return new MySqlBackend(server, name, options);
    }
    case "postgres": {
      const { PostgresBackend } = await import("./postgres.ts");
      return new PostgresBackend(server, name, {
        ...options,
        applicationName: applicationName(Deno.hostname(), Deno.pid, options.command),
      });
    }
  }
}
