/** The program, and servers that are broken or mean harm: one line, no code but those that say what happened. */

import assert from "node:assert/strict";
import { concat, type Tamper } from "../backends/fake_server.ts";
import { FAKE_MYSQL, FAKE_POSTGRES, type FakeKind, type FakeServer, WORDS } from "../backends/fake_sessions.ts";
import { Chance, spoiling } from "../backends/tampering.ts";
import { sideBySide } from "../side_by_side.ts";
import { linux, testWith } from "./needs.ts";
import { Place } from "./place.ts";

const MEBIBYTE = 1024 * 1024;

/** Looks each third of it, and then a busy machine has enough time to hear an answer. */
const TTL = "18s";

/** How much more memory a spoiled session may take than a good one, in KiB. */
const MAX_EXTRA_MEMORY = 100 * 1024;

/** What is said of another service at that address. */
const OTHER_SERVICE =
  /: the program that answers there does not speak the \w+ protocol; check host and port, and any proxy/;

/** What a server may send, and the message. */
const SPOILED: readonly {
  kind: FakeKind;
  what: string;
  frame: () => Uint8Array;
  says: RegExp;
  /** If it is the first thing that is sent. */
  saysFirst?: RegExp;
}[] = [
  {
    kind: FAKE_POSTGRES,
    what: "an error of four bytes",
    frame: () => new Uint8Array([0x45, 0, 0, 0, 4]),
    says: /a malformed message of type E|an unexpected message of type E/,
  },
  {
    kind: FAKE_POSTGRES,
    what: "a notice of four bytes",
    frame: () => new Uint8Array([0x4e, 0, 0, 0, 4]),
    says: /a malformed message of type N|an unexpected message of type N/,
    saysFirst: OTHER_SERVICE,
  },
  {
    kind: FAKE_POSTGRES,
    what: "an announcement of a gibibyte",
    frame: () => concat([new Uint8Array([0x45, 0x40, 0, 0, 0]), new Uint8Array(16 * MEBIBYTE)]),
    says: /more than 1 MiB in one answer/,
    saysFirst: OTHER_SERVICE,
  },
  {
    kind: FAKE_POSTGRES,
    what: "an error of 15 MiB",
    frame: () => concat([new Uint8Array([0x45, 0, 0xf0, 0, 5, 0x4d]), new Uint8Array(15 * MEBIBYTE).fill(0x78)]),
    says: /more than 1 MiB in one answer/,
    saysFirst: OTHER_SERVICE,
  },
  {
    kind: FAKE_POSTGRES,
    what: "another protocol",
    frame: () => new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"),
    says: /an unexpected message of type H/,
    saysFirst: OTHER_SERVICE,
  },
  {
    kind: FAKE_MYSQL,
    what: "thousands of packets out of order",
    frame: () => concat(new Array(20_000).fill(new Uint8Array([1, 0, 0, 77, 0]))),
    says: /a packet out of order/,
  },
  {
    kind: FAKE_MYSQL,
    what: "an error of 15 MiB",
    frame: () => concat([new Uint8Array([3, 0, 0xf0, 1, 0xff, 1, 4]), new Uint8Array(15 * MEBIBYTE).fill(0x78)]),
    says: /more than 1 MiB in one answer/,
    saysFirst: OTHER_SERVICE,
  },
  {
    kind: FAKE_MYSQL,
    what: "packets of 16 MiB",
    frame: () => concat([1, 2, 3, 4].map((number) => concat([new Uint8Array([255, 255, 255, number]), big()]))),
    says: /more than 1 MiB in one answer/,
    saysFirst: OTHER_SERVICE,
  },
  {
    kind: FAKE_MYSQL,
    what: "another protocol",
    frame: () => new TextEncoder().encode("SSH-2.0-OpenSSH_9.6\r\n"),
    says: /more than 1 MiB in one answer/,
    saysFirst: OTHER_SERVICE,
  },
  {
    kind: FAKE_MYSQL,
    what: "the X protocol, of port 33060",
    frame: () => new Uint8Array([5, 0, 0, 0, 0x0b, 8, 5, 0x1a, 0]),
    says: /protocol/,
    saysFirst: OTHER_SERVICE,
  },
  {
    kind: FAKE_MYSQL,
    what: "zeros",
    frame: () => new Uint8Array(64),
    says: /an empty packet/,
    saysFirst: OTHER_SERVICE,
  },
];

function big(): Uint8Array {
  return new Uint8Array(16 * MEBIBYTE - 1);
}

/** When something else is sent: at once, or in answer to the question for the lock, or to the second look at it. */
const WHEN = {
  "at the begin": () => true,
  "for an answer": ({ name }: FakeKind, asked: readonly string[]) =>
    asked.some((sql) => sql.includes(WORDS[name].question)),
  "in a hold": ({ name }: FakeKind, asked: readonly string[]) =>
    asked.filter((sql) => sql.includes(WORDS[name].look)).length > 1,
};

/** A server that gives the lock, and then sends something else once, and nothing any more. */
function breaking(kind: FakeKind, when: keyof typeof WHEN, frame: () => Uint8Array): FakeServer {
  let broken = false;
  const server: FakeServer = kind.start(true, (sent) => {
    if (broken) return new Uint8Array();
    broken = WHEN[when](kind, server.statements);
    return broken ? frame() : sent;
  });
  return server;
}

/** Records sera's peak memory when it is told to end, or ends by itself. */
const HOLD = `exec 2>/dev/null
note() { grep VmHWM "/proc/$PPID/status" >memory; }
trap 'note; exit 0' TERM
touch started
[ $# -eq 0 ] || { note; exit 0; }
while :; do sleep 0.05; done`;

