import assert from "node:assert/strict";
import {
  boolean,
  booleanOrChoice,
  booleanOrPath,
  choice,
  duration,
  file,
  key,
  type Kind,
  server,
  table,
  text,
} from "../../lib/settings/kinds.ts";

const WITH_PASSWORD = "sera:secret@tcp(db.example.org)/";
const SOME_TEXT = "some text";
const NO_SERVER = "some text that is not a server";

/** A kind's valid values, as written and as read, and invalid ones with the expected message. */
interface Case {
  readonly kind: Kind<unknown>;
  readonly right: readonly (readonly [written: unknown, read: unknown])[];
  readonly wrong: readonly (readonly [written: unknown, takes: string])[];
  /** Values that are right as text, and wrong in JSON. */
  readonly textOnly?: readonly string[];
}

const CASES: Readonly<Record<string, Case>> = {
  server: {
    kind: server,
    right: [["", ""], [WITH_PASSWORD, WITH_PASSWORD]],
    wrong: [[5, SOME_TEXT], [["file:"], SOME_TEXT]],
  },
  file: { kind: file, right: [["/a", "/a"], [WITH_PASSWORD, WITH_PASSWORD]], wrong: [["", SOME_TEXT], [1, SOME_TEXT]] },
  text: {
    kind: text,
    right: [["a b", "a b"], [" ", " "]],
    wrong: [["", SOME_TEXT], [true, SOME_TEXT], [WITH_PASSWORD, NO_SERVER]],
  },
  key: {
    kind: key(3),
    right: [["a b", "a b"], ["🔑🔑🔑", "🔑🔑🔑"]],
    wrong: ["abcd", " a", "a ", "\ud83d"].map((value) => [value, "up to 3 characters, without spaces around them"]),
  },
  table: {
    kind: table,
    right: [["runs", { schema: undefined, name: "runs" }], ["a.b", { schema: "a", name: "b" }]],
    wrong: [
      ["a.b.c", "a table or schema.table, in up to 63 letters, digits and underscores each"],
      [WITH_PASSWORD, NO_SERVER],
      ["", SOME_TEXT],
    ],
  },
  boolean: {
    kind: boolean,
    right: [[true, true], [false, false]],
    wrong: [["yes", "true or false"], [1, "true or false"]],
    textOnly: ["true", "F", "1"],
  },
  "boolean or path": {
    kind: booleanOrPath,
    right: [[true, true], ["/dev/log", "/dev/log"]],
    wrong: [["log", "true, false or an absolute path"], [0, "true, false or an absolute path"]],
    textOnly: ["true", "0"],
  },
  "boolean or word": {
    kind: booleanOrChoice("here", "there"),
    right: [[false, false], ["there", "there"]],
    wrong: [["Here", "true, false, here or there"], ["", "true, false, here or there"]],
    textOnly: ["t", "false"],
  },
  word: {
    kind: choice("one", "two"),
    right: [["one", "one"], ["two", "two"]],
    wrong: [["One", "one or two"], ["", "one or two"], [true, "one or two"]],
  },
  duration: {
    kind: duration(),
    right: [[0, 0], [1.5, 1500], ["5", 5000], ["1m30s", 90_000], ["90d", 90 * 24 * 3600 * 1000]],
    wrong: ["forever", "1.5", "soon", -1, true].map((value) => [value, "seconds, or a duration such as 1m30s"]),
  },
  "duration with a lower limit": {
    kind: duration({ min: 1 }),
    right: [["1ms", 1]],
    wrong: ["0", "500us", "1.5"].map((value) => [value, "seconds, or a duration such as 1m30s, from 1ms"]),
  },
  "duration with two limits": {
    kind: duration({ min: 3000, max: 60_000 }),
    right: [["3s", 3000], ["1m", 60_000]],
    wrong: [2.999, "1m1s"].map((value) => [value, "seconds, or a duration such as 1m30s, from 3s to 1m"]),
  },
};

for (const [name, { kind, right, wrong, textOnly = [] }] of Object.entries(CASES)) {
  Deno.test(`a ${name} is read from JSON and text, and an invalid one gets the list of valid values`, () => {
    for (const isJson of [true, false]) {
      for (const [written, read] of right) assert.deepEqual(kind.read(written, isJson), read, `${written}`);
      for (const [written, takes] of wrong) {
        assert.equal(kind.read(written, isJson), undefined, `${written}`);
        // Text has no fractions of a second without a unit.
        assert.equal(kind.takes(written, isJson), isJson ? takes : takes.replace(/^seconds/, "whole seconds"));
      }
    }
    for (const written of textOnly) {
      assert.notEqual(kind.read(written, false), undefined, written);
      assert.equal(kind.read(written, true), undefined, written);
    }
  });
}
