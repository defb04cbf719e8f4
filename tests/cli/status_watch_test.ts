/** `sera status --watch` as a person sees it. */

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { inProcess, testInProcess } from "./in_process.ts";
import { fixture } from "./place.ts";
import { Screen } from "./screen.ts";
import { FILE, testOn, useTargets } from "./targets.ts";
import { KEY } from "./terminal.ts";

const targets = useTargets();

const HEADING = /^sera status, every 2 s: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S+; Ctrl-C ends it$/;

for (const target of targets) {
  testOn(target, `status --watch on ${target.name} shows who comes and goes, and Ctrl-C ends it with 130`, async () => {
    await using started = await target.start();
    const { place } = started;
    await using screen = new Screen(
      place,
      "echo before; exec sera status --watch --name n",
    );
    await screen.shows(
      "that the lock is free",
      ([heading, , row]) => HEADING.test(heading ?? "") && row === "Free: nobody holds it.",
    );
    const flags = ["--ledger", "--name", "n", "--label", "nightly"];
    await using holder = place.startSera([...flags, "0", fixture("hold.sh")], { stdin: "open" });
    await holder.says("ready");
    const rows = await screen.shows("the holder", (rows) => / held +/.test(rows[3] ?? ""));
    assert.match(rows[2]!, /^LOCK +STATE +HOST +PID +LABEL +(?:USER +SESSION +)?(?:TOKEN +EXPIRES +)?SINCE$/);
    assert.ok(rows[3]!.startsWith(lockName("n").slice(0, 12)));
    await holder.closeStdin();
    await holder.ended;
    await screen.shows("that it is free again", (rows) => rows[2] === "Free: nobody holds it." && rows.length === 3);
    await screen.type(KEY.ctrlC);
    assert.equal(await screen.ended(), 130);
    // The earlier screen is restored.
    assert.deepEqual(await screen.rows(), ["before"]);
    assert.ok(screen.written.endsWith("\x1b[?25h\x1b[?1049l"), "the cursor is to be seen again");
  });
}

testOn(FILE, "status --watch fits a window that is made narrower, and wider again", async () => {
  await using started = await FILE.start();
  const { place } = started;
  const label = "a label that is longer than most windows are wide, and still goes on";
  await using holder = place.startSera(["--name", "n", "--label", label, "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  await using screen = new Screen(place, "exec sera status --watch", { columns: 200 });
  await screen.shows("the whole label", (rows) => (rows[3] ?? "").includes(label));
  await screen.resize(80);
  await screen.shows("as much as fits", (rows) => / a lab[^]*…/.test(rows[3] ?? "") && rows.length === 4);
  await screen.resize(200);
  await screen.shows("the whole again", (rows) => (rows[3] ?? "").includes(label) && rows.length === 4);
});

testOn(FILE, "status --watch says what is wrong, and goes on when it has passed", async () => {
  await using started = await FILE.start();
  const { place } = started;
  await place.sera(["--name", "n", "0", "true"]);
  await using screen = new Screen(place, "exec sera status --watch");
  await screen.shows("no lock", (rows) => rows[2] === "No locks are held.");
  await Deno.rename(place.locks, `${place.locks}.away`);
  await Deno.writeTextFile(place.locks, "no folder");
  const rows = await screen.shows("the trouble", (rows) => rows.join(" ").endsWith("; trying again"));
  assert.match(rows[0]!, HEADING);
  assert.ok(rows.slice(2).join(" ").includes(place.locks), rows.join("\n"));
  await Deno.remove(place.locks);
  await Deno.rename(`${place.locks}.away`, place.locks);
  await screen.shows("no lock again", (rows) => rows[2] === "No locks are held." && rows.length === 3);
  await screen.type(KEY.ctrlBackslash);
  assert.equal(await screen.ended(), 131);
});

testOn(FILE, "Ctrl-Z gives the shell its screen back, and fg shows the locks again", async () => {
  await using started = await FILE.start();
  const { place } = started;
  await using screen = new Screen(place, "exec bash --norc --noprofile -i", { env: { PS1: "$ " } });
  await screen.shows("the prompt", (rows) => rows.at(-1) === "$");
  await screen.type("sera status --watch\r");
  await screen.shows("no lock", (rows) => rows[2] === "No locks are held.");
  await screen.type(KEY.ctrlZ);
  await screen.shows(
    "the shell",
    (rows) => rows.some((row) => /Stopped +sera status/.test(row)) && rows.at(-1) === "$",
  );
  await screen.type("fg\r");
  await screen.shows(
    "no lock again",
    ([heading, , row]) => HEADING.test(heading ?? "") && row === "No locks are held.",
  );
  await screen.type(KEY.ctrlC);
  await screen.shows("the prompt again", (rows) => rows.at(-1) === "$");
  await screen.type("exit 7\r");
  assert.equal(await screen.ended(), 7);
});

testOn(FILE, "status --watch needs a terminal that can be drawn on", async () => {
  await using started = await FILE.start();
  const { place } = started;
  await using screen = new Screen(place, "exec sera status --watch", { env: { TERM: "dumb" } });
  assert.equal(await screen.ended(), 201);
  assert.match((await screen.rows()).join(" "), /^sera: Cannot watch: this terminal cannot show it .*out$/);
});

const WRONG: Record<string, { args: string[]; says: RegExp }> = {
  "no terminal": { args: ["--watch"], says: /^sera: Cannot watch: stdout is not a terminal; leave --watch out$/m },
  JSON: {
    args: ["--watch", "--json"],
    says: /^sera: Cannot use --json with --watch: --watch is for people; leave out one of them$/m,
  },
};

for (const [what, { args, says }] of Object.entries(WRONG)) {
  testInProcess(`status --watch with ${what} is 201, and one line`, async () => {
    await using started = await FILE.start();
    const { code, stdout, stderr } = await inProcess(started.place, ["status", ...args]);
    assert.deepEqual({ code, stdout }, { code: 201, stdout: "" });
    assert.match(stderr, says);
  }, [FILE.need]);
}