for (const { kind, what, frame, says, saysFirst } of SPOILED) {
  for (const when of ["at the begin", "for an answer"] as const) {
    Deno.test(`${kind.name}: ${what} ${when} is one line and 202`, async () => {
      using server = breaking(kind, when, frame);
      await using place = await Place.make(server.setting);
      const { code, stderr } = await place.sera(["0", "touch", place.file("ran")]);
      assert.equal(code, 202, stderr);
      assert.match(stderr, /^sera: Cannot lock on [^\n]+\n$/);
      assert.match(stderr, when === "at the begin" ? saysFirst ?? says : says);
      assert.equal(await hasRun(place), false);
    });
  }
}

testWith(
  [linux],
  "a corrupted answer while the lock is held stops the command, with one line and little memory",
  () =>
    sideBySide(
      Object.fromEntries(SPOILED.map((spoiled) => [`${spoiled.kind.name}: ${spoiled.what}`, () => stops(spoiled)])),
      // A look has to be answered in time, with all that has to be written and read.
      3,
    ),
);

async function stops({ kind, frame, says }: typeof SPOILED[number]): Promise<void> {
  const usual = await memoryOf(kind);
  using server = breaking(kind, "in a hold", frame);
  await using place = await Place.make(server.setting);
  await place.script("hold", HOLD);
  const { code, stderr } = await place.sera(["--ttl", TTL, "0", place.file("hold")], { cwd: place.path });
  assert.equal(code, 206, stderr);
  assert.match(stderr, /^sera: Lock lost: [^\n]+; stopping [^\n]+, since another node may start it now\n$/);
  assert.match(stderr, says);
  const more = kibibytes(await place.read("memory")) - usual;
  assert.ok(more < MAX_EXTRA_MEMORY, `${more} KiB more than usual`);
}

/** How much memory sera takes for a session in which nothing is spoiled, in KiB. */
async function memoryOf(kind: FakeKind): Promise<number> {
  using server = kind.start(true);
  await using place = await Place.make(server.setting);
  await place.script("hold", HOLD);
  const { code, stderr } = await place.sera(["0", place.file("hold"), "once"], { cwd: place.path });
  assert.equal(code, 0, stderr);
  return kibibytes(await place.read("memory"));
}

function kibibytes(line: string): number {
  return Number(/^VmHWM:\s+(\d+) kB/.exec(line)?.[1]);
}

Deno.test("MySQL: a plain-text OK where TLS must begin does not count as a login", async () => {
  // The greeting says that the server has TLS; what follows it answers a login that has not been sent.
  const ok = new Uint8Array([7, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0]);
  const injections: readonly Uint8Array[] = [
    ok,
    ok.subarray(0, 6),
    new Uint8Array([9, 0, 0, 2, 0xff, 0x15, 4, ...new TextEncoder().encode("denied")]),
  ];
  for (const injected of injections) {
    const tamper: Tamper = (frame, number) => {
      if (number > 0) return frame;
      const greeting = frame.slice();
      // After the header, version, number, scramble and filler: the second byte of what it can.
      greeting[4 + 12 + 4 + 8 + 1 + 1]! |= 0x08;
      return concat([greeting, injected]);
    };
    using server = FAKE_MYSQL.start(true, tamper);
    await using place = await Place.make(`${server.setting}?tls=skip-verify`);
    const { code, stderr } = await place.sera(["0", "touch", place.file("ran")]);
    assert.equal(code, 202, stderr);
    assert.match(stderr, /^sera: Cannot lock on [^\n]+ in plain text where TLS should start[^\n]+\n$/);
    assert.equal(await hasRun(place), false);
    assert.deepEqual(server.statements, []);
  }
});

const ROUNDS = Number(Deno.env.get("SERA_FUZZ_PROGRAM_ROUNDS") ?? 10);
const SEED = Number(Deno.env.get("SERA_FUZZ_SEED") ?? 1);

for (const kind of [FAKE_MYSQL, FAKE_POSTGRES]) {
  Deno.test(`${kind.name}: whatever is corrupted, sera exits as documented, and runs nothing without the lock`, async () => {
    const rounds = Array.from({ length: ROUNDS }, (_, round) => {
      const seed = SEED * 1000 + round;
      const chance = new Chance(seed);
      const free = chance.below(3) > 0;
      const { tamper, what } = spoiling(chance, free ? kind.frames : kind.frames >> 1);
      return [`seed ${seed}, ${free ? "free" : "taken"}, ${what}`, () => check(kind, free, tamper)] as const;
    });
    await sideBySide(Object.fromEntries(rounds), 5);
  });
}

async function check(kind: FakeKind, free: boolean, tamper: Tamper): Promise<void> {
  using server = kind.start(free, tamper);
  const limits = kind === FAKE_MYSQL ? "?timeout=2s&readTimeout=2s" : "?connect_timeout=2";
  await using place = await Place.make(server.setting + limits);
  const { code, stderr } = await place.sera(["0", "sh", "-c", `touch ${place.file("ran")}; exit 7`]);
  const ran = await hasRun(place);
  assert.ok([202, 204, 7].includes(code), `${code}: ${stderr}`);
  assert.equal(ran, code === 7);
  assert.ok(!ran || free, "it has run without the lock");
  const lines = stderr.split("\n").filter((line) => line !== "");
  assert.ok(lines.length <= 1 && lines.every((line) => line.startsWith("sera: ")), stderr);
  assert.ok(code !== 202 || lines.length === 1, "no line");
}

async function hasRun(place: Place): Promise<boolean> {
  return await Deno.stat(place.file("ran")).then(() => true, () => false);
}
