/** The page of all messages: that it is the sources' own, and that none is missing. */

import assert from "node:assert/strict";
import { makePage, messagesOfProgram } from "../../scripts/messages.ts";
import { messagesIn } from "../../scripts/messages/collect.ts";
import { patternOf } from "../../scripts/messages/page.ts";
import { sourceOf } from "../../scripts/messages/sources.ts";
import { page } from "./markdown.ts";

/** The bundler's process ends shortly after it was stopped, perhaps during another test. */
const LATE_END = { sanitizeOps: false, sanitizeResources: false };

const messages = await messagesOfProgram();

Deno.test(
  "the page of messages is what the sources say: scripts/deno task messages makes it again",
  LATE_END,
  async () => {
    const { text, stale } = await makePage(messages);
    assert.equal(page("docs/messages.md").text, text);
    assert.deepEqual(stale, [], "scripts/messages/meanings.ts has meanings of messages that are gone");
  },
);

/** A line, or its beginning, that a test of the program expects on stderr. */
const LINE = /(["`])sera: ([A-Z](?:\\.|(?!\1).)*)\1/gs;

Deno.test("every line that a test expects on stderr is on the page", () => {
  const patterns = [...new Set(messages.map(({ what }) => what))]
    // One that is little more than a hole would match anything.
    .filter((what) => what.replaceAll("…", "").length > 7)
    // An error may be followed by its cure and by what happens next, and have another one before it.
    .map((what) =>
      new RegExp(patternOf(what).source.replace(/^\^/, "^(?:.*[:;,(] ?)?").replace(/\$$/, "(?:[:;,)].*)?$"), "s")
    );
  let seen = 0;
  const missing = [...testsIn("tests/cli")].flatMap((path) =>
    [...Deno.readTextFileSync(path).matchAll(LINE)].flatMap(([, , line]) => {
      seen++;
      const plain = line!.replace(/\\n.*$/s, "").replaceAll(/\$\{[^}]*\}/g, "X");
      return patterns.some((pattern) => pattern.test(plain)) ? [] : [`${path}: ${plain}`];
    })
  );
  assert.deepEqual(missing, []);
  assert.ok(seen > 20, `only ${seen} lines were found`);
});

/** The messages of a source, as lines. */
function linesOf(code: string): readonly string[] {
  const source = sourceOf("lib/x.ts", `class SeraError extends Error {} class BadError extends SeraError {} ${code}`);
  return messagesIn(new Map([[source.path, source]])).map(({ what, cure }) =>
    cure === undefined ? what : `${what}; ${cure}`
  );
}

Deno.test("values become placeholders, and constants become text", () => {
  const code = 'const MAX = 7; throw new BadError(`Cannot use ${path}: more than ${MAX}` + " bytes", `see ${help()}`);';
  assert.deepEqual(linesOf(code), ["Cannot use …: more than 7 bytes; see …"]);
});

Deno.test("a message is paired with its own cure, whatever decides on both", () => {
  const code =
    `const { what, cure } = isThere ? { what: "it is old", cure: "renew it" } : { what: "it is gone", cure: "make it" };
    throw new BadError(\`Cannot go on: \${what}\`, cure);`;
  assert.deepEqual(linesOf(code).filter((line) => line.startsWith("Cannot")), [
    "Cannot go on: it is old; renew it",
    "Cannot go on: it is gone; make it",
  ]);
});

Deno.test("arguments and results of functions become parts of a message", () => {
  const code = `function fail(problem, cure) { return new BadError(\`Cannot read it: \${problem}\`, cure); }
    throw isThere ? fail("it is empty", "fill it") : fail(whyNot(), "look");
    function whyNot() { if (a) return "nobody is there"; return "somebody is there"; }`;
  assert.deepEqual(linesOf(code).filter((line) => line.startsWith("Cannot")), [
    "Cannot read it: it is empty; fill it",
    "Cannot read it: nobody is there; look",
    "Cannot read it: somebody is there; look",
  ]);
});

Deno.test("reasons, tables of cures and log lines are messages, and other texts are not", () => {
  const code = `const CURES = { 1040: "wait a moment" };
    const MEANINGS = [["no leader", undefined, "start it"], [/no|an old/, "no such thing", "look"]];
    logger.log("info", "note", \`Still waiting for \${who}.\`);
    const reason = { what: "no answer", cure: "check it" };
    const other = { what: "CA file", path: 1 };
    new RangeError("not for users");`;
  assert.deepEqual(linesOf(code), [
    "error 1040; wait a moment",
    "…no leader…; start it",
    "no such thing; look",
    "Still waiting for ….",
    "no answer; check it",
  ]);
});

function* testsIn(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* testsIn(`${folder}/${name}`);
    else if (name.endsWith("_test.ts")) yield `${folder}/${name}`;
  }
}
