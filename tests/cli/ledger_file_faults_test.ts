/** A ledger in a file that does not take what sera writes, that is another program's, or that lies ahead of the clock. */

import assert from "node:assert/strict";
import { ledgerInFile } from "./ledger_view.ts";
import { linux, testWith } from "./needs.ts";
import { Place } from "./place.ts";

const ONCE = ["--name", "n", "--once", "k"];
const RUN = [...ONCE, "0", "echo", "ran"];

/** A place with a ledger, in which there is one run, of another key. */
async function placeWithRun() {
  const place = await Place.make();
  assert.equal((await place.sera(["--name", "n", "--once", "other", "0", "true"])).code, 0);
  const { query } = ledgerInFile(`${place.locks}/ledger.sqlite`);
  return { place, query };
}

const TRIGGERS = {
  "SELECT RAISE(IGNORE)":
    /: run 2 is still marked as running: the database accepted its end, but did not store it; see the table's triggers, [^\n]+; run 2 counts as abandoned, /,
  "SELECT RAISE(ABORT, 'no end')": /: no end; fix the trigger, .*; run 2 counts as/,
};

for (const [body, says] of Object.entries(TRIGGERS)) {
  testWith(
    [linux],
    `file: a trigger with ${body} at the end of a success: one line at once, with what to do`,
    async () => {
      const { place, query } = await placeWithRun();
      await using _ = place;
      await query(`CREATE TRIGGER t BEFORE UPDATE ON sera_runs BEGIN ${body}; END`);
      const { code, stdout, stderr } = await place.sera(RUN);
      assert.deepEqual({ code, stdout }, { code: 0, stdout: "ran\n" });
      assert.match(stderr, /^sera: [^\n]+; the lock was held the whole time, [^\n]+: sera --name n --once k 0 true\n$/);
      assert.match(stderr, says);
    },
  );
}

testWith([linux], "file: numbers at their end are refused again and again", async () => {
  const { place, query } = await placeWithRun();
  await using _ = place;
  await query("UPDATE sqlite_sequence SET seq = 9223372036854775805 WHERE name = 'sera_runs'");
  for (let time = 1; time <= 4; time++) {
    const { code, stdout, stderr } = await place.sera(["--name", "n", "--ledger", "0", "echo", "ran"]);
    assert.deepEqual({ code, stdout }, { code: 202, stdout: "" }, `${time}`);
    assert.match(stderr, /^sera: Cannot use the ledger [^\n]+; delete the rows with such ids, then set [^\n]+\n$/);
  }
});

testWith([linux], "file: another program's table is moved away, since there is no other name for it", async () => {
  const { place, query } = await placeWithRun();
  await using _ = place;
  await query("DROP TABLE sera_runs");
  await query("CREATE TABLE sera_runs (x)");
  const { code, stderr } = await place.sera(RUN);
  assert.equal(code, 202);
  assert.match(stderr, /^sera: Cannot use the ledger \S+: this table is not sera's; move it away to start afresh\n$/);
});

testWith([linux], "file: a limit of a file's size is named", async () => {
  await using place = await Place.make();
  // A lock's file takes less, and a ledger more.
  const { code, stdout, stderr } = await place.run(["prlimit", "--fsize=8192", "--", "sera", ...RUN]);
  assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
  assert.match(
    stderr,
    /^sera: Cannot use the ledger \S+: (it does not exist yet, and cannot be created: )?disk I\/O error; check the limit on file size \(ulimit -f\), [^\n]+\n$/,
  );
});

testWith([linux], "file: a run ahead of the clock is told by the machine's clock, for there is no server", async () => {
  const { place, query } = await placeWithRun();
  await using _ = place;
  await query("UPDATE sera_runs SET started = strftime('%Y-%m-%d %H:%M:%f', 'now', '30 minutes')");
  const skipped = await place.sera(["--verbose=stderr", "--name", "n", "--every", "1h", "0", "echo", "ran"]);
  assert.match(
    skipped.stderr,
    /^Done within 1h of now: run 1 .* ahead of the machine's clock, which has been set back/m,
  );
  const ran = await place.sera(["--name", "n", "--every", "1m", "0", "echo", "ran"]);
  assert.equal(ran.stdout, "ran\n");
  assert.match(
    ran.stderr,
    /ahead of the machine's clock, so it does not count for --every, and run 2 starts; check that clock/,
  );
});

for (const key of [" ", " v1"]) {
  testWith([linux], `a key '${key}' is shown in quotes, for nobody sees blanks`, async () => {
    await using place = await Place.make();
    const { code, stderr } = await place.sera(["--once", key, "0", "true"]);
    assert.equal(code, 201);
    assert.ok(stderr.startsWith(`sera: Cannot use --once: "${key}"; it takes `), stderr);
  });
}
