/** Tries the examples of docs/several.md as they stand there, with commands of the place's own. */
// Starts early: runs wait for each other.

import assert from "node:assert/strict";
import { linux, testWith, tool } from "../cli/needs.ts";
import { Place } from "../cli/place.ts";
import type { Running } from "../cli/running.ts";
import { until } from "../cli/wait.ts";
import { readCrontab } from "./crontab.ts";
import { examples, fileExample, page } from "./markdown.ts";

const SEVERAL = page("docs/several.md");

/** Notes that it begins, waits until there is a file `go`, and notes that it ends. */
async function placeWith(name: string): Promise<Place> {
  const place = await Place.make();
  const log = (what: string) => `echo "${what} \${LICENCE_FILE-}" >>'${place.file("log")}'`;
  await place.script(
    `bin/${name}`,
    `${log("begin")}\nuntil [ -e '${place.file("go")}' ]; do sleep 0.1; done\n${log("end")}`,
  );
  return place;
}

function inPlace(place: Place, text: string): string {
  return text.replaceAll("/usr/local/bin/", `${place.file("bin")}/`);
}

function startShell(place: Place, script: string, count: number): Running[] {
  return Array.from({ length: count }, () => place.start(["sh", "-c", script]));
}

async function lines(place: Place): Promise<string[]> {
  return (await place.read("log")).split("\n").filter((line) => line !== "");
}

/** Resolves when so many runs wait for the lock of this name. */
async function waiting(place: Place, name: string, count: number): Promise<void> {
  await until(`${count} wait`, async () => {
    const { stdout } = await place.sera(["status", "--name", name, "--json"]);
    const { locks } = JSON.parse(stdout) as { locks: { waiters: unknown[] }[] };
    return locks.reduce((sum, { waiters }) => sum + waiters.length, 0) === count;
  });
}

/** Starts one more than may run, sees that it waits, and lets all run to their end. */
async function runOneTooMany(place: Place, name: string, script: string, max: number): Promise<string[]> {
  const running = startShell(place, script, max + 1);
  await waiting(place, name, 1);
  await until("the others run", async () => (await lines(place)).length === max);
  const begun = await lines(place);
  await place.write("go", "");
  for (const one of running) {
    assert.deepEqual(await one.ended, { code: 0, stdout: "", stderr: "" });
    await one[Symbol.asyncDispose]();
  }
  assert.equal((await lines(place)).filter((line) => line.startsWith("end")).length, max + 1);
  return begun;
}

testWith([linux], "three backups run at once, and a fourth waits", async () => {
  await using place = await placeWith("backup");
  const { jobs: [job] } = readCrontab(fileExample("/etc/cron.d/sera-backup", SEVERAL));
  const shorter = inPlace(place, job!.command).replace("--splay 10m", "--splay 10ms");
  assert.notEqual(shorter, inPlace(place, job!.command));
  await runOneTooMany(place, "backup", shorter, 3);
});

testWith([linux], "each build has a licence of its own", async () => {
  await using place = await placeWith("build");
  const script = fileExample("/usr/local/bin/licensed-build", SEVERAL);
  const path = await place.write("bin/licensed-build", inPlace(place, script));
  await Deno.chmod(path, 0o755);
  const begun = await runOneTooMany(place, "build-licence", `'${path}' a b`, 4);
  assert.deepEqual(begun.sort(), [0, 1, 2, 3].map((slot) => `begin /etc/build/licence.${slot}`));
});

testWith([linux], "nodes are restarted in pairs", async () => {
  await using place = await placeWith("restart-shop");
  const path = await place.write("bin/roll-shop", inPlace(place, fileExample("/usr/local/bin/roll-shop", SEVERAL)));
  await Deno.chmod(path, 0o755);
  await runOneTooMany(place, "roll-shop", `'${path}'`, 2);
});

testWith([linux], "of three imports one runs, one waits and one leaves", async () => {
  await using place = await placeWith("import-orders");
  const { jobs: [job] } = readCrontab(fileExample("/etc/cron.d/sera-import", SEVERAL));
  const command = inPlace(place, job!.command);
  const running = startShell(place, command, 2);
  await waiting(place, "import", 1);
  assert.deepEqual(await place.shell(command), { code: 204, stdout: "", stderr: "" });
  await place.write("go", "");
  for (const one of running) {
    assert.deepEqual(await one.ended, { code: 0, stdout: "", stderr: "" });
    await one[Symbol.asyncDispose]();
  }
  assert.equal((await lines(place)).length, 4);
});

testWith([linux], "another number is refused with the line that the page shows", async () => {
  await using place = await placeWith("backup");
  await using holder = place.startSera(["--slots", "3", "--name", "backup", "0", place.file("bin/backup")]);
  await until("it runs", async () => (await lines(place)).length === 1);
  const { code, stderr } = await place.sera(["--slots", "4", "--name", "backup", "0", "true"]);
  assert.equal(code, 201);
  const shown = /^ {6}sera: The lock is held[^\n]*\n(?: {6}[^\n]*\n)*/m.exec(SEVERAL.text)![0];
  assert.equal(shown.replaceAll(/\n? {6}/g, " ").trim(), stderr.trim());
  await place.write("go", "");
  assert.equal((await holder.ended).code, 0);
});

testWith(
  [linux, tool("shellcheck", "--version")],
  "its shell scripts have nothing that shellcheck complains of",
  async () => {
    await using place = await Place.make();
    for (const { language, text } of examples(SEVERAL)) {
      if (language !== "sh") continue;
      const { stdout, code } = await place.run(["shellcheck", "--shell=sh", await place.write("script", text)]);
      assert.equal(code, 0, stdout);
    }
  },
);
