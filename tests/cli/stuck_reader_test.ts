/** A reader of what sera says that does not read. */

import assert from "node:assert/strict";
import { linux, testWith } from "./needs.ts";
import { Place } from "./place.ts";
import { PROGRAM } from "./program.ts";
import type { Ended } from "./running.ts";
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

/** Runs a sera that waits for a reader who never reads, and ends. */
async function giveUpReader(place: Place): Promise<Ended> {
  const script =
    // The pipe of the last one is in the way.
    `rm -f pipe; ${WITH_FULL_PIPE} code=0; ${words} nonsense true >pipe 2>&1 || code=$?; echo "code $code" >&2; exit $code`;
  return await place.run(["sh", "-c", script], { cwd: place.path });
}

testWith([linux], "nobody reads the line about a lost attempt: sera ends all the same", async () => {
  await using place = await Place.make();
  assert.equal((await giveUpReader(place)).code, 201);
});

testWith([linux], "a slow reader gets all of a long output", async () => {
  await using place = await Place.make();
  const name = "x".repeat(190);
  const fill = Array.from({ length: 3 }, () => `sera --ledger --label ${name} 0 true`).join("; ");
  await place.shell(fill);
  // Many times a pipe's capacity; the table is one text.
  const sql =
    "INSERT INTO sera_runs (lock_name, started, outcome, label) SELECT lock_name, started, 'succeeded', label FROM sera_runs";
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(`${place.locks}/ledger.sqlite`);
  for (let i = 0; i < 10; i++) database.exec(sql);
  database.close();
  const whole = await place.sera(["history", "--json", "--limit", "100000"]);
  const script =
    'sera history --json --limit 100000 | { read -r first; : >read; until [ -e go ]; do sleep 0.02; done; echo "$first"; cat; }';
  await using reading = place.start(["sh", "-c", script], { cwd: place.path });
  await until("the reader has read", () => Deno.lstat(place.file("read")).then(() => true, () => false));
  // A limited wait for the reader would be over by now.
  for (let i = 0; i < 2; i++) assert.equal((await giveUpReader(place)).code, 201);
  await place.write("go", "");
  const { stdout } = await reading.ended;
  assert.ok(whole.stdout.length > 500_000);
  assert.equal(stdout.length, whole.stdout.length);
});
