import assert from "node:assert/strict";
import { type EtcdAddress, parseEtcd, shownEndpoint } from "../../../lib/backends/etcd/address.ts";
import { EtcdBackend, parse } from "../../../lib/backends/etcd/backend.ts";
import { DsnError } from "../../../lib/backends/registry.ts";
import { hasNoPassword } from "../../../lib/backends/registry.ts";

const NONE = { tls: false, user: undefined, password: undefined, cert: undefined, key: undefined, ca: undefined };

const local = { host: "127.0.0.1", port: 2379 };

const FORMS: Record<string, Partial<EtcdAddress>> = {
  "etcd://127.0.0.1": { endpoints: [local] },
  "ETCD://127.0.0.1:2379/": { endpoints: [local] },
  "etcds://db.example.com:4001": { endpoints: [{ host: "db.example.com", port: 4001 }], tls: true },
  "etcd://a,b:1,[::1]:2,[fe80::1]": {
    endpoints: [
      { host: "a", port: 2379 },
      { host: "b", port: 1 },
      { host: "::1", port: 2 },
      { host: "fe80::1", port: 2379 },
    ],
  },
  // One that is named twice would be asked twice.
  "etcd://a,b,a:2379": { endpoints: [{ host: "a", port: 2379 }, { host: "b", port: 2379 }] },
  "etcd://sera:secret@127.0.0.1/": { endpoints: [local], user: "sera", password: "secret" },
  "etcd://s%40ra:%2F%3Fs%25:e%40@127.0.0.1": { endpoints: [local], user: "s@ra", password: "/?s%:e@" },
  "etcd://127.0.0.1/jobs": { endpoints: [local], prefix: "jobs/" },
  "etcd://127.0.0.1/jobs/sera/": { endpoints: [local], prefix: "jobs/sera/" },
  "etcd://127.0.0.1//registry": { endpoints: [local], prefix: "/registry/" },
  "etcd://127.0.0.1/%C3%A4%20b": { endpoints: [local], prefix: "ä b/" },
  "etcds://127.0.0.1?cert=/etc/c.pem&key=/etc/k%20k.pem": {
    endpoints: [local],
    tls: true,
    cert: "/etc/c.pem",
    key: "/etc/k k.pem",
  },
};

for (const [text, expected] of Object.entries(FORMS)) {
  Deno.test(`etcd URL ${text}`, () => {
    assert.deepEqual(parseEtcd(text, undefined), { ...NONE, prefix: "sera/", ...expected });
  });
}

/** Unusable addresses, and a part of the message. */
const REFUSED: Record<string, RegExp> = {
  "etcd://": /it has no host; write etcd:\/\/host:2379/,
  "etcd:///sera": /it has no host/,
  "etcd://sera:secret@": /it has no host/,
  "etcd://a,,b": /one of its hosts is empty/,
  "etcd://a,": /one of its hosts is empty/,
  "etcd://::1": /more than one colon; write an IPv6 address in brackets/,
  "etcd://[::1": /more than one colon/,
  "etcd://[]:1": /neither a name nor an address/,
  "etcd://[localhost]": /neither a name nor an address/,
  "etcd://[fe80::1%25eth0]": /has a zone/,
  "etcd://a b": /neither a name nor an address/,
  "etcd://%2Frun%2Fetcd": /neither a name nor an address/,
  "etcd://a:0": /a port is invalid; write a number from 1 to 65535/,
  "etcd://a:65536": /a port is invalid/,
  "etcd://a:": /a port is invalid/,
  "etcd://a:http": /a port is invalid/,
  "etcd://sera@a": /the user has no password; write user:password@host, or host alone/,
  "etcd://sera:@a": /the user has no password/,
  "etcd://:secret@a": /there is no user before the @/,
  "etcd://sera:sec@ret@a": /an @ is not directly before the host; write each @ /,
  "etcd://sera:sec/ret@a": /a # or a misplaced @/,
  "etcd://sera:sec?ret@a": /a # or a misplaced @/,
  "etcd://sera:sec#ret@a": /a # or a misplaced @/,
  "etcd://sera:secret%@a": /the password has an invalid percent escape; write % as %25/,
  "etcd://se%ra:secret@a": /the user has an invalid percent escape/,
  "etcd://sera:secret": /a port is invalid/,
  "etcd://sera:secret/jobs": /a port is invalid/,
  "etcd://a/%": /the prefix has an invalid percent escape/,
  "etcd://a/%0A": /the prefix is too long, or contains characters that cannot be printed/,
  [`etcd://a/${"p".repeat(201)}`]: /the prefix is too long/,
  "etcds://a?cert=c.pem": /it has only one of cert and key/,
  "etcds://a?key=k.pem": /it has only one of cert and key/,
  "etcds://a?cert=&key=k.pem": /cert names no file; write cert=FILE/,
  "etcds://a?cert&key=k.pem": /cert names no file/,
  "etcds://a?cert=c&key=k&cert=c": /it has cert twice/,
  "etcd://a?cert=c.pem&key=k.pem": /a client certificate, but no TLS; write etcds:/,
  "etcds://a?password=secret": /a parameter other than cert and key/,
  "etcds://a?cert=c&key=k&": /a parameter other than cert and key/,
};

