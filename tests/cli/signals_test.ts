import assert from "node:assert/strict";
import { linux, testWith } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { childrenOfSera, passesOn } from "./process_list.ts";
import { until } from "./wait.ts";

/** Every signal that can be caught and says the same everywhere; SIGTERM, which ends the fixture, comes last. */
const CAUGHT = [
  "HUP",
  "INT",
  "QUIT",
  "USR1",
  "USR2",
  "ALRM",
  "VTALRM",
  "PROF",
  "URG",
  "XCPU",
  "XFSZ",
  "TRAP",
  "ABRT",
  "BUS",
  "SYS",
];
const CAUGHT_ON_LINUX = ["PWR", "STKFLT", "WINCH", "IO"];
/** Shells have no name of their own for some. */
const NUMBERS: Record<string, string> = { STKFLT: "16", WINCH: "28", IO: "29", PWR: "30" };

const signals = Deno.build.os === "linux" ? [...CAUGHT, ...CAUGHT_ON_LINUX] : CAUGHT;

Deno.test("every signal that can be caught reaches the whole process tree once", async () => {
  await using place = await Place.make();
  const traps = signals.map((signal) => NUMBERS[signal] ?? signal);
  await using run = place.startSera(["0", fixture("family.sh"), ...traps]);
  await run.says("child ready");
  for (const [index, signal] of signals.entries()) {
    run.kill(`SIG${signal}` as Deno.Signal);
    await run.says(`child ${traps[index]}\n`);
  }
  run.kill("SIGTERM");
  const { code, stdout } = await run.ended;
  const lines = stdout.trim().split("\n");
  for (const who of ["child", "parent"]) {
    for (const trap of [...traps, "TERM"]) {
      assert.equal(lines.filter((line) => line === `${who} ${trap}`).length, 1, `${who} ${trap}:\n${stdout}`);
    }
  }
  assert.equal(code, 0);
});

for (const [signal, code] of Object.entries({ HUP: 129, INT: 130, QUIT: 131, TERM: 143 })) {
  Deno.test(`SIG${signal} ends a command that does not catch it, and sera exits with ${code}`, async () => {
    await using place = await Place.make();
    await using run = place.startSera(["0", "sh", "-c", "ulimit -c 0; echo ready; read _"], { stdin: "open" });
    await run.says("ready");
    run.kill(`SIG${signal}` as Deno.Signal);
    assert.deepEqual(await run.ended, { code, stdout: "ready\n", stderr: "" });
  });
}

testWith([linux], "SIGTSTP stops the command, also one that ignores it, and SIGCONT lets it go on", async () => {
  await using place = await Place.make();
  await using run = place.startSera(["0", "sh", "-c", "echo ready; read line; echo $line"], { stdin: "open" });
  await run.says("ready");
  const { command } = childrenOfSera(run);
  await passesOn(run, "SIGTSTP");
  run.kill("SIGTSTP");
  await until("the command has stopped", () => state(command) === "T");
  // SIGCONT wakes only who has stopped, and sera stops after its command.
  await until("sera has stopped", () => state(run.pid) === "T");
  await run.write("went on\n");
  run.kill("SIGCONT");
  assert.deepEqual(await run.ended, { code: 0, stdout: "ready\nwent on\n", stderr: "" });
});

testWith([linux], "without a terminal the command has a session and a group of its own", async () => {
  await using place = await Place.make();
  await using run = place.startSera(["0", fixture("hold.sh")], { stdin: "open" });
  await run.says("ready");
  const { command } = childrenOfSera(run);
  const [, , , , group, session] = Deno.readTextFileSync(`/proc/${command}/stat`).split(" ").map(Number);
  assert.deepEqual([group, session], [command, command]);
});

testWith([linux], "a command in the background that nobody waits for gets the signal, too", async () => {
  await using place = await Place.make();
  const words = ["sh", "-c", '"$0" left behind </dev/null & wait', fixture("report.sh")];
  await using run = place.startSera(["0", ...words]);
  await run.says("left ready");
  run.kill("SIGTERM");
  await run.says("left TERM");
  assert.equal((await run.ended).code, 143);
});

for (
  const [how, ignored] of [["nohup", "HUP"], [`sh -c 'trap "" HUP INT QUIT; exec "$@"' sh`, "HUP INT QUIT"]] as const
) {
  testWith(
    [linux],
    `a signal ignored before sera, ${ignored}, reaches neither it nor the command: ${how}`,
    async () => {
      await using place = await Place.make();
      const words = `sera 0 ${fixture("report.sh")} command USR1 ${ignored}`;
      await using run = place.start(["sh", "-c", `exec ${how} ${words}`]);
      await run.says("command ready");
      await passesOn(run, "SIGUSR1");
      for (const signal of ignored.split(" ")) run.kill(`SIG${signal}` as Deno.Signal);
      // One that is passed on shows that the others have had their time.
      run.kill("SIGUSR1");
      await run.says("command USR1");
      run.kill("SIGTERM");
      const { code, stdout } = await run.ended;
      assert.deepEqual({ code, stdout }, { code: 0, stdout: "command ready\ncommand USR1\ncommand TERM\n" });
    },
  );
}

testWith([linux], "the caller's umask is the command's, and tells sera nothing of signals", async () => {
  await using place = await Place.make();
  const script = `umask 777; exec sera 0 sh -c 'umask; exec "$0" command' ${fixture("report.sh")}`;
  await using run = place.start(["sh", "-c", script]);
  await run.says("command ready");
  run.kill("SIGTERM");
  const { code, stdout } = await run.ended;
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "0777\ncommand ready\ncommand TERM\n" });
});

function state(pid: number): string {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2)[0]!;
}
