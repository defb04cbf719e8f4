import assert from "node:assert/strict";
import { linux, testWith } from "./needs.ts";
import { Place } from "./place.ts";

Deno.test("the command reads sera's stdin and writes to its stdout and stderr", async () => {
  await using place = await Place.make();
  const ended = await place.sera(["0", "sh", "-c", "cat; echo trouble >&2"], { stdin: { text: "some\ntext" } });
  assert.deepEqual(ended, { code: 0, stdout: "some\ntext", stderr: "trouble\n" });
});

Deno.test("input that the command does not read stays for the next command", async () => {
  await using place = await Place.make();
  const { stdout } = await place.shell("sera 0 sh -c 'read line; echo first: $line'; cat", {
    stdin: { text: "one\ntwo\n" },
  });
  assert.equal(stdout, "first: one\ntwo\n");
});

Deno.test("the last bytes arrive without a newline, whatever the exit code", async () => {
  await using place = await Place.make();
  for (let i = 0; i < 10; i++) {
    const { code, stdout } = await place.sera([
      "0",
      "sh",
      "-c",
      "printf first; printf last >&2; printf ' end'; exit 3",
    ]);
    assert.deepEqual({ code, stdout }, { code: 3, stdout: "first end" });
  }
});

Deno.test("200 MB pass through unchanged", async () => {
  await using place = await Place.make();
  const bytes = 200 * 1024 * 1024;
  // The numbers make every block another one.
  const { code, stdout } = await place.shell(
    `seq 100000000 | head -c ${bytes} | tee "$0" | sera 0 cat | cksum; cksum <"$0"`.replaceAll(
      "$0",
      place.file("data"),
    ),
  );
  const [through, direct] = stdout.trim().split("\n");
  assert.equal(code, 0);
  assert.equal(through, direct);
  assert.equal(through!.split(" ")[1], String(bytes));
});

for (const closed of ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"]) {
  Deno.test(`a command runs with ${closed}`, async () => {
    await using place = await Place.make();
    const { code } = await place.shell(`sera 0 sh -c 'echo ran >"$0"; exit 5' "${place.path}/out" ${closed}`);
    assert.equal(code, 5);
    assert.equal(await place.read("out"), "ran\n");
  });
}

testWith([linux], "verbose on a full disk does not touch the run", async () => {
  await using place = await Place.make();
  for (const redirect of [">/dev/full", ">/dev/full 2>&1"]) {
    const { code } = await place.shell(`sera --verbose 0 sh -c 'echo ran >>"${place.path}/out"; exit 5' ${redirect}`);
    assert.equal(code, 5);
  }
  assert.equal(await place.read("out"), "ran\nran\n");
});

Deno.test("verbose output to a closed pipe does not affect the run", async () => {
  await using place = await Place.make();
  // The reader has closed the pipe before sera starts.
  const script =
    `{ read -r _ <"$1"; sera --verbose 0 sh -c 'echo ran >"$0"; exit 5' "$2"; echo $? >"$3"; } | { exec <&-; echo >"$1"; }`;
  const names = ["fifo", "out", "code"].map((name) => place.file(name));
  await place.run(["mkfifo", names[0]!]);
  await place.run(["sh", "-c", script, "sh", ...names]);
  assert.deepEqual([await place.read("out"), await place.read("code")], ["ran\n", "5\n"]);
});

Deno.test("errors keep their exit code when stderr is closed or full", async () => {
  await using place = await Place.make();
  for (const redirect of ["2>&-", ...Deno.build.os === "linux" ? ["2>/dev/full"] : []]) {
    assert.equal((await place.shell(`sera 0 no-such-command ${redirect}`)).code, 203);
  }
});

Deno.test("a reader that closes early ends the command by SIGPIPE, and sera exits with 141", async () => {
  await using place = await Place.make();
  const { stdout } = await place.shell('{ sera 0 yes; echo $? >"$0"; } | head -n 1'.replace("$0", place.file("code")));
  assert.equal(stdout, "y\n");
  assert.equal(await place.read("code"), "141\n");
});

Deno.test("shell operators see sera's exit code, as in the documentation of the original", async () => {
  await using place = await Place.make();
  const { stdout } = await place.shell(
    "sera 5 true && echo and; sera 5 false || echo or; sera 5 false; echo then; sera 5 echo a | tr a b",
  );
  assert.equal(stdout, "and\nor\nthen\nb\n");
});
