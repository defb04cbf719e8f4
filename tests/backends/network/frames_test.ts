/** Which frames of a server are accepted, and which are refused before a driver sees them. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { FrameReader } from "../../../lib/backends/network/frames.ts";
import { MySqlFrames } from "../../../lib/backends/mysql/frames.ts";
import { UnsuitableServerError } from "../../../lib/backends/postgres/errors.ts";
import { PostgresFrames } from "../../../lib/backends/postgres/frames.ts";
import { ProtocolError } from "../../../lib/backends/network/protocol_error.ts";
import { serverWords } from "../../../lib/backends/network/server_words.ts";
import { concat } from "../fake_server.ts";
import { message, trouble } from "../postgres/fake_server.ts";
import { Chance } from "../tampering.ts";

const bytesOf = (text: string) => [...new TextEncoder().encode(text)];
const login = (code: number, ...more: number[]) => message("R", [0, 0, 0, code, ...more]);

const LET_IN = login(0);
const STATUS = message("S", bytesOf("server_version\x0016.0\0"));
const KEY = message("K", [0, 0, 0, 1, 0, 0, 0, 2]);
const READY = message("Z", bytesOf("I"));
const WELCOME = [LET_IN, STATUS, KEY, READY];
const MECHANISMS = login(10, ...bytesOf("SCRAM-SHA-256\0\0"));
const CHALLENGE = login(11, ...bytesOf("r=abc,s=def,i=4096"));
const PROOF = login(12, ...bytesOf("v=ghi"));
const columns = (count: number, format = 0) =>
  message("T", [0, count, ...new Array(count).fill([97, 0, ...new Array(17).fill(0), format]).flat()]);
const row = (...values: string[]) =>
  message("D", [0, values.length, ...values.flatMap((value) => [0, 0, 0, value.length, ...bytesOf(value)])]);
const DONE = message("C", bytesOf("SELECT 1\0"));

/** Feeds a server's bytes; `asked` stands for a statement. */
function feed(sent: readonly (Uint8Array | "asked")[]): void {
  const frames = new PostgresFrames();
  const reader = new FrameReader(frames);
  for (const part of sent) {
    if (part === "asked") frames.statementSent();
    else for (const frame of reader.take(Buffer.from(part))) frames.check(frame);
  }
}

const GOOD: readonly (readonly [what: string, ...sent: (Uint8Array | "asked")[]])[] = [
  ["trust", ...WELCOME],
  ["a clear password", login(3), ...WELCOME],
  ["MD5", login(5, 1, 2, 3, 4), ...WELCOME],
  ["SCRAM", MECHANISMS, CHALLENGE, PROOF, ...WELCOME],
  ["a refusal", trouble("E", "no")],
  ["a refusal of the password", MECHANISMS, CHALLENGE, trouble("E", "no")],
  ["a longer key", LET_IN, message("K", new Array(36).fill(1)), READY],
  ["a notice in a login", LET_IN, trouble("N", "hello"), STATUS, READY],
  ["an answer", ...WELCOME, "asked", columns(2), row("a", "b"), row("c", "d"), DONE, READY],
  ["an error", ...WELCOME, "asked", trouble("E", "no"), READY],
  ["an error in the middle of rows", ...WELCOME, "asked", columns(1), row("a"), trouble("E", "no"), READY],
  ["two results", ...WELCOME, "asked", DONE, columns(1), row("a"), DONE, READY],
  ["nothing to do", ...WELCOME, "asked", message("I", []), READY],
  ["a notification", ...WELCOME, message("A", [0, 0, 0, 1, ...bytesOf("channel\0text\0")])],
  ["the end by an administrator", ...WELCOME, trouble("E", "terminated")],
  [
    "an answer to each of several statements",
    ...WELCOME,
    "asked",
    "asked",
    "asked",
    DONE,
    READY,
    columns(1),
    row("a"),
    DONE,
    READY,
    DONE,
    READY,
  ],
  [
    "an error before another answer",
    ...WELCOME,
    "asked",
    "asked",
    columns(2),
    row("a", "b"),
    trouble("E", "no"),
    READY,
    columns(1),
    row("a"),
    DONE,
    READY,
  ],
  ["a statement in the middle of an answer", ...WELCOME, "asked", columns(1), "asked", DONE, READY, DONE, READY],
  ["NULL", ...WELCOME, "asked", columns(1), message("D", [0, 1, 255, 255, 255, 255]), DONE, READY],
];

