import assert from "node:assert/strict";
import {
  deleteRange,
  grant,
  put,
  range,
  rangeEnd,
  step,
  txn,
  watch,
  when,
} from "../../../lib/backends/etcd/requests.ts";
import * as answers from "../../../lib/backends/etcd/answers.ts";
import { MalformedAnswerError, parseJson } from "../../../lib/backends/etcd/json.ts";

const bytes = (base64: string) => [...Uint8Array.fromBase64(base64)];

Deno.test("the end of a range is after all keys with the prefix, and before all others", () => {
  assert.deepEqual(bytes(rangeEnd("sera/")), bytes(btoa("sera0")));
  assert.deepEqual(bytes(rangeEnd("\u007f")), [0x80]);
  // The last byte of this one is the highest of all that follow the first byte.
  assert.deepEqual(bytes(rangeEnd("a\u00bf")), [0x61, 0xc2, 0xc0]);
  // All keys.
  assert.deepEqual(bytes(rangeEnd("")), [0]);
});

Deno.test("64-bit numbers are sent as text, without loss", () => {
  const max = 9223372036854775807n;
  const sent = [
    range({ key: "k", createdUpTo: max, revision: max, limit: 1 }),
    put("k", "", max),
    when.created("k", "EQUAL", max),
    when.changed("k", "LESS", max),
    watch({ key: "k", from: max }),
    grant(2, max),
  ];
  for (const request of sent) assert.match(JSON.stringify(request), /"9223372036854775807"/);
  assert.doesNotMatch(JSON.stringify(sent), /:\d/);
});

Deno.test("a request has the requested fields only", () => {
  assert.deepEqual(range({ key: "k" }), { key: "aw==" });
  assert.deepEqual(range({ key: "k", prefix: true, sort: "newest first", limit: 1, keysOnly: true, countOnly: true }), {
    key: "aw==",
    range_end: "bA==",
    limit: "1",
    sort_target: "CREATE",
    sort_order: "DESCEND",
    keys_only: true,
    count_only: true,
  });
  assert.deepEqual(deleteRange("k"), { key: "aw==" });
  assert.deepEqual(watch({ key: "k", deletesOnly: true, prefix: true }), {
    create_request: { key: "aw==", range_end: "bA==", filters: ["NOPUT"] },
  });
  assert.deepEqual(txn([when.created("k", "EQUAL", 0n)], [step.put("k", "v", 7n)], [step.range({ key: "k" })]), {
    compare: [{ key: "aw==", target: "CREATE", result: "EQUAL", create_revision: "0" }],
    success: [{ request_put: { key: "aw==", value: "dg==", lease: "7" } }],
    failure: [{ request_range: { key: "aw==" } }],
  });
});

/** Answers, as etcd gives them, that are wrong in one place each; and what reads them. */
const WRONG: [read: (json: ReturnType<typeof parseJson>) => unknown, answer: string][] = [
  [answers.readGrant, "{}"],
  [answers.readGrant, '{"ID":"1","TTL":"0"}'],
  [answers.readGrant, '{"ID":"-1","TTL":"2"}'],
  [answers.readGrant, '{"ID":7587876,"TTL":"2"}'],
  [answers.readGrant, '{"ID":"1","TTL":2}'],
  [answers.readKeepAlive, '{"result":1}'],
  [answers.readKeepAlive, '{"result":{"TTL":5}}'],
  [answers.readRange, '{"header":{"revision":"1"},"kvs":{}}'],
  [answers.readRange, '{"header":{"revision":"1"},"kvs":[1]}'],
  [answers.readRange, '{"header":{"revision":1}}'],
  [answers.readRange, '{"kvs":[{"key":"?"}]}'],
  [answers.readRange, '{"kvs":[{"key":"aw==","create_revision":5}]}'],
  [answers.readTxn, '{"succeeded":"true"}'],
  [answers.readTxn, '{"succeeded":1}'],
  [answers.readTxn, '{"responses":{}}'],
  [(json) => answers.readTxn(json).range(0), '{"responses":[]}'],
  [(json) => answers.readTxn(json).range(0), '{"responses":[{"response_put":{}}]}'],
  [answers.readWatch, '{"events":[{"kv":[]}]}'],
  [answers.readWatch, '{"canceled":"yes"}'],
  [answers.readStatus, '{"errors":"NOSPACE"}'],
  [answers.readStatus, '{"leader":17}'],
  [answers.readMembers, '{"members":[{"clientURLs":["a",1]}]}'],
];

for (const [read, answer] of WRONG) {
  Deno.test(`a malformed answer of etcd: ${answer}`, () => {
    assert.throws(() => read(parseJson(answer)), MalformedAnswerError);
  });
}

Deno.test("fields that an answer omits are read as their defaults", () => {
  assert.equal(answers.readKeepAlive(parseJson('{"result":{"header":{"revision":"1"},"ID":"12"}}')), 0n);
  assert.deepEqual(answers.readRange(parseJson('{"header":{"revision":"3"}}')), { keys: [], count: 0n, revision: 3n });
  assert.equal(answers.readTxn(parseJson("{}")).succeeded, false);
  const { events } = answers.readWatch(parseJson('{"events":[{"kv":{"key":"aw=="}},{"type":"DELETE","kv":{}}]}'));
  assert.deepEqual(events.map(({ deleted, key }) => [deleted, key.key]), [[false, "k"], [true, ""]]);
});
