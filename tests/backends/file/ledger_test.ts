import assert from "node:assert/strict";
import { LockUnavailableError } from "../../../lib/errors.ts";
import { linux, mountNamespace, testWith } from "../../cli/needs.ts";
import { Running } from "../../cli/running.ts";
import { pause } from "../../cli/wait.ts";
import { freshName } from "../open.ts";
import { ledgerContract } from "../../ledger/contract.ts";
import { badRowTests } from "../../ledger/bad_rows.ts";
import { Holder } from "../../ledger/holder.ts";
import { FILE, fileBench } from "../../ledger/places.ts";

const WRITER = [Deno.execPath(), "run", "--quiet", "--no-check", "-A", `${import.meta.dirname}/../../ledger/writer.ts`];

ledgerContract(FILE);
badRowTests(
  FILE,
  [
    { label: "zeroblob(1000000)", host: "X'ff00c3'", user_name: "42" },
    { label: "char(27) || '[31m' || char(10) || char(8238) || char(0) || 'x'" },
    { lock_name: "X'2e2e2f'", outcome: "'running'" },
    { outcome: "X'72756e6e696e67'" },
    { pid: "'many'", session_id: "X'00'", exit_code: "1e300" },
    { version: "'none'", run_key: "X'ff'" },
  ],
  ["'infinity'", "''", "X'ff'", "1e308", "'-4713-01-01'", "'9999-12-31 23:59:60'", "'2026-13-45 99:99:99'"],
);

/** Starts a program that writes when told to. */
function startWriter(server: string, lock: string, before: readonly string[] = []): Running {
  return new Running([...before, ...WRITER, server, lock], { env: Deno.env.toObject(), stdin: "open" });
}

/** The ids that a writer has said this about. */
function said(what: "begun" | "finished", { stdout }: Running): number[] {
  return [...stdout.matchAll(new RegExp(`^${what} (\\d+)\n`, "gm"))].map(([, id]) => Number(id));
}

testWith([linux], "file: two who are killed while they write leave what they were told to be written", async () => {
  for (let folder = 0; folder < 2; folder++) {
    await using bench = await fileBench();
    const locks = [freshName(), freshName()];
    let newest = 0;
    for (let round = 0; round < 5; round++) {
      await using one = startWriter(bench.server, locks[0]!);
      await using other = startWriter(bench.server, locks[1]!);
      const writers = [one, other];
      for (const writer of writers) await writer.says("ready");
      // At the same moment, which in a new folder is a race for making the table.
      for (const writer of writers) await writer.write("\n");
      for (const writer of writers) await writer.says("finished");
      for (const writer of writers) {
        // At a random point in its work, not at the next event.
        await pause(Math.random() * 20);
        writer.kill("SIGKILL");
      }
      for (const writer of writers) await writer.ended;

      assert.deepEqual((await bench.sql("PRAGMA integrity_check")).map(Object.values), [["ok"]]);
      for (const [index, writer] of writers.entries()) {
        await using holder = await Holder.start(bench, locks[index]);
        const [begun, finished] = [said("begun", writer), said("finished", writer)];
        assert.ok(begun[0]! > newest, `run ${begun[0]} after run ${newest}`);
        const left = await holder.ledger.abandon(locks[index]!);
        assert.ok(left.length <= 1, `${left.length} run at a time`);
        const runs = (await holder.ledger.latest(10_000, { lock: locks[index] })).filter(({ id }) => id > newest)
          .reverse();
        const succeeded = runs.filter(({ outcome }) => outcome === "succeeded").map(({ id }) => Number(id));
        assert.deepEqual(succeeded.slice(0, finished.length), finished);
        // It may have been about to say so.
        assert.deepEqual(begun.slice(0, succeeded.length), succeeded);
        assert.ok(succeeded.length <= finished.length + 1);
      }
      await using holder = await Holder.start(bench);
      const started = Number(await holder.started());
      assert.ok(started > Math.max(...said("begun", one), ...said("begun", other)));
      newest = started;
    }
  }
});

testWith([mountNamespace], "file: a full disk ends in one line", async () => {
  await using bench = await fileBench();
  const script = 'mount -t tmpfs -o size=160k,mode=700 tmpfs "$0" && exec "$@"';
  await using writer = startWriter(bench.server, freshName(), ["unshare", "--mount", "sh", "-c", script, bench.folder]);
  await writer.says("ready");
  await writer.write("\n");
  const { code, stdout } = await writer.ended;
  assert.equal(code, 0);
  assert.ok(said("finished", writer).length > 10);
  const failure = stdout.slice(stdout.indexOf("failed: "));
  assert.match(
    failure,
    /^failed: Cannot use the ledger \S+\/ledger\.sqlite: database or disk is full; free some space there\n$/,
  );
});

Deno.test("file: a file that is not a ledger is an error in one line", async () => {
  await using bench = await fileBench();
  const fails = async (message: RegExp) => {
    const begin = async () => {
      await using holder = await Holder.start(bench);
      await holder.begin();
    };
    await assert.rejects(begin, (error) => {
      assert.ok(error instanceof LockUnavailableError, `${error}`);
      assert.match(error.message, /^Cannot use the ledger \S+\/ledger\.sqlite: [^\n]+$/);
      assert.match(error.message, message);
      return true;
    });
  };
  await Deno.writeTextFile(bench.path, "this is no database\n".repeat(1000));
  await fails(/file is not a database; restore it, or move it away to start afresh$/);
  await Deno.remove(bench.path);
  await Deno.mkdir(bench.path);
  await fails(/directory/);
});

testWith([linux], "file: nobody but the user and the group can read or write the ledger", async () => {
  const before = Deno.umask(0);
  try {
    await using bench = await fileBench();
    await Deno.chmod(bench.folder, 0o750);
    await using holder = await Holder.start(bench);
    await holder.ran("succeeded");
    for (const { name } of Deno.readDirSync(bench.folder)) {
      assert.equal(Deno.statSync(`${bench.folder}/${name}`).mode! & 0o777 & ~0o660, 0, name);
    }
  } finally {
    Deno.umask(before);
  }
});
