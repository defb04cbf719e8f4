import type { Server } from "../config/server.ts";
import { FileBackend } from "./file.ts";
import type { Backend } from "./lock.ts";
import { defaultLockFolder, prepareLockFolder } from "./lock_folder.ts";

/** What a backend may need besides the server's own description. */
export interface BackendOptions {
  /** PEM file with the CA that signed the server's certificate. */
  readonly tlsCa?: string | undefined;
  /** Reads an environment variable. */
  readonly env: (name: string) => string | undefined;
}

/**
 * Makes the backend for a server. A database's is loaded only when asked for: its driver costs more than all the rest.
 *
 * @param name The lock's name.
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
      return new MySqlBackend(server, name, options.tlsCa);
    }
  }
}
