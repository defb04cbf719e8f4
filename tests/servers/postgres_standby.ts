/** A hot standby: a PostgreSQL that replicates another one and answers queries. */

import pg from "pg";
import { recipe18 } from "./postgres18.ts";
import { type PostgresServer, startServer } from "./postgres_process.ts";
import { systemRecipe } from "./postgres_system.ts";
import { runTool } from "./tool.ts";

/** A standby, with the same accounts and data as its primary. */
export interface PostgresStandby extends PostgresServer {
  /** Makes it a primary of its own; resolves when it takes writes. */
  promote(): Promise<void>;
}

/** Starts a standby of a running server, and resolves when changes stream to it. They may be stopped in any order. */
export async function startStandby(primary: PostgresServer): Promise<PostgresStandby> {
  const recipe = primary.kind === "18" ? await recipe18() : systemRecipe();
  const source = `host=${primary.socketFolder} port=${primary.port} user=postgres`;
  const args = [...recipe.args, `--primary-conninfo=${source}`];
  const standby = await startServer({ ...recipe, args }, {}, (dataFolder) => backUp(primary, dataFolder));
  try {
    await streams(standby);
  } catch (error) {
    await standby.stop();
    throw error;
  }
  return Object.assign(standby, {
    async promote() {
      const [row] = await standby.query("SELECT pg_promote() AS promoted");
      if (row?.promoted !== true) throw new Error(`the standby was not promoted\n${await standby.log()}`);
    },
  });
}

/** Copies the data of a running server. The npm package has no pg_basebackup. */
async function backUp(primary: PostgresServer, dataFolder: string): Promise<void> {
  const { socketFolder: host, port } = primary;
  // A backup belongs to the session that starts it.
  const client = new pg.Client({ host, port, user: "postgres", database: "postgres", ssl: false });
  await client.connect();
  try {
    await client.query("SELECT pg_backup_start('standby', true)");
    await runTool("cp", ["-R", `${primary.folder}/data`, dataFolder]);
    const { rows: [label] } = await client.query("SELECT labelfile FROM pg_backup_stop(false)");
    await Deno.writeTextFile(`${dataFolder}/backup_label`, label.labelfile);
    await Deno.writeTextFile(`${dataFolder}/standby.signal`, "");
    await Deno.remove(`${dataFolder}/postmaster.pid`);
  } finally {
    await client.end();
  }
}

async function streams(standby: PostgresServer): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const [row] = await standby.query("SELECT status FROM pg_stat_wal_receiver");
    if (row?.status === "streaming") return;
    if (Date.now() > deadline) throw new Error(`the standby gets no changes\n${await standby.log()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
