import assert from "node:assert/strict";
import { terminal, testWith, tool } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { parentOf, processInfo } from "./process_list.ts";
import { KEY, startInTerminal } from "./terminal.ts";

/** The exit code of a process in a terminal, where no newline is missing at the end. */
const count = (text: string, word: string) => text.split(word).length - 1;

testWith([terminal], "a terminal stays a terminal", async () => {
  await using place = await Place.make();
  await using run = startInTerminal(
    place,
    "exec sera 0 sh -c 'test -t 0 && test -t 1 && test -t 2 && tty && stty size'",
  );
  const { code, stdout } = await run.ended;
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^\/dev\/pts\/\d+\r\n\d+ \d+\r\n$/);
});

testWith([terminal], "the command has the terminal as its controlling one, and is in its foreground", async () => {
  await using place = await Place.make();
  await using run = startInTerminal(
    place,
    "exec sera 0 sh -c 'echo from tty >/dev/tty; cut -d\" \" -f5,8 /proc/$$/stat'",
  );
  const { code, stdout } = await run.ended;
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^from tty\r\n(\d+) \1\r\n$/);
});

testWith([terminal], "a command can ask and gets what is typed", async () => {
  await using place = await Place.make();
  await using run = startInTerminal(place, `exec sera 0 sh -c 'printf "name? "; read name; echo "hello $name"'`);
  await run.says("name? ");
  await run.write("world\n");
  const { code, stdout } = await run.ended;
  assert.equal(code, 0);
  assert.match(stdout, /hello world\r\n$/);
});

testWith([terminal], "a password can be asked for: the terminal's settings hold", async () => {
  await using place = await Place.make();
  const ask = 'stty -echo; printf "password? "; read word; stty echo; echo; echo "${#word} letters"';
  await using run = startInTerminal(place, `exec sera 0 sh -c '${ask}'`);
  await run.says("password? ");
  await run.write("geheim\n");
  const { stdout } = await run.ended;
  assert.match(stdout, /6 letters/);
  assert.doesNotMatch(stdout, /geheim/);
});

for (const [key, signal, code] of [["ctrlC", "INT", 130], ["ctrlBackslash", "QUIT", 131]] as const) {
  testWith([terminal], `${key} ends the command, and sera with ${code}`, async () => {
    await using place = await Place.make();
    const words = `sh -c "ulimit -c 0; echo ready; while :; do sleep 0.02; done"`;
    await using run = startInTerminal(place, `exec sera 0 ${words}`);
    await run.says("ready");
    await run.write(KEY[key]);
    assert.equal((await run.ended).code, code);
  });

  testWith([terminal], `${key} reaches a command that catches SIG${signal} exactly once`, async () => {
    await using place = await Place.make();
    // With a terminal in sera's hands as well, a signal passed on would come close behind the terminal's own; the line that
    // is typed afterwards comes through the same terminal, behind both.
    const command =
      `trap "echo got it" ${signal}; echo ready; until read -r line; do :; done; echo "line $line"; exit 9`;
    await using run = startInTerminal(place, `exec sera 0 bash -c '${command}'`);
    await run.says("ready");
    await run.write(KEY[key]);
    await run.says("got it");
    await run.write("more\n");
    const ended = await run.ended;
    assert.match(ended.stdout, /line more/);
    assert.equal(count(ended.stdout, "got it"), 1, ended.stdout);
    assert.equal(ended.code, 9);
  });
}

testWith([terminal], "a signal from another process reaches the command in the foreground", async () => {
  await using place = await Place.make();
  const command = `echo $PPID >"${place.path}/pid"; exec ${fixture("report.sh")} command USR1 HUP`;
  await using run = startInTerminal(place, `exec sera 0 sh -c '${command}'`);
  await run.says("command ready");
  const pid = Number(await place.read("pid"));
  // Caught since sera's start, SIGHUP arrives when sera passes on the other, too.
  for (const signal of ["HUP", "USR1"] as const) {
    Deno.kill(pid, `SIG${signal}`);
    await run.says(`command ${signal}`);
  }
  Deno.kill(pid, "SIGTERM");
  await run.says("command TERM");
  assert.equal((await run.ended).code, 0);
});

/**
 * A command that tells of each signal, and ends with 9 on SIGUSR2. It looks again and again: a shell that waits for a line
 * may go to sleep on a signal that came just before.
 */
const TELLING = 'for s in INT QUIT TERM HUP USR1; do trap "echo got $s" $s; done; trap "exit 9" USR2; ' +
  "echo $PPID >pid; echo ready; while :; do sleep 0.02; done";

for (const signal of ["INT", "QUIT", "TERM", "HUP", "USR1"] as const) {
  testWith([terminal], `SIG${signal} to sera alone reaches a command in the foreground once`, async () => {
    await using place = await Place.make();
    await using run = startInTerminal(place, `cd ${place.path}; exec sera 0 bash -c '${TELLING}'`);
    await run.says("ready");
    const pid = Number(await place.read("pid"));
    Deno.kill(pid, `SIG${signal}`);
    await run.says(`got ${signal}`);
    Deno.kill(pid, "SIGUSR2");
    const { code, stdout } = await run.ended;
    assert.equal(count(stdout, "got "), 1, stdout);
    assert.equal(code, 9);
  });

  testWith([terminal], `SIG${signal} to sera's whole group reaches a command in the foreground once`, async () => {
    await using place = await Place.make();
    await using run = startInTerminal(place, `cd ${place.path}; exec sera 0 bash -c '${TELLING}'`);
    await run.says("ready");
    const pid = Number(await place.read("pid"));
    Deno.kill(-processInfo(pid)!.group, `SIG${signal}`);
    await run.says(`got ${signal}`);
    // What sera passed on would have come before this one, which it does.
    const other = signal === "USR1" ? "TERM" : "USR1";
    Deno.kill(pid, `SIG${other}`);
    await run.says(`got ${other}`);
    Deno.kill(pid, "SIGUSR2");
    const { code, stdout } = await run.ended;
    assert.equal(count(stdout, `got ${signal}`), 1, stdout);
    assert.equal(code, 9);
  });
}

