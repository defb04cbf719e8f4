/** Servers that send malformed or endless answers, or small ones that decompress to huge ones. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { deflateSync } from "node:zlib";
import { LockLostError, LockUnavailableError } from "../../lib/errors.ts";
import { pause, until } from "../cli/wait.ts";
import { type Answer, closeQuietly, concat, ServerError } from "./fake_server.ts";
import { FakeMySql } from "./mysql/fake_server.ts";
import { FakePostgres, message } from "./postgres/fake_server.ts";
import { answerOf, FAKE_MYSQL, FAKE_POSTGRES, type FakeKind, WORDS } from "./fake_sessions.ts";
import { freshName, hold, never, open, SHORT_LEASE } from "./open.ts";
import { Together } from "../side_by_side.ts";

const together = new Together();

/** A server that grants every lock, with other answers to statements that contain these words. */
function startWith(kind: FakeKind, words: string, answer: () => Answer | undefined): FakeMySql | FakePostgres {
  const all = (sql: string) => (sql.includes(words) ? answer() : undefined) ?? answerOf(kind, sql);
  return kind === FAKE_MYSQL ? new FakeMySql(all) : new FakePostgres(all);
}

function settingOf(server: FakeMySql | FakePostgres): string {
  return server instanceof FakeMySql ? server.dsn : server.url;
}

/** Answers to the question for the lock that are none. */
const MALFORMED: readonly (readonly [kind: FakeKind, what: string, answer: Answer])[] = [
  [FAKE_MYSQL, "another number", { got: 2 }],
  [FAKE_MYSQL, "a negative number", { got: -1 }],
  [FAKE_MYSQL, "a fraction", { got: 0.5 }],
  [FAKE_MYSQL, "a text", { got: "yes" }],
  [FAKE_MYSQL, "a text of PostgreSQL", { got: "t" }],
  [FAKE_MYSQL, "an empty text", { got: "" }],
  [FAKE_MYSQL, "a blank", { got: " " }],
  [FAKE_MYSQL, "another column", { gut: 1 }],
  [FAKE_MYSQL, "one more column", { got: 1, more: 1 }],
  [FAKE_MYSQL, "two rows", [{ got: 1 }, { got: 1 }]],
  [FAKE_MYSQL, "no rows at all", {}],
  [FAKE_POSTGRES, "a number", { got: 1 }],
  [FAKE_POSTGRES, "no", { got: 0 }],
  [FAKE_POSTGRES, "a word", { got: "true" }],
  [FAKE_POSTGRES, "a capital letter", { got: "F" }],
  [FAKE_POSTGRES, "an empty text", { got: "" }],
  [FAKE_POSTGRES, "NULL", { got: null }],
  [FAKE_POSTGRES, "another column", { gut: "t" }],
  [FAKE_POSTGRES, "one more column", { got: "f", more: "f" }],
  [FAKE_POSTGRES, "two rows", [{ got: "f" }, { got: "f" }]],
  [FAKE_POSTGRES, "no rows at all", {}],
];

