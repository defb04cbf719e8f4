/** Words that no program has as its name, and what they were meant to be. */

import assert from "node:assert/strict";
import { lineOf } from "../../lib/errors.ts";
import { whatWasMeant } from "../../lib/child/meant_command.ts";

/** Without its quotes, a shell would run a part of each without the lock, or make other words of it. */
const SHELL_TEXTS = [
  "ls; rm x",
  "cd /x && make",
  "mysqldump db | gzip",
  "echo a > /x",
  "a < b",
  "a &",
  "a;b",
  "ls>x",
  "echo $HOME",
  "$HOME/bin/x",
  "a `b`",
  "echo $(date)",
  "ls *.txt",
  "~/bin/x",
  "/opt/x; y",
  "FOO=1 ls; x",
  "'ls; x'",
  "a\nb",
  "a # b",
  "(a)",
  "{ a; }",
  "! a",
  "[[",
  "[[ -f x ]]",
];

for (const text of SHELL_TEXTS) {
  Deno.test(`${JSON.stringify(text)} is text for a shell, and the hint never removes its quotes`, () => {
    assert.equal(lineOf(whatWasMeant(text)!), "not found; it is text for a shell, run sh -c with the text");
  });
}

for (const text of [".", ":", "cd", "cd /x", "source x", "export", "exit 1", "if", "for i in a", "exec ls", "trap"]) {
  Deno.test(`${text} is a word of the shell`, () => {
    assert.equal(lineOf(whatWasMeant(text)!), "not found; it is a shell keyword or built-in, run sh -c with the text");
  });
}

const OTHERS: Record<string, RegExp> = {
  "": /^not found; the word is empty: check the variable/,
  "--frob": /^not found; flags of sera belong before the wait$/,
  '"ls"': /^not found; the quotes are part of the word; leave them out$/,
  "LANG=C": /^not found; it sets a variable, set variables before sera$/,
  "ls -l /": /^not found, with the arguments in one word; remove the quotes around them, or run sh -c with the text$/,
  "ls ": /^not found; there is a space around it, which is part of the word: remove it$/,
  "ls\r": /^not found; it ends in a carriage return, /,
  "10": /^not found; it looks like a second wait, and one is enough$/,
  "1m30s": /^not found; it looks like a second wait, and one is enough$/,
  "forever": /^not found; it looks like a second wait, and one is enough$/,
  "s": /^not found; a unit belongs directly after the number of the wait: 5s, 5m$/,
  "minutes": /^not found; a unit belongs directly after the number of the wait: 5s, 5m$/,
  "/no/such app/run": /^no such file; check the path, and that its arguments are words of their own$/,
};

for (const [word, says] of Object.entries(OTHERS)) {
  Deno.test(`${JSON.stringify(word)} gets the hint ${says.source}`, () =>
    assert.match(lineOf(whatWasMeant(word)!), says));
}

Deno.test("a path with a blank and a path with arguments are told apart by which file exists", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sera-meant-" });
  try {
    await Deno.mkdir(`${folder}/my app`);
    await Deno.writeTextFile(`${folder}/my app/run`, "");
    await Deno.writeTextFile(`${folder}/run`, "");
    assert.match(lineOf(whatWasMeant(`${folder}/my app/runn`)!), /^no such file; check the path/);
    assert.match(lineOf(whatWasMeant(`${folder}/my app/run -l`)!), /; put the quotes around the path only$/);
    assert.match(lineOf(whatWasMeant(`${folder}/run -l`)!), /; remove the quotes around them, or run sh -c /);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a word that may be a program's name gets no hint", () => {
  for (const word of ["backup", "x5", "5x", "a-b", "days-of-old", "/opt/x", "bin/x", "a.b"]) {
    assert.equal(whatWasMeant(word), undefined, word);
  }
});