for (const [what, ...sent] of GOOD) {
  Deno.test(`PostgreSQL: ${what} is accepted`, () => feed(sent));
}

const header = (type: string, length: number) =>
  new Uint8Array([...bytesOf(type), ...[24, 16, 8, 0].map((bits) => (length >>> bits) & 0xff)]);

const BAD: readonly (readonly [what: string, ...sent: (Uint8Array | "asked")[]])[] = [
  ["a server's greeting of MySQL", new Uint8Array([74, 0, 0, 0, 10, ...bytesOf("8.0")])],
  ["a notice before anything else", trouble("N", "hello")],
  ["readiness without a login", READY],
  ["an unknown login", login(99)],
  ["a login with something after it", login(0, 1)],
  ["MD5 without its salt", login(5)],
  ["the proof before the challenge", MECHANISMS, PROOF],
  ["the end of SCRAM without a proof", MECHANISMS, CHALLENGE, LET_IN],
  ["SCRAM that is skipped", MECHANISMS, LET_IN],
  ["a challenge that nobody asked for", CHALLENGE],
  ["two logins", LET_IN, login(3)],
  ["a login after the login", ...WELCOME, login(3)],
  ["ways to log in without an end", login(10, ...bytesOf("SCRAM-SHA-256\0"))],
  ["a status of one text", LET_IN, message("S", bytesOf("server_version\0"))],
  ["a status without an end", LET_IN, message("S", bytesOf("a\0b"))],
  ["a short key", LET_IN, message("K", [0, 0, 0, 1])],
  ["an unknown readiness", LET_IN, message("Z", bytesOf("X"))],
  ["a long readiness", LET_IN, message("Z", bytesOf("II"))],
  ["an empty error", header("E", 4)],
  ["an empty notice", LET_IN, header("N", 4)],
  ["an error without a message", message("E", [...bytesOf("SERROR\0CXX000\0"), 0])],
  ["an error that goes on", message("E", [...bytesOf("SERROR\0CXX000\0Mno\0"), 0, 0])],
  ["an error without an end", message("E", bytesOf("SERROR\0CXX000\0Mno\0"))],
  ["a row that nobody asked for", ...WELCOME, row("a")],
  ["an end that nobody asked for", ...WELCOME, DONE],
  ["readiness twice", ...WELCOME, READY],
  ["an answer more than there were statements", ...WELCOME, "asked", "asked", DONE, READY, DONE, READY, DONE],
  ["readiness more often than there were statements", ...WELCOME, "asked", "asked", READY, READY, READY],
  ["rows after an error with a statement behind it", ...WELCOME, "asked", "asked", trouble("E", "no"), columns(1)],
  ["a row with the columns of the answer before", ...WELCOME, "asked", "asked", columns(1), READY, row("a")],
  ["a row without columns", ...WELCOME, "asked", row("a")],
  ["a row of too many values", ...WELCOME, "asked", columns(1), row("a", "b")],
  ["a row of too few", ...WELCOME, "asked", columns(2), row("a")],
  ["a value longer than its row", ...WELCOME, "asked", columns(1), message("D", [0, 1, 0, 0, 0, 9, 97])],
  ["a value of a negative length", ...WELCOME, "asked", columns(1), message("D", [0, 1, 255, 255, 255, 254])],
  ["a column in binary", ...WELCOME, "asked", columns(1, 1)],
  ["more columns than there are", ...WELCOME, "asked", message("T", [255, 255, 97, 0])],
  ["rows after an error", ...WELCOME, "asked", trouble("E", "no"), columns(1)],
  ["COPY to the client", ...WELCOME, "asked", message("H", [0, 0, 0])],
  ["COPY from the client", ...WELCOME, "asked", message("G", [0, 0, 0])],
  ["data of COPY", ...WELCOME, "asked", message("d", [97])],
  ["another version", message("v", [0, 3, 0, 0, 0, 0, 0, 0])],
  ["a length below its own", header("R", 3)],
  ["a gibibyte", header("E", 2 ** 30)],
  ["a length beyond all", header("E", 2 ** 32 - 1)],
  ["notices without end", ...WELCOME, ...new Array(1100).fill(trouble("N", "x".repeat(1000)))],
  ["statuses without end", LET_IN, ...new Array(60_000).fill(STATUS)],
  [
    "rows without end",
    ...WELCOME,
    "asked",
    columns(1),
    ...new Array(1100).fill(row("x".repeat(120)).slice()).flatMap(
      (part) => new Array(8).fill(part),
    ),
  ],
];

