import assert from "node:assert/strict";
import { terminal, testWith } from "./needs.ts";
import { Place } from "./place.ts";
import { Screen, type ScreenOptions } from "./screen.ts";

/** Runs a command in a terminal to its end. */
async function see(
  place: Place,
  command: string,
  options: ScreenOptions = {},
): Promise<{ readonly code: number; readonly rows: readonly string[]; readonly written: string }> {
  await using screen = new Screen(place, `exec ${command}`, options);
  const code = await screen.ended();
  return { code, rows: await screen.rows(), written: screen.written };
}

testWith([terminal], "doctor at a terminal: colours, what was not tried in one line, and a verdict", async () => {
  await using place = await Place.make();
  const well = await see(place, "sera doctor");
  assert.equal(well.code, 0);
  assert.match(well.rows[0]!, /^pass {2}config {7}/);
  assert.equal(well.rows.at(-1), "A run can get its lock.");
  assert.ok(well.written.includes("\x1b[32mpass\x1b[m  config"), well.written);

  const ill = await see(place, "sera doctor --server postgres://127.0.0.1:1/x");
  assert.equal(ill.code, 202);
  const skipped = ill.rows.findIndex((row) => row.startsWith("skip  not tried, since an earlier check failed: "));
  assert.equal(ill.rows.filter((row) => row.startsWith("skip")).length, 1);
  assert.ok(skipped > 0 && /, lock$/.test(ill.rows.at(-2)!), ill.rows.join("\n"));
  assert.equal(ill.rows.at(-1), "A run would exit with 202: 1 check failed.");
  assert.ok(ill.written.includes("\x1b[31mfail\x1b[m  connection"), ill.written);
});

for (const env of [{ NO_COLOR: "1" }, { TERM: "dumb" }] as Record<string, string>[]) {
  testWith(
    [terminal],
    `doctor at a terminal has no colours with ${Object.entries(env).join().replace(",", "=")}`,
    async () => {
      await using place = await Place.make();
      const { rows, written } = await see(place, "sera doctor", { env });
      assert.equal(rows.at(-1), "A run can get its lock.");
      assert.ok(!written.includes("\x1b"), written);
    },
  );
}

testWith([terminal], "doctor in a narrow terminal loses nothing, and breaks no word", async () => {
  await using place = await Place.make();
  const { rows } = await see(place, "sera doctor", { columns: 40 });
  const words = rows.join(" ").replaceAll(/ +/g, " ");
  assert.match(words, /pass lock test lock acquired in .* A run can get its lock\./);
});

testWith([terminal], "doctor, status and history have local times at a terminal, and else in UTC", async () => {
  await using place = await Place.make();
  const flags = `--ledger --name n`;
  const job = `sh -c 'sera status; sera status | cat; sera status --json'`;
  const env = { TZ: "Asia/Kolkata" };
  const status = await see(place, `sera ${flags} 0 ${job}`, { env, columns: 200 });
  assert.match(status.rows[1]!, / \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+05:30 \(/);
  assert.match(status.rows[3]!, / \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ \(/);
  assert.match(status.rows.slice(4).join(""), /"since":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/);
  const history = await see(place, `sh -c 'sera history; sera history | cat'`, { env, columns: 200 });
  assert.match(history.rows[1]!, / \d\d:\d\d:\d\d\+05:30 /);
  assert.match(history.rows[3]!, / \d\d:\d\d:\d\dZ /);
  const doctor = await see(place, `sh -c 'sera doctor --ledger; sera doctor --ledger | cat'`, { env, columns: 200 });
  assert.match(doctor.rows.find((row) => row.includes("  ledger  ")) ?? "", / \d\d:\d\d:\d\d\+05:30$/);
  assert.match(doctor.rows.findLast((row) => row.includes("  ledger  ")) ?? "", / \d\d:\d\d:\d\dZ$/);
  assert.ok(!doctor.rows.at(-1)!.startsWith("A run"));
});
