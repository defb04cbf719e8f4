import assert from "node:assert/strict";
import { testWith, tool } from "../cli/needs.ts";
import { quotedForShell } from "../../lib/text/shell_word.ts";

const WORDS = [
  "a",
  "a-b_c.d,e:f@g%h+i/j",
  "",
  " ",
  "a b",
  "it's",
  "''",
  "$HOME",
  "`id`",
  "\\",
  '"',
  "*",
  "~",
  "a\nb",
  "é",
  "-n",
  "#",
  "!",
];

testWith([tool("sh", "-c", "true")], "a shell takes a quoted word for what it is", async () => {
  const list = WORDS.map(quotedForShell).join(" ");
  const { stdout } = await new Deno.Command("sh", { args: ["-c", `printf '%s\\0' ${list}`] }).output();
  assert.deepEqual(new TextDecoder().decode(stdout).split("\0").slice(0, -1), WORDS);
});

Deno.test("a plain word is not quoted", () => {
  assert.deepEqual(["a", "a-b/c.d:e", "user@host"].map(quotedForShell), ["a", "a-b/c.d:e", "user@host"]);
});