for (const [what, ...sent] of BAD) {
  Deno.test(`PostgreSQL: ${what} is refused`, () => assert.throws(() => feed(sent), ProtocolError));
}

Deno.test("PostgreSQL: an unsupported login method is reported by name", () => {
  assert.throws(
    () => feed([login(7)]),
    (error) => error instanceof UnsuitableServerError && /GSSAPI/.test(error.message),
  );
});

Deno.test("frames are the same however they arrive", () => {
  const messages = [...WELCOME, columns(2), row("a", "b"), row("x".repeat(250), ""), DONE, READY];
  const all = concat(messages);
  for (let seed = 0; seed < 300; seed++) {
    const chance = new Chance(seed);
    const longest = chance.of([1, 2, 7, 300]);
    const frames = new PostgresFrames();
    const reader = new FrameReader(frames);
    const seen: string[] = [];
    for (let at = 0; at < all.length;) {
      const length = 1 + chance.below(longest);
      for (const frame of reader.take(Buffer.from(all.subarray(at, at + length)))) {
        frames.check(frame);
        if (seen.push(frame.toString("latin1")) === WELCOME.length) frames.statementSent();
      }
      at += length;
    }
    assert.deepEqual(seen, messages.map((message) => Buffer.from(message).toString("latin1")));
  }
});

/** Protocol of 4.1, secure connection, sessions that are tracked, authentication plugins. */
const CAPABILITIES = 0x0088a201;
const uint = (value: number, bytes: number) => Array.from({ length: bytes }, (_, at) => (value >>> (8 * at)) & 0xff);
const greeting = (capabilities = CAPABILITIES, version = 10) => [
  ...[version, ...bytesOf("8.0.0\0"), ...uint(1, 4), ...new Array(8).fill(1), 0, ...uint(capabilities & 0xffff, 2)],
  ...[33, 2, 0, ...uint(capabilities >>> 16, 2), 21, ...new Array(10).fill(0), ...new Array(12).fill(1), 0],
  ...bytesOf("mysql_native_password\0"),
];
const OK = [0, 0, 0, 2, 0, 0, 0];
const END = [0xfe, 0, 0, 2, 0];
const field = (text: string) => [text.length, ...bytesOf(text)];
const column = (type: number) => [
  ...[...field("def"), ...field(""), ...field(""), ...field(""), ...field("a"), ...field("")],
  ...[12, 33, 0, 20, 0, 0, 0, type, 0, 0, 0, 0, 0],
];
const FAILURE = [0xff, 1, 4, ...bytesOf("#HY000no")];
const TEXT = 253;
const WHOLE = 8;

const OK_AND_MORE = [0, 0, 0, 10, 0, 0, 0];
const END_AND_MORE = [0xfe, 0, 0, 10, 0];

/** A packet, or a message with a statement or two. */
type Sent = readonly number[] | "asked" | "asked two";

/** Feeds packets, all in order. */
function feedPackets(sent: readonly Sent[], tls = false): void {
  const frames = new MySqlFrames(tls);
  for (const part of sent) {
    if (part === "asked") frames.statementSent();
    else if (part === "asked two") frames.statementSent(2);
    else {
      frames.sizeOf(Buffer.from([...uint(part.length, 3), 0, 0, 0, 0]));
      frames.checkPacket(Buffer.from(part), true);
    }
  }
}