/** How often the command gets the signal of a timeout. */
async function countSignals(): Promise<number> {
  await using place = await Place.make();
  const command = `cd ${place.path}; timeout --preserve-status 1h sera 0 bash -c '${TELLING}'`;
  await using run = startInTerminal(place, `${command}; echo "code $?"`);
  await run.says("ready");
  const sera = Number(await place.read("pid"));
  // As when its time is over.
  Deno.kill(parentOf(sera)!, "SIGALRM");
  await run.says("got TERM");
  // Another one that sera passed on would have come before this one.
  Deno.kill(sera, "SIGUSR1");
  await run.says("got USR1");
  Deno.kill(sera, "SIGUSR2");
  const { stdout } = await run.ended;
  assert.match(stdout, /code 9/);
  return count(stdout, "got TERM");
}

testWith(
  [terminal, tool("timeout", "1", "true")],
  "timeout's signal to itself and its group reaches the command once",
  async () => {
    // It sends them one after the other. If it pauses in between, they cannot be recognized as one event.
    const told = [];
    do told.push(await countSignals()); while (told.at(-1) === 2 && told.length < 5);
    assert.equal(told.at(-1), 1, told.join());
  },
);

testWith([terminal], "without a terminal on stdin Ctrl-C still reaches the command, once", async () => {
  await using place = await Place.make();
  const command = `trap "echo got it; trap - INT" INT; echo ready; for i in 1 2 3; do sleep 60; done`;
  await using run = startInTerminal(place, `exec sera 0 bash -c '${command}' </dev/null`);
  await run.says("ready");
  await run.write(KEY.ctrlC);
  await run.says("got it");
  await run.write(KEY.ctrlC);
  const { code, stdout } = await run.ended;
  assert.equal(code, 130);
  assert.equal(count(stdout, "got it"), 1, stdout);
});

testWith([terminal], "Ctrl-C while waiting ends sera with 130, and the command does not run", async () => {
  await using place = await Place.make();
  await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  await using run = startInTerminal(place, "exec sera --name n --wait-and-skip --verbose 60 echo ran");
  await run.says("waiting for them");
  await run.write(KEY.ctrlC);
  const { code, stdout } = await run.ended;
  assert.equal(code, 130);
  assert.doesNotMatch(stdout, /ran/);
});

testWith([terminal, tool("bash", "--version")], "Ctrl-Z stops command and sera, fg goes on", async () => {
  await using place = await Place.make();
  await using shell = startInTerminal(place, "exec bash --norc --noprofile -i");
  const type = (line: string) => shell.write(`${line}\n`);
  // The terminal echoes the input, so it must not contain the text that is awaited below.
  await type(`sera 0 sh -c 'echo re""ady; read -r line; echo "li""ne $line"; exit 6'; echo "co""de $?"`);
  await shell.says("ready");
  await shell.write(KEY.ctrlZ);
  await shell.says("Stopped");
  await shell.says("code 148");
  await type('fg; echo "af""ter $?"');
  await type("more");
  await shell.says("line more");
  await shell.says("after 6");
  await type("exit 0");
  assert.equal((await shell.ended).code, 0);
});

testWith([terminal, tool("bash", "--version")], "without a terminal on stdin Ctrl-Z and fg still work", async () => {
  await using place = await Place.make();
  await place.run(["mkfifo", place.file("fifo")]);
  await using shell = startInTerminal(place, "exec bash --norc --noprofile -i");
  const type = (line: string) => shell.write(`${line}\n`);
  await type(
    `sera 0 sh -c 'echo re""ady; read -r line; echo "li""ne $line"; exit 6' <>${place.path}/fifo; echo "co""de $?"`,
  );
  await shell.says("ready");
  await shell.write(KEY.ctrlZ);
  await shell.says("Stopped");
  await shell.says("code 147");
  await type(`echo more >${place.path}/fifo &`);
  await type('fg %1; echo "af""ter $?"');
  await shell.says("line more");
  await shell.says("after 6");
  await type("exit 0");
  assert.equal((await shell.ended).code, 0);
});

testWith([terminal, tool("bash", "--version")], "kill %1 ends a job in the background, and sera with 143", async () => {
  await using place = await Place.make();
  await using shell = startInTerminal(place, "exec bash --norc --noprofile -i");
  const type = (line: string) => shell.write(`${line}\n`);
  await type(`sera 0 ${fixture("report.sh")} 'com''mand' &`);
  await shell.says("command ready");
  await type('kill %1; wait %1; echo "co""de $?"');
  await shell.says("command TERM");
  await shell.says("code 0");
  await type("exit 0");
  const { stdout } = await shell.ended;
  assert.ok(count(stdout, "command TERM") >= 1);
});
