// Starts early: it starts sera often, on every kind of server.

import assert from "node:assert/strict";
import type { TableView } from "./ledger_view.ts";
import { FILE, type StartedTarget, testOn, useTargets, withTables } from "./targets.ts";

const targets = withTables(useTargets()).filter((target) => target !== FILE);

function isPostgres({ server }: StartedTarget): boolean {
  return server.startsWith("postgres:");
}

/** A user who may change rows, and make nothing; on PostgreSQL the rows of tables that are granted. */
async function limitedUser(started: StartedTarget<TableView>): Promise<string> {
  const { server, ledger } = started;
  const accounts = isPostgres(started)
    ? ["CREATE ROLE limited LOGIN PASSWORD 'secret'"]
    : ["127.0.0.1", "localhost"].flatMap((host) => [
      `CREATE USER 'limited'@'${host}' IDENTIFIED BY 'secret'`,
      `GRANT SELECT, INSERT, UPDATE, DELETE ON sera.* TO 'limited'@'${host}'`,
    ]);
  for (const sql of accounts) await ledger.query(sql);
  const limited = server.replace("sera:", "limited:");
  return isPostgres(started) ? limited : limited.replace("/?", "/sera?");
}

for (const target of targets) {
  testOn(
    target,
    `without the right to create the ledger's table on ${target.name} the message's cure works`,
    async () => {
      await using started = await target.start();
      const { place, ledger } = started;
      const env = { SERA_SERVER: await limitedUser(started), SERA_LEDGER_TABLE: undefined };
      const sera = (...args: string[]) => place.sera(args, { env });
      const once = () => sera("--detailed-exit-codes", "--once", "k", "0", "echo", "ran");

      const { code, stdout, stderr } = await once();
      assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
      assert.match(
        stderr,
        /^sera: Cannot use the ledger sera_runs: [^\n]*cannot be created: [^\n]*sera history --schema[^\n]*\n$/,
      );
      assert.doesNotMatch(stderr, /secret/);
      assert.deepEqual(await sera("history"), { code: 0, stdout: "No run has been recorded.\n", stderr: "" });
      // Only the ledger keeps the command from running.
      assert.equal((await sera("0", "true")).code, 0);

      const schema = (await sera("history", "--schema")).stdout;
      const statements = schema.replaceAll(/^--.*\n/gm, "").split(";\n").filter((sql) => sql.trim() !== "");
      if (isPostgres(started)) {
        statements.push("GRANT SELECT, INSERT, UPDATE, DELETE ON sera_runs TO limited");
      } else statements[0] = statements[0]!.replace("`sera_runs`", "sera.`sera_runs`");
      for (const sql of statements) await ledger.query(sql);

      assert.deepEqual(await once(), { code: 0, stdout: "ran\n", stderr: "" });
      assert.deepEqual(await once(), { code: 205, stdout: "", stderr: "" });
      const { stdout: shown } = await sera("history", "--json");
      assert.deepEqual(JSON.parse(shown).runs.map(({ run_id }: { run_id: number }) => run_id), [1]);
    },
  );
}
