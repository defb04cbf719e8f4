/** The messages for servers that do not answer like a healthy etcd: one line each. */

import assert from "node:assert/strict";
import { EtcdClient } from "../../../lib/backends/etcd/client.ts";
import { EtcdError } from "../../../lib/backends/etcd/errors.ts";
import { describeFetchError } from "../../../lib/backends/etcd/fetch_errors.ts";
import { Path, watch } from "../../../lib/backends/etcd/requests.ts";
import { parseEtcd } from "../parse.ts";
import { FakeServer, readFully, writeFully } from "../fake_server.ts";
import { chunk, FakeEtcd, type FakeReply, http, STREAM_HEAD } from "./fake_etcd.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Longer than any of these servers takes, even on a busy machine. */
const timeout = 60_000;

/** The error of a request to a server, and of a stream, which must be the same. */
async function errorOf(url: string): Promise<EtcdError> {
  using client = new EtcdClient(await parseEtcd(url));
  const called = await client.call(Path.status, {}, { timeout }).then(() => assert.fail("it was answered"), same);
  const streamed = await client.stream(Path.watch, watch({ key: "k" }), { timeout }).next()
    .then(() => assert.fail("it was answered"), same);
  assert.ok(called instanceof EtcdError, String(called));
  assert.equal(called.message, streamed.message);
  assert.match(called.message, /^[^\n]+; [^\n]+$/);
  assert.ok(called.message.startsWith(`Cannot lock on ${client.where}: `), called.message);
  return called;
}

function same(error: Error): Error {
  return error;
}

/** Gives the reply to each request; the version is requested after an answer that is not etcd's. */
async function errorFor(reply: FakeReply, version: FakeReply = [404, "404 page not found\n"]): Promise<EtcdError> {
  using server = new FakeEtcd(({ path }) => path === "/version" ? version : reply);
  return await errorOf(server.url);
}

/** An error of etcd, in the forms of its versions. */
const refusals = (code: number, message: string): FakeReply[] => [
  [400, JSON.stringify({ error: message, message, code })],
  [500, JSON.stringify({ code, message, details: [] })],
  [503, JSON.stringify({ error: { grpc_code: code, http_code: 503, message, http_status: "x" } })],
];

interface Said {
  /** The message, and the cure. */
  readonly says: string;
  readonly transient?: boolean;
  readonly elsewhere?: boolean;
}

const MAJORITY = "start the members that are down, see etcdctl endpoint status --cluster";

const REFUSALS: Record<string, readonly [code: number, said: Said]> = {
  "etcdserver: permission denied": [7, {
    says:
      "permission denied; allow the user the keys below sera/: etcdctl role grant-permission ROLE readwrite sera/ " +
      "--prefix=true",
  }],
  "etcdserver: mvcc: database space exceeded": [8, {
    says: "its database is full (alarm NOSPACE); compact and defragment it, then etcdctl alarm disarm",
    transient: true,
  }],
  "etcdserver: no leader": [14, {
    says: `it has no leader, as when most members are down; ${MAJORITY}`,
    transient: true,
    elsewhere: true,
  }],
  "etcdserver: request timed out": [14, {
    says: `most members do not answer it; ${MAJORITY}`,
    transient: true,
    elsewhere: true,
  }],
  "etcdserver: leader changed": [14, { says: `leader changed; ${MAJORITY}`, transient: true, elsewhere: true }],
  "etcdserver: user name is empty": [3, {
    says: "it requires a user; write user:password@ before its hosts in the server setting",
  }],
  "etcdserver: too many requests": [8, { says: "too many requests; run fewer at once", transient: true }],
  "etcdserver: requested lease not found": [5, { says: "requested lease not found; see its log" }],
  "etcdserver: rpc not supported for learner": [14, {
    says: "this member is a learner; name the members that vote, or promote it",
    transient: true,
    elsewhere: true,
  }],
  "unknown service etcdserverpb.Lease": [12, {
    says: "it does not know this request (unknown service etcdserverpb.Lease); use etcd 3.4 or newer",
  }],
};

for (const [message, [code, { says, transient = false, elsewhere = false }]] of Object.entries(REFUSALS)) {
  Deno.test(`etcd refuses: ${message}`, async () => {
    for (const reply of refusals(code, message)) {
      const error = await errorFor(reply);
      assert.ok(error.message.endsWith(`: ${says}`), error.message);
      assert.deepEqual([error.code, error.transient, error.elsewhere], [code, transient, elsewhere]);
    }
  });
}

const NO_ETCD = "check host and port, and any proxy in between";
const MALFORMED = (what: string) =>
  `the server's answer is invalid (${what}); connect directly to etcd, and see its log`;
const CLOSED = "the server closed the connection; see its log";