for (const [kind, what, answer] of MALFORMED) {
  Deno.test(`${kind.name}: ${what} in answer to the lock request means neither held nor busy`, async () => {
    using server = startWith(kind, WORDS[kind.name].question, () => answer);
    await using backend = await open(settingOf(server), freshName());
    // Waiting does not cure it.
    await assert.rejects(backend.acquire(Infinity, never), (error) => {
      assert.ok(error instanceof LockUnavailableError);
      assert.match(error.message, /^Cannot lock on [^\n]+: the server's answer is invalid \([^\n]+its log$/);
      return true;
    });
  });
}

for (const kind of [FAKE_MYSQL, FAKE_POSTGRES]) {
  const answers: readonly Answer[] = [{ mine: "perhaps" }, {}, [{ mine: 1 }, { mine: 1 }], { mine: "t".repeat(70) }];
  for (const answer of answers) {
    const name = `${kind.name}: a lock is lost when a look at it is answered by`;
    together.test(JSON.stringify(answer), name, async () => {
      // How often it is looked at before depends on how fast the server answers.
      let isHeld = false;
      using server = startWith(kind, WORDS[kind.name].look, () => isHeld ? answer : undefined);
      await using backend = await open(settingOf(server), freshName(), undefined, { lease: SHORT_LEASE });
      const lock = await hold(backend);
      isHeld = true;
      await until("it is lost", () => lock.lost.aborted);
      assert.ok(lock.lost.reason instanceof LockLostError);
      assert.match(lock.lost.reason.message, /^Lock lost: [^\n]+: the server's answer is invalid \(/);
    });
  }

  Deno.test(`${kind.name}: when the server breaks the protocol, the connection stays open until the command has ended`, async () => {
    let isHeld = false;
    let isBroken = false;
    const broken = kind === FAKE_MYSQL ? new Uint8Array([1, 0, 0, 9, 0]) : new Uint8Array([0x45, 0, 0, 0, 4]);
    const answer = (sql: string) => {
      if (isHeld && sql.includes(WORDS[kind.name].look)) isBroken = true;
      return answerOf(kind, sql);
    };
    const tamper = (frame: Uint8Array) => isBroken ? broken : frame;
    using server = kind === FAKE_MYSQL ? new FakeMySql(answer, undefined, tamper) : new FakePostgres(answer, tamper);
    {
      await using backend = await open(settingOf(server), freshName(), undefined, { lease: SHORT_LEASE });
      const lock = await hold(backend);
      isHeld = true;
      await until("it is lost", () => lock.lost.aborted);
      assert.match(lock.lost.reason.message, /^Lock lost: [^\n]+: the server violates the \S+ protocol/);
      // Were it closed, the server would know by the time at which it knows of another one that is closed after it.
      const later = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
      await until("the other one is there", () => server.clients === 2);
      later.close();
      await until("the other one has gone", () => server.clients < 2);
      assert.equal(server.clients, 1);
    }
    await until("the connection is closed", () => server.clients === 0);
  });

  Deno.test(`${kind.name}: a malformed answer to a release is reported`, async () => {
    using server = startWith(kind, WORDS[kind.name].release, () => ({ released: "perhaps" }));
    await using backend = await open(settingOf(server), freshName());
    const lock = await hold(backend);
    await assert.rejects(lock.release(), /^Error: Cannot release the lock on [^\n]+ is invalid \(/);
  });

  Deno.test(`${kind.name}: a long server error is cut to one line`, async () => {
    const words = `first ${"x".repeat(2000)}\nsecond`;
    using server = startWith(kind, WORDS[kind.name].question, () => new ServerError(1305, words));
    await using backend = await open(settingOf(server), freshName());
    await assert.rejects(backend.acquire(0, never), (error: Error) => {
      assert.match(error.message, /^Cannot lock on [^\n]+: first x{494}…$/);
      return true;
    });
  });

  // Time limits are for the whole, however much comes in the meantime.
  Deno.test(`${kind.name}: a greeting that trickles in, or never ends, is not waited for`, async () => {
    const endless = kind === FAKE_MYSQL
      ? () => new Uint8Array([0xff, 0xff, 0, 0, 10, ...new Array(60_000).fill(0x38)])
      : () => concat([message("R", [0, 0, 0, 0]), ...new Array(5000).fill(message("S", [97, 0, 98, 0]))]);
    await using server = trickling(endless());
    const backend = await kind.open({ setting: server.setting(kind) }, { ttl: 30_000, grace: 0 }, 300);
    await using _backend = backend;
    await assert.rejects(backend.acquire(0, never), (error) => {
      assert.ok(error instanceof LockUnavailableError);
      assert.match(error.message, /no answer within 300ms|does not answer within 300ms/);
      return true;
    });
  });
}

/** A server that sends this to every client, a byte at a time. */
function trickling(bytes: Uint8Array): AsyncDisposable & { setting(kind: FakeKind): string } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.Conn[] = [];
  const talks: Promise<void>[] = [];
  const talk = async (connection: Deno.Conn) => {
    try {
      for (const byte of bytes) {
        await connection.write(new Uint8Array([byte]));
        // Slowly: sending takes longer than the timeout.
        await pause(5);
      }
    } catch {
      // The client has gone.
    }
  };
  const listening = (async () => {
    for await (const connection of listener) {
      connections.push(connection);
      talks.push(talk(connection));
    }
  })();
  const { port } = listener.addr as Deno.NetAddr;
  return {
    setting: (kind) =>
      kind === FAKE_MYSQL ? `a:b@tcp(127.0.0.1:${port})/` : `postgres://a:b@127.0.0.1:${port}/c?sslmode=disable`,
    async [Symbol.asyncDispose]() {
      listener.close();
      connections.forEach(closeQuietly);
      await listening;
      await Promise.all(talks);
    },
  };
}

/** A frame of compressed packets. */
function compressed(
  content: Uint8Array,
  announced = content.length,
  data: Uint8Array = deflateSync(content),
): Uint8Array {
  const number = (value: number) => [value & 0xff, (value >> 8) & 0xff, value >> 16];
  return new Uint8Array(Buffer.concat([new Uint8Array([...number(data.length), 1, ...number(announced)]), data]));
}

const packet = (number: number, ...content: number[]) =>
  new Uint8Array([content.length & 0xff, content.length >> 8, 0, number, ...content]);

const COMPRESSED: readonly (readonly [what: string, frame: () => Uint8Array, says: RegExp])[] = [
  ["16 MiB in little", () => compressed(new Uint8Array(16 * 1024 * 1024 - 1)), /more than 1 MiB in one answer/],
  ["more than announced", () => compressed(new Uint8Array(1024 * 1024), 100), /the driver cannot read it/],
  ["noise", () => compressed(new Uint8Array(), 100, new Uint8Array(50).fill(7)), /the driver cannot read it/],
  // So long that the driver uncompresses it aside.
  ["much noise", () => compressed(new Uint8Array(), 50_000, new Uint8Array(50).fill(7)), /the driver cannot read it/],
  ["a packet that is out of order", () => compressed(packet(9, 0, 0, 0, 2, 0, 0, 0)), /a packet out of order/],
  [
    "a large invalid packet",
    () => compressed(packet(1, ...new Array(40_000).fill(0xfb))),
    /a request for a file/,
  ],
  ["a packet that is longer than its frames", () => compressed(new Uint8Array([0xff, 0xff, 0xff, 1])), /no answer for/],
];

for (const [what, frame, says] of COMPRESSED) {
  Deno.test({
    name: `MySQL: ${what} in compressed packets is an error, too`,
    // The driver may be uncompressing yet.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      using server = FAKE_MYSQL.start(true, (sent, number) => {
        if (number > 1) return frame();
        if (number === 1) return sent;
        const greeting = sent.slice();
        // After the header, version, number, scramble and filler: it can compress.
        greeting[4 + 12 + 4 + 8 + 1]! |= 0x20;
        return greeting;
      });
      const setting = `${server.setting}?compress=true&readTimeout=2s`;
      await using backend = await open(setting, freshName());
      await assert.rejects(backend.acquire(0, never), (error) => {
        assert.ok(error instanceof LockUnavailableError);
        assert.match(error.message, /^Cannot lock on MySQL at [^\n]+$/);
        assert.match(error.message, says);
        return true;
      });
    },
  });
}
