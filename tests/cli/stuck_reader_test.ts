/** A reader of what sera says that does not read. */

import assert from "node:assert/strict";
import { linux, testWith } from "./needs.ts";
import { Place } from "./place.ts";
import { PROGRAM } from "./program.ts";
import { until } from "./wait.ts";

/** Starts the words with the pipe on stdout and stderr full, and its reader asleep. */
const WITH_FULL_PIPE = `
set -e
mkfifo pipe
exec 7<>pipe
# More than the largest pipe; dd gives up at the first block that does not fit.
dd if=/dev/zero of=pipe bs=1024 count=2000 oflag=nonblock conv=notrunc 2>/dev/null || :
dd if=/dev/zero of=pipe bs=1 count=2000 oflag=nonblock conv=notrunc 2>/dev/null || :
`;

const words = PROGRAM.map((word) => `'${word}'`).join(" ");

for (const flags of [["--verbose"], ["--verbose=stderr"], ["--log-format=json", "--verbose=stderr"]]) {
  testWith(
    [linux],
    `nobody reads what ${flags.join(" ")} says: the command runs, gets its signals, and its code is kept`,
    async () => {
      await using place = await Place.make();
      await place.script(
        "command",
        `trap 'echo got > "$HOME/got"; exit 9' TERM; echo > "$HOME/started"; sleep 100 & wait`,
      );
      const script = `${WITH_FULL_PIPE}${words} ${flags.join(" ")} --name n 0 "$HOME/command" >pipe 2>&1 &
      pid=$!; echo "pid $pid"; code=0; wait $pid || code=$?; echo "code $code"`;
      await using run = place.start(["sh", "-c", script], { cwd: place.path, stdin: "open" });
      await run.says(/pid \d+\n/);
      await until("the command runs", () => place.read("started"));
      Deno.kill(Number(/pid (\d+)/.exec(run.stdout)![1]), "SIGTERM");
      await run.says("code 9");
      assert.equal(await place.read("got"), "got\n");
      assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 0);
    },
  );
}

testWith([linux], "nobody reads the line about a lost attempt: sera ends all the same", async () => {
  await using place = await Place.make();
  const script =
    `${WITH_FULL_PIPE} code=0; ${words} nonsense true >pipe 2>&1 || code=$?; echo "code $code" >&2; exit $code`;
  const { code } = await place.run(["sh", "-c", script], { cwd: place.path });
  assert.equal(code, 201);
});

testWith([linux], "a slow reader gets all of a long output", async () => {
  await using place = await Place.make();
  const name = "x".repeat(190);
  const fill = Array.from({ length: 3 }, () => `sera --ledger --label ${name} 0 true`).join("; ");
  await place.shell(fill);
  // Many times what a pipe holds; the table is one text.
  const sql =
    "INSERT INTO sera_runs (lock_name, started, outcome, label) SELECT lock_name, started, 'succeeded', label FROM sera_runs";
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(`${place.locks}/ledger.sqlite`);
  for (let i = 0; i < 10; i++) database.exec(sql);
  database.close();
  const whole = await place.sera(["history", "--json", "--limit", "100000"]);
  const { stdout } = await place.shell(
    'sera history --json --limit 100000 | { read -r first; sleep 2; echo "$first"; cat; }',
  );
  assert.ok(whole.stdout.length > 500_000);
  assert.equal(stdout.length, whole.stdout.length);
});