const GOOD_PACKETS: readonly (readonly [what: string, ...sent: Sent[]])[] = [
  ["a login", greeting(), OK],
  ["a full server", [0xff, 0x10, 4, ...bytesOf("Too many connections")]],
  ["a refusal", greeting(), FAILURE],
  ["another way to log in", greeting(), [0xfe, ...bytesOf("caching_sha2_password\0"), 1, 2, 3], [1, 3], OK],
  ["the way of before 4.1", greeting(), [0xfe], OK],
  ["a statement", greeting(), OK, "asked", OK],
  ["a session that changed", greeting(), OK, "asked", [0, 0, 0, 2, 0x40, 0, 0, 0, 4, 0, 2, 1, 97]],
  ["an error", greeting(), OK, "asked", FAILURE, "asked", OK],
  ["rows", greeting(), OK, "asked", [1], column(WHOLE), END, [1, 49], [0xfb], END, "asked", OK],
  ["no rows", greeting(), OK, "asked", [1], column(TEXT), END, END],
  ["an error in the middle of rows", greeting(), OK, "asked", [1], column(TEXT), END, [1, 97], FAILURE],
  ["a long text", greeting(), OK, "asked", [1], column(TEXT), END, [0xfc, 44, 1, ...new Array(300).fill(97)], END],
  ["the end by an administrator", greeting(), OK, FAILURE],
  ["two results of two statements", greeting(), OK, "asked two", OK_AND_MORE, OK, "asked", OK],
  [
    ...["rows of two statements", greeting(), OK, "asked two", [1], column(TEXT), END_AND_MORE, [1, 97]] as const,
    ...[END_AND_MORE, [1], column(WHOLE), END, [1, 49], END, "asked", OK] as const,
  ],
  ["an error in the first of two", greeting(), OK, "asked two", FAILURE, "asked", OK],
  ["an error in the second of two", greeting(), OK, "asked two", OK_AND_MORE, FAILURE, "asked", OK],
  [
    "an error in the rows of the second",
    ...[greeting(), OK, "asked two", OK_AND_MORE, [1], column(TEXT), END, [1, 97], FAILURE, "asked", OK] as const,
  ],
  ["an answer to the first of two only", greeting(), OK, "asked two", OK, "asked", OK],
];

for (const [what, ...sent] of GOOD_PACKETS) {
  Deno.test(`MySQL: ${what} is accepted`, () => feedPackets(sent));
}