for (const [text, says] of Object.entries(REFUSED)) {
  Deno.test(`etcd URL refused: ${text}`, () => {
    assert.throws(() => parseEtcd(text, undefined), (error) => {
      assert.ok(error instanceof DsnError);
      assert.match(error.message, /^Cannot read the etcd URL: [^\n]+; [^\n]+$/);
      assert.match(error.message, says);
      assert.doesNotMatch(error.message, /secret|ret@|\bsec\b|se%ra/);
      return true;
    });
  });
}

Deno.test("an endpoint is written as in a URL", () => {
  assert.equal(shownEndpoint({ host: "::1", port: 2379 }), "[::1]:2379");
  assert.equal(shownEndpoint({ host: "db", port: 1 }), "db:1");
});

Deno.test("two addresses have the same identity exactly if they share locks; it contains no password", () => {
  const identity = (text: string) => parse(text, { env: () => undefined }).identity;
  const expected = "etcd:a:2379,b:2379/sera/";
  for (const text of ["etcd://a,b", "etcds://b,a:2379/sera", "etcd://sera:secret@a,b/sera/"]) {
    assert.equal(identity(text), expected);
  }
  assert.notEqual(identity("etcd://a,b/jobs"), expected);
  assert.notEqual(identity("etcd://a"), expected);
});

const SHOWN: Record<string, string> = {
  "etcd://a": "etcd at a:2379, prefix sera/, no user",
  "etcds://sera:secret@a:1,[::1]/jobs": "etcd at a:1, [::1]:2379, prefix jobs/, user sera, with a password",
  "etcd://s%40ra:secret@a": "etcd at a:2379, prefix sera/, user (not shown), with a password",
};

for (const [text, line] of Object.entries(SHOWN)) {
  Deno.test(`etcd URL shown: ${text}`, async () => {
    const backend = parse(text, { env: () => undefined, tlsCa: "/etc/ca.pem" });
    const shown = await backend.shown();
    assert.equal(shown.line, line);
    assert.doesNotMatch(JSON.stringify(shown), /secret|@/);
    assert.equal(hasNoPassword(text), !text.includes("@"));
  });
}

Deno.test("doctor shows everything of an etcd address but the password", async () => {
  const text = "etcds://sera:secret@a,b/jobs?cert=/etc/c.pem&key=/etc/k.pem";
  const { view } = await new EtcdBackend(parseEtcd(text, "/etc/ca.pem")).shown();
  assert.deepEqual(view, {
    kind: "etcd",
    host: "a",
    port: 2379,
    user: "sera",
    password: "set",
    prefix: "jobs/",
    tls: "verify",
    parameters: { cert: "/etc/c.pem", key: "/etc/k.pem", ca: "/etc/ca.pem" },
    hosts: [{ host: "a", port: 2379 }, { host: "b", port: 2379 }],
  });
});
