import assert from "node:assert/strict";
import { inProcess, testInProcess } from "./in_process.ts";
import { anotherUser, asNobody, isRoot, linux, testWith } from "./needs.ts";
import { Place } from "./place.ts";
import { PROGRAM } from "./program.ts";

/** What cannot be started, made in the place; and the reason that sera gives. */
const CASES: Record<string, { make(place: Place): string | Promise<string>; says: RegExp }> = {
  "a name that is not in PATH": { make: () => "no-such-command", says: /not found in PATH/ },
  "a command line in one word": { make: () => "ls -l /", says: /: not found, with the arguments in one word; remove / },
  "a path with its arguments in one word": { make: () => "/bin/ls -l", says: /with the arguments in one word; / },
  "a word of the shell": {
    make: () => "cd",
    says: /: not found; it is a shell keyword or built-in, run sh -c with the text$/m,
  },
  "a flag that sera has not": { make: () => "--frob", says: /: not found; flags of sera belong before the wait$/m },
  "an empty name": { make: () => "", says: /not found/ },
  "a path that is not there": { make: (place) => place.file("nothing"), says: /no such file/ },
  "a path below a file": { make: (place) => place.file("bin/sera/x"), says: /[Nn]ot a directory/ },
  "a file that is not executable": { make: (place) => place.write("plain", "text"), says: /permission denied/ },
  "a folder": { make: (place) => place.path, says: /is a directory/ },
  "a script whose interpreter is missing": {
    async make(place) {
      const path = await place.write("script", "#!/nonexistent/interpreter\n");
      await Deno.chmod(path, 0o755);
      return path;
    },
    says: /interpreter .* not found/,
  },
};

for (const [what, { make, says }] of Object.entries(CASES)) {
  Deno.test(`${what} is 203, with the reason, and the lock is released`, async () => {
    await using place = await Place.make();
    const command = await make(place);
    const { code, stdout, stderr } = await place.sera(["--name", "n", "0", command]);
    assert.deepEqual({ code, stdout }, { code: 203, stdout: "" });
    assert.match(stderr, /^sera: Cannot start the command: [^\n]+\n$/);
    assert.ok(stderr.includes(`: ${command || '""'}: `), stderr);
    assert.match(stderr, says);
    assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 0);
  });
}

Deno.test("words that may contain a password are not repeated, but the hint is shown", async () => {
  await using place = await Place.make();
  for (
    const [word, status, says] of [
      ["PGPASSWORD=hunter2", 201, "Cannot use the command's first word: it sets a variable; set variables before sera"],
      ["LANG=hunter2", 203, ": not found; it sets a variable, set variables before sera"],
      ["'hunter2'", 203, ": not found; the quotes are part of the word; leave them out"],
    ] as const
  ) {
    const { code, stderr } = await place.sera(["0", word, "true"]);
    assert.equal(code, status);
    assert.ok(stderr.endsWith(`${says}\n`) && !stderr.includes("hunter2"), stderr);
  }
});

testWith([linux, anotherUser], "a program that only others may run is not told to be made executable", async () => {
  await using place = await Place.make();
  await Deno.chmod(place.path, 0o755);
  const path = await place.script("mine", "echo ran");
  const folder = { env: { SERA_SERVER: `file:${place.file("nobodys")}` } };
  await Deno.mkdir(place.file("nobodys"));
  await Deno.chown(place.file("nobodys"), 65534, 65534);
  const run = () => place.run(["setpriv", ...asNobody(["sera", "0", path])], folder);
  await Deno.chmod(path, 0o700);
  assert.match(
    (await run()).stderr,
    /permission denied; check that this user may run it, and that its file system /,
  );
  await Deno.chmod(path, 0o600);
  assert.match((await run()).stderr, /permission denied; make it executable\n$/);
});

testInProcess("-- between the wait and the command is 201, with a hint where it belongs", async () => {
  await using place = await Place.make();
  const { code, stdout, stderr } = await inProcess(place, ["0", "--", "echo", "ran"]);
  assert.deepEqual({ code, stdout }, { code: 201, stdout: "" });
  assert.match(stderr, /^sera: [^\n]*sera -- 0 <command>\n$/);
});

testWith([isRoot ? anotherUser : undefined], "a working directory that cannot be entered is told", async () => {
  await using place = await Place.make();
  await Deno.chmod(place.path, 0o1777);
  const closed = place.file("closed");
  await Deno.mkdir(closed);
  const script = 'cd "$1" && chmod 0 . && exec sera 0 echo ran';
  if (isRoot) await Deno.chown(closed, 65534, 65534);
  const words = ["sh", "-c", script, "sh", closed];
  const { code, stdout, stderr } = await place.run(isRoot ? ["setpriv", ...asNobody(words)] : words);
  assert.deepEqual({ code, stdout }, { code: 203, stdout: "" });
  assert.match(stderr, /^sera: Cannot start the command: echo: the working directory cannot be entered[^\n]*\n$/);
});

testWith([linux], "without a PATH sera runs a command that has a path", async () => {
  await using place = await Place.make();
  const { code, stdout, stderr } = await place.run(["env", "-u", "PATH", ...PROGRAM, "0", "/bin/echo", "ran"]);
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "ran\n", stderr: "" });
});