const BAD_PACKETS: readonly (readonly [what: string, ...sent: Sent[]])[] = [
  ["an OK in place of the greeting", OK],
  ["a greeting of version 9", greeting(CAPABILITIES, 9)],
  ["a greeting of before 4.1", greeting(0x8000)],
  ["half a greeting", greeting().slice(0, 30)],
  ["a greeting without the plugin that it promises", greeting().slice(0, -22)],
  ["an empty packet", []],
  ["half an OK", greeting(), OK.slice(0, 4)],
  ["half an error", greeting(), [0xff, 1]],
  ["rows in a login", greeting(), [3]],
  ["a request for a file in a login", greeting(), [0xfb, 97]],
  ["a key of 8 KiB", greeting(), [1, ...new Array(8192).fill(97)]],
  ["an answer that nobody asked for", greeting(), OK, OK],
  ["an answer twice", greeting(), OK, "asked", OK, OK],
  ["a packet after the end", greeting(), FAILURE, OK],
  ["a request for a file", greeting(), OK, "asked", [0xfb, ...bytesOf("/etc/passwd")]],
  ["more columns than there can be", greeting(), OK, "asked", [0xfc, 1, 0x20]],
  ["fewer columns than announced", greeting(), OK, "asked", [2], column(TEXT), END],
  ["a column that is cut off", greeting(), OK, "asked", [1], column(TEXT).slice(0, -1)],
  ["a column's name beyond its packet", greeting(), OK, "asked", [1], [3, 100, 101, 102, 0, 0, 0, 250, 97]],
  ["JSON", greeting(), OK, "asked", [1], column(245)],
  ["a shape", greeting(), OK, "asked", [1], column(255)],
  ["rows at once", greeting(), OK, "asked", [1], column(TEXT), [1, 97]],
  ["a value beyond its row", greeting(), OK, "asked", [1], column(TEXT), END, [9, 97]],
  ["a value of 2^63 bytes", greeting(), OK, "asked", [1], column(TEXT), END, [0xfe, ...new Array(8).fill(0x80), 0]],
  ["a row with something after it", greeting(), OK, "asked", [1], column(TEXT), END, [1, 97, 0]],
  ["an invalid number", greeting(), OK, "asked", [1], column(WHOLE), END, [2, 47, 59]],
  ["an empty number", greeting(), OK, "asked", [1], column(WHOLE), END, [0]],
  ["more results", greeting(), OK, "asked", OK_AND_MORE],
  ["more results after rows", greeting(), OK, "asked", [1], column(TEXT), END, END_AND_MORE],
  ["more results after columns", greeting(), OK, "asked", [1], column(TEXT), END_AND_MORE],
  ["more results after a login", greeting(), OK_AND_MORE],
  ["three results of two statements", greeting(), OK, "asked two", OK_AND_MORE, OK_AND_MORE],
  [
    "three results with rows of two statements",
    greeting(),
    OK,
    "asked two",
    OK_AND_MORE,
    [1],
    column(TEXT),
    END_AND_MORE,
  ],
  ["a result after an error", greeting(), OK, "asked two", FAILURE, OK],
  ["a result after the last of two", greeting(), OK, "asked two", OK_AND_MORE, OK, OK],
  ["more results in the next answer", greeting(), OK, "asked two", OK, "asked", OK_AND_MORE],
  ["a request for a file in the second of two", greeting(), OK, "asked two", OK_AND_MORE, [0xfb, 97]],
  [
    "rows without end",
    greeting(),
    OK,
    "asked",
    [1],
    column(TEXT),
    END,
    ...new Array(11_000).fill([99, ...new Array(99).fill(97)]),
  ],
];

for (const [what, ...sent] of BAD_PACKETS) {
  Deno.test(`MySQL: ${what} is refused`, () => assert.throws(() => feedPackets(sent), ProtocolError));
}

Deno.test("MySQL: a packet out of order is refused, unless it is an error", () => {
  const frames = new MySqlFrames(false);
  assert.throws(() => frames.checkPacket(Buffer.from(greeting()), false), ProtocolError);
  frames.checkPacket(Buffer.from(FAILURE), false);
});

Deno.test("MySQL: plain text after the start of TLS is refused", () => {
  for (const injected of [OK, FAILURE, [0xfe]]) {
    assert.throws(() => feedPackets([greeting(CAPABILITIES | 0x800), injected], true), /plain text/);
  }
  const frames = new MySqlFrames(true);
  frames.checkPacket(Buffer.from(greeting(CAPABILITIES | 0x800)), true);
  frames.secured();
  frames.checkPacket(Buffer.from(OK), true);
});

Deno.test("MySQL: an answer that decompresses to more than 1 MiB is refused", () => {
  const frames = new MySqlFrames(false);
  frames.compressed = true;
  assert.equal(frames.sizeOf(Buffer.from([20, 0, 0, 1, 0xff, 0xff, 0x07])), 27);
  assert.throws(() => frames.sizeOf(Buffer.from([20, 0, 0, 2, 0xff, 0xff, 0x0f])), ProtocolError);
});

Deno.test("a server's message is cut to one printable line", () => {
  assert.equal(serverWords("\n first line \r\nsecond"), "first line");
  assert.equal(serverWords("a\x1b[31mb\u202ec"), "a [31mb c");
  assert.equal(serverWords("x".repeat(500)), "x".repeat(500));
  assert.equal(serverWords("x".repeat(501)), `${"x".repeat(500)}…`);
  assert.ok(serverWords(`${"x".repeat(499)}🔑🔑`).isWellFormed());
  assert.equal(serverWords("\x00\x01"), "");
});
