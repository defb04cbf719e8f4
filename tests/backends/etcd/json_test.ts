import assert from "node:assert/strict";
import {
  base64,
  bytes,
  field,
  int64,
  type JsonObject,
  MalformedAnswerError,
  object,
  objects,
  parseJson,
  text,
  truth,
  utf8,
} from "../../../lib/backends/etcd/json.ts";
import { LockUnavailableError } from "../../../lib/errors.ts";

const json = (text: string): JsonObject => parseJson(`{"x":${text}}`);

/** Reads x in each way that takes it, for the others refuse it. */
function taken(value: string): Record<string, unknown> {
  const readers = { int64, truth, text, object, objects, bytes, utf8 };
  return Object.fromEntries(
    Object.entries(readers).flatMap(([name, read]) => {
      try {
        return [[name, read(json(value), "x")]];
      } catch (error) {
        assert.ok(error instanceof MalformedAnswerError && error instanceof LockUnavailableError);
        assert.equal(
          error.message,
          "Cannot lock on etcd: the server's answer is invalid (a wrong value of x); connect directly to etcd, and see its log",
        );
        assert.equal(error.transient, false);
        return [];
      }
    }),
  );
}

const none = new Uint8Array();

Deno.test("a 64-bit number is read from text without losing digits", () => {
  const text = (number: string) => taken(`"${number}"`).int64;
  assert.equal(text("9223372036854775807"), 9223372036854775807n);
  assert.equal(text("18446744073709551615"), 18446744073709551615n);
  assert.equal(text("-9223372036854775808"), -9223372036854775808n);
  assert.equal(text("9007199254740993"), 9007199254740993n);
  assert.equal(text("0"), 0n);
});

Deno.test("anything else is not a 64-bit number", () => {
  const wrong = [
    ...["1", "9007199254740993", "1.5", "true", "null", "{}", "[]", "{}", '""', '" 1"', '"1 "', '"01"', '"-0"', '"+1"'],
    ...['"1e3"', '"0x10"', '"1n"', '"18446744073709551616"', '"-9223372036854775809"', '"1.0"', '"٣"'],
    `"${"9".repeat(100)}"`,
  ];
  for (const value of wrong) assert.equal(taken(value).int64, undefined, value);
});

Deno.test("each value is read as its own type only", () => {
  assert.deepEqual(taken("3"), {});
  assert.deepEqual(taken("1.5"), {});
  assert.deepEqual(taken("3000000000"), {});
  assert.deepEqual(taken("true"), { truth: true });
  assert.deepEqual(taken("null"), { truth: false, text: "", object: {}, objects: [], bytes: none, utf8: "" });
  assert.deepEqual(taken('{"a":1}'), { object: { a: 1 } });
  assert.deepEqual(taken('[{"a":1}]'), { objects: [{ a: 1 }] });
  assert.deepEqual(taken("[1]"), {});
  assert.deepEqual(taken("[null]"), {});
  assert.deepEqual(taken('"YQ=="'), { text: "YQ==", bytes: Uint8Array.of(97), utf8: "a" });
  assert.deepEqual(taken('"//8="'), { text: "//8=", bytes: Uint8Array.of(255, 255), utf8: undefined });
  assert.deepEqual(taken('"?"'), { text: "?" });
});

Deno.test("an absent value is the default of its type, never an inherited property", () => {
  assert.deepEqual(
    [int64({}, "x"), truth({}, "x"), text({}, "x"), object({}, "x"), objects({}, "x"), bytes({}, "x")],
    [0n, false, "", {}, [], none],
  );
  for (const name of ["toString", "constructor", "__proto__"]) assert.equal(field({}, name), undefined);
  assert.equal(text(parseJson('{"__proto__":"own"}'), "__proto__"), "own");
});

Deno.test("an answer that is not a JSON object is malformed", () => {
  for (const wrong of ["", "x", "[]", "null", "1", '"a"', "{", '{"a":1}x', "<html>", "{'a':1}", "{}{}"]) {
    assert.throws(() => parseJson(wrong), MalformedAnswerError, wrong);
  }
  assert.deepEqual(parseJson(' {"a": {}} \n'), { a: {} });
});

Deno.test("text and bytes are sent in base64", () => {
  assert.equal(base64("sera/ä"), "c2VyYS/DpA==");
  assert.equal(base64(Uint8Array.of(0, 255)), "AP8=");
});
