/** A private PostgreSQL, from the programs of the system: version 15 on Debian 12, the system's own on others. */

import { type PostgresOptions, type PostgresRecipe, type PostgresServer, startServer } from "./postgres_process.ts";
import { isFile } from "./tool.ts";
import { unprivilegedUnavailable } from "./unprivileged.ts";

/** Where Debian and its relatives have the programs of each version. */
const VERSIONS = "/usr/lib/postgresql";

const programs = findPrograms();

/** Why {@linkcode startSystemPostgres} cannot work here, if so. */
export const systemPostgresUnavailable: string | undefined = programs
  ? unprivilegedUnavailable
  : `PostgreSQL was not found in ${VERSIONS}: scripts/test installs it`;

/** Starts a private PostgreSQL, and resolves when it answers. */
export async function startSystemPostgres(options?: PostgresOptions): Promise<PostgresServer> {
  return await startServer(systemRecipe(), options);
}

/** How the server of {@linkcode startSystemPostgres} is started. */
export function systemRecipe(): PostgresRecipe {
  if (!programs || systemPostgresUnavailable) throw new Error(systemPostgresUnavailable);
  return { kind: "system", programs, args: [] };
}

/** The folder with the programs of the newest version. */
function findPrograms(): string | undefined {
  if (Deno.build.os !== "linux") return undefined;
  try {
    const versions = [...Deno.readDirSync(VERSIONS)].map(({ name }) => Number(name)).filter((version) => version > 0);
    return versions.sort((a, b) => b - a).map((version) => `${VERSIONS}/${version}/bin`)
      .find((folder) => isFile(`${folder}/postgres`) && isFile(`${folder}/initdb`));
  } catch {
    return undefined;
  }
}