/** The reply, the reply to a request for the version, and the message. */
const OTHERS: Record<string, readonly [reply: FakeReply, said: Said, version?: FakeReply]> = {
  "an etcd that is too old": [[404, "404 page not found\n"], {
    says: "etcd 3.3.27 is too old; use 3.4 or newer",
  }, { etcdserver: "3.3.27", etcdcluster: "3.3.0" }],
  "an etcd without its gateway": [[404, "404 page not found\n"], {
    says: "its JSON gateway is off, or does not answer (status 404); name its port for clients (usually 2379), and " +
      "turn on enable-grpc-gateway, which a configuration file leaves off",
  }, { etcdserver: "3.4.23", etcdcluster: "3.4.0" }],
  "an etcd that takes a certificate for a user's": [
    [400, "CommonName of client sending a request against gateway will be ignored and not used as expected"],
    {
      says:
        "its JSON gateway accepts no client certificate with a common name (CN) while auth is on; use one without " +
        "(openssl req -subj /O=sera), and log in with user:password@ in the server setting",
    },
  ],
  "a Web server": [[404, "<html><body>\nNot found"], {
    says: `the program that answers there is not etcd (HTTP status 404); ${NO_ETCD}`,
  }],
  "a server that wants a login of its own": [[401, "Unauthorized\nto be here"], {
    says: `the program that answers there is not etcd (HTTP status 401, Unauthorized); ${NO_ETCD}`,
  }],
  "a proxy without a server": [[503, "no server\u0007is available\n"], {
    says: `the program that answers there is not etcd (HTTP status 503, no server is available); ${NO_ETCD}`,
    transient: true,
  }],
  "a redirection": [http(302, "", "Location: http://127.0.0.1:2379/\r\n"), {
    says: `the program that answers there is not etcd (HTTP status 302); ${NO_ETCD}`,
  }],
  "a port for TLS": [[400, "Client sent an HTTP request to an HTTPS server.\n"], {
    says: "it accepts TLS only; write etcds:// in the server setting",
  }],
  "no JSON": [[200, "<html>\n"], { says: MALFORMED("no JSON") }],
  "no object": [[200, "[]\n"], { says: MALFORMED("a wrong value of it") }],
  "no text": [broken(), { says: MALFORMED("no text") }],
  "an answer without an end": [endless(), { says: MALFORMED("more than 1 MiB") }],
  "a compressed answer without an end": [await compressed(), { says: MALFORMED("more than 1 MiB") }],
  "a head without an end": [bytes(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(2_000_000)}\r\n\r\n`), {
    says: "the program that answers there does not speak HTTP; check host and port",
  }],
  "half an answer": [bytes('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a'), { says: CLOSED, transient: true }],
  "no answer": ["close", { says: CLOSED, transient: true }],
};

for (const [name, [reply, { says, transient = false }, version]] of Object.entries(OTHERS)) {
  Deno.test(`in etcd's place: ${name}`, async () => {
    const error = await errorFor(reply, version);
    assert.ok(error.message.endsWith(`: ${says}`), error.message);
    assert.deepEqual([error.code, error.transient, error.elsewhere], [undefined, transient, true]);
  });
}

/** Greets at once, as MySQL does, and waits. */
class Greeting extends FakeServer {
  protected async converse(connection: Deno.Conn): Promise<void> {
    await writeFully(connection, Uint8Array.of(0x4a, 0, 0, 0, 0x0a, 0x38, 0x2e, 0x30, 0));
    await readFully(connection, 1_000_000);
  }
}

Deno.test("in etcd's place: a server of MySQL", async () => {
  using server = new Greeting();
  const error = await errorOf(`etcd://127.0.0.1:${server.port}`);
  assert.ok(
    error.message.endsWith(": the program that answers there does not speak HTTP; check host and port"),
    error.message,
  );
  assert.equal(error.transient, false);
});

Deno.test("in etcd's place: a server that had greeted before the request was sent", () => {
  const words = "client error (SendRequest): received unexpected message from connection";
  const { kind, transient } = describeFetchError(
    new TypeError(`error sending request for url (http://127.0.0.1:22/): ${words}`),
  );
  assert.deepEqual([kind, transient], ["no HTTP", false]);
});

/** What follows the first message of a stream. */
const LATER: Record<string, readonly [rest: string, said: Said]> = {
  "an error": [chunk('{"error":{"grpc_code":14,"message":"etcdserver: no leader"}}\n'), {
    says: `it has no leader, as when most members are down; ${MAJORITY}`,
    transient: true,
  }],
  "its end": ["0\r\n\r\n", { says: "the server ended the stream; see its log", transient: true }],
  "the end of the connection": ["", { says: CLOSED, transient: true }],
  "no result": [chunk('{"other":1}\n'), { says: MALFORMED("no result") }],
  "a wrong result": [chunk('{"result":1}\n'), { says: MALFORMED("a wrong value of result") }],
  "no JSON": [chunk("hello\n"), { says: MALFORMED("no JSON") }],
  "a line without an end": [chunk("x".repeat(3_000_000)), { says: MALFORMED("more than 1 MiB") }],
  "a long line": [chunk(`{"result":{"a":"${"x".repeat(1_100_000)}"}}\n`), { says: MALFORMED("more than 1 MiB") }],
};

for (const [name, [rest, { says, transient = false }]] of Object.entries(LATER)) {
  Deno.test(`a stream, and then ${name}`, async () => {
    const messages = chunk('{"result":{"a":"1"}}\n{"result"') + chunk(':{"a":"ä"}}\n\n');
    using server = new FakeEtcd(() => bytes(STREAM_HEAD + messages + rest));
    using client = new EtcdClient(await parseEtcd(server.url));
    const found: unknown[] = [];
    await assert.rejects(async () => {
      for await (const message of client.stream(Path.watch, {}, { timeout })) found.push(message);
    }, (error) => {
      assert.ok(error instanceof EtcdError);
      assert.ok(error.message.endsWith(`: ${says}`), error.message);
      assert.equal(error.transient, transient);
      return true;
    });
    assert.deepEqual(found, [{ a: "1" }, { a: "ä" }]);
  });
}

function broken(): Uint8Array {
  return Uint8Array.of(...bytes('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"'), 0xff, 0xfe, 0x22, 0x0a);
}

function endless(): Uint8Array {
  return bytes(`HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n{"a":"${"x".repeat(2_000_000)}`);
}

async function compressed(): Promise<Uint8Array> {
  const zeros = new Blob([`{"a":"${"0".repeat(2_000_000)}`]).stream().pipeThrough(new CompressionStream("gzip"));
  const body = await new Response(zeros).bytes();
  const head = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length + 1_000_000}\r\n\r\n`;
  return Uint8Array.of(...bytes(head), ...body);
}
