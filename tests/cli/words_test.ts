import assert from "node:assert/strict";
import { isCompiled } from "./program.ts";
import { linux, testWith } from "./needs.ts";
import { Place } from "./place.ts";

/** Prints each word with a terminating NUL, so that the words can be told apart. */
const PRINT_WORDS = ["printf", "%s\u0001"];

Deno.test("the command gets its words exactly as they were typed", async () => {
  await using place = await Place.make();
  const words = [
    "",
    " ",
    "$HOME",
    "$(id)",
    "`id`",
    "*",
    "~",
    "a b",
    "a  b ",
    "'",
    '"',
    "\\",
    "\\n",
    "line\nbreak",
    "tab\tand\rreturn",
    "-",
    "--",
    "-x",
    "--name",
    "--name=other",
    "a;b|c&d>e<f",
    "%s%d",
    "Grüße, 世界 🔒",
    "e\u0301",
    "",
  ];
  const { code, stdout, stderr } = await place.sera(["0", ...PRINT_WORDS, ...words]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  assert.deepEqual(stdout.split("\u0001").slice(0, -1), words);
});

Deno.test("a replacement character in the arguments is accepted", async () => {
  await using place = await Place.make();
  const { code, stdout } = await place.sera(["0", ...PRINT_WORDS, "a\ufffdb"]);
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "a\ufffdb\u0001" });
});

testWith([linux], "words that are not UTF-8 are refused, and the command does not run", async () => {
  await using place = await Place.make();
  const { code, stderr } = await place.shell(`sera 0 touch "${place.path}/ran" "$(printf 'a\\377b')"`);
  assert.equal([...Deno.readDirSync(place.path)].some(({ name }) => name === "ran"), false);
  assert.notEqual(code, 0);
  // Before 2.9, Deno itself gives up, before the program has begun.
  if (!stderr.startsWith("sera: ") && (isCompiled || /^2\.[0-8]\./.test(Deno.version.deno))) {
    return console.log(`not looked at: the exit code, since this version of Deno itself ends with ${code}`);
  }
  assert.equal(code, 201);
  assert.match(stderr, /^sera: [^\n]*not UTF-8[^\n]*\n$/);
});

Deno.test("a thousand long arguments are accepted", async () => {
  await using place = await Place.make();
  const words = Array.from({ length: 1000 }, (_, index) => `${index}-${"x".repeat(100)}`);
  const { code, stdout } = await place.sera(["0", "printf", "%s\n", ...words]);
  assert.equal(code, 0);
  assert.deepEqual(stdout.split("\n").slice(0, -1), words);
});

Deno.test("the lock's name is the md5 of the words joined by spaces, in UTF-8", async () => {
  await using place = await Place.make();
  for (const words of [["echo", "-n", "ä b"], ["echo", "-n", "ä", "b"]]) await place.sera(["0", ...words]);
  const { stdout } = await place.shell("printf 'echo -n ä b' | md5sum | cut -d' ' -f1");
  assert.deepEqual([...Deno.readDirSync(place.locks)].map(({ name }) => name), [`${stdout.trim()}.lock`]);
});

Deno.test("the name of `ls -ltra` is the original's", async () => {
  await using place = await Place.make();
  await place.sera(["0", "ls", "-ltra"]);
  assert.deepEqual([...Deno.readDirSync(place.locks)].map(({ name }) => name), [
    "5373fa7de6f7dd54052abf86b3a53da4.lock",
  ]);
});

Deno.test("with --name different commands share a lock, whatever their words", async () => {
  await using place = await Place.make();
  await using holder = place.startSera(["--name", "shared", "0", "sh", "-c", "echo ready; read _"], { stdin: "open" });
  await holder.says("ready");
  assert.equal((await place.sera(["--name", "shared", "0", "true"])).code, 204);
  assert.equal((await place.sera(["--name", "other", "0", "true"])).code, 0);
  assert.equal((await place.sera(["0", "true"])).code, 0);
});
