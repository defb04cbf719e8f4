/** The client against real etcds: one, with users, by TLS. */

import assert from "node:assert/strict";
import { EtcdClient } from "../../../lib/backends/etcd/client.ts";
import { EtcdError } from "../../../lib/backends/etcd/errors.ts";
import { deleteRange, grant, leaseRequest, Path, put, range, watch } from "../../../lib/backends/etcd/requests.ts";
import { readGrant, readKeepAlive, readRange, readStatus, readWatch } from "../../../lib/backends/etcd/answers.ts";
import { PERMISSIONS } from "../../../scripts/permissions.ts";
import { type Certificates, makeCertificates, type ServerCertificate } from "../../servers/certificates.ts";
import { makeOdd, makeOddAuthorities, type OddKind } from "../../servers/odd_certificates.ts";
import { etcdUnavailable, startEtcd } from "../../servers/etcd.ts";
import { base64 } from "../../servers/etcd_client.ts";
import type { EtcdMember } from "../../servers/etcd_member.ts";
import { forThisFile } from "../../servers/for_this_file.ts";
import { lendEtcd } from "../../servers/pool.ts";
import { Proxy } from "../../servers/proxy.ts";
import { parseEtcd } from "../parse.ts";
import { sideBySide } from "../../side_by_side.ts";

const ignore = etcdUnavailable !== undefined;
const etcd = forThisFile(etcdUnavailable, lendEtcd);

/** Longer than an answer takes, even on a busy machine. */
const timeout = 60_000;

/** What runs the fixture by the program's permissions. */
const VERSION = ["run", "--quiet", ...PERMISSIONS, `${import.meta.dirname}/../../fixtures/etcd_version.ts`];

async function connect(url: string, tlsCa?: string): Promise<EtcdClient> {
  return new EtcdClient(await parseEtcd(url, tlsCa));
}

async function versionAt(url: string, tlsCa?: string): Promise<string> {
  using client = await connect(url, tlsCa);
  return readStatus(await client.call(Path.status, {}, { timeout })).version;
}

async function failureOf(work: Promise<unknown>): Promise<EtcdError> {
  const error = await work.then(() => assert.fail("it did not fail"), (error) => error);
  assert.ok(error instanceof EtcdError, String(error));
  return error;
}

Deno.test({ name: "etcd is asked and answers, by name, IPv4 and IPv6", ignore }, async () => {
  const { port, version, ipv6 } = etcd();
  for (const host of ["127.0.0.1", "localhost", ...ipv6 ? ["[::1]"] : []]) {
    assert.equal(await versionAt(`etcd://${host}:${port}`), version);
  }
});

Deno.test({ name: "keys and leases are made, found and deleted", ignore }, async () => {
  using client = await connect(etcd().url());
  assert.equal(client.where, `etcd at 127.0.0.1:${etcd().port}`);
  const lease = readGrant(await client.call(Path.grant, grant(60), { timeout }));
  assert.equal(lease.seconds, 60n);
  await client.call(Path.put, put("t/ä", "1", lease.id));
  await client.call(Path.put, put("t/b", "2"));
  const find = async () =>
    readRange(await client.call(Path.range, range({ key: "t/", prefix: true, sort: "oldest first" })));
  const { keys, count } = await find();
  assert.deepEqual(keys.map(({ key, lease }) => [key, lease]), [["t/ä", lease.id], ["t/b", 0n]]);
  assert.equal(count, 2n);
  assert.ok(keys[0]!.created < keys[1]!.created);
  assert.equal(readKeepAlive(await client.call(Path.keepAlive, leaseRequest(lease.id))), 60n);
  await client.call(Path.revoke, leaseRequest(lease.id));
  assert.equal(readKeepAlive(await client.call(Path.keepAlive, leaseRequest(lease.id))), 0n);
  assert.equal((await failureOf(client.call(Path.revoke, leaseRequest(lease.id)))).code, 5);
  assert.deepEqual((await find()).keys.map(({ key }) => key), ["t/b"]);
  await client.call(Path.deleteRange, deleteRange("t/", true));
});

Deno.test({ name: "a watch tells of what happens, and ends with its signal", ignore }, async () => {
  using client = await connect(etcd().url());
  const over = new AbortController();
  const messages = client.stream(Path.watch, watch({ key: "w/", prefix: true }), { timeout, signal: over.signal });
  assert.deepEqual(readWatch((await messages.next()).value).events, []);
  await client.call(Path.put, put("w/1", "x"));
  const { events: [made] } = readWatch((await messages.next()).value);
  assert.deepEqual([made!.deleted, made!.key.key], [false, "w/1"]);
  await client.call(Path.deleteRange, deleteRange("w/1"));
  const { events: [gone] } = readWatch((await messages.next()).value);
  assert.deepEqual([gone!.deleted, gone!.key.key], [true, "w/1"]);
  const why = new Error("no longer needed");
  const next = messages.next();
  over.abort(why);
  await assert.rejects(next, (error) => error === why);
});

Deno.test({ name: "a watch from a revision that is compacted is told so", ignore }, async () => {
  using client = await connect(etcd().url());
  for (const value of ["1", "2", "3"]) await client.call(Path.put, put("c", value));
  const { revision } = readRange(await client.call(Path.range, range({ key: "c" })));
  await client.call("/v3/kv/compaction", { revision: String(revision) });
  const messages = client.stream(Path.watch, watch({ key: "c", from: revision - 1n }), { timeout });
  const found = [readWatch((await messages.next()).value)];
  while (found.at(-1)!.canceled === undefined) found.push(readWatch((await messages.next()).value));
  assert.equal(found.at(-1)!.compacted, revision);
  await messages.return(undefined as never);
});

Deno.test({ name: "who stops looking at a watch leaves nothing open", ignore }, async () => {
  using client = await connect(etcd().url());
  for await (const message of client.stream(Path.watch, watch({ key: "w" }), { timeout })) {
    assert.deepEqual(readWatch(message).events, []);
    break;
  }
  // Its connection has gone: this is one more than can be open to one host otherwise.
  await client.call(Path.status, {}, { timeout });
});

Deno.test({ name: "a watch leaves the connection of the other requests to them", ignore }, async () => {
  await using proxy = await Proxy.open(etcd().port);
  using client = await connect(proxy.instead(etcd().url()));
  await client.call(Path.status, {}, { timeout });
  assert.equal(proxy.accepted, 1);
  // One after the other: the first must not leave the next without.
  for (const watches of [1, 2, 3]) {
    const messages = client.stream(Path.watch, watch({ key: "w" }), { timeout });
    await messages.next();
    assert.equal(proxy.accepted, 1 + watches);
    await client.call(Path.status, {}, { timeout });
    assert.equal(proxy.accepted, 1 + watches);
    await messages.return(undefined as never);
  }
});

Deno.test({ name: "a request ends with its signal, and all end with the client", ignore }, async () => {
  const client = await connect(etcd().url());
  const why = new Error("no longer needed");
  await assert.rejects(client.call(Path.status, {}, { signal: AbortSignal.abort(why) }), (error) => error === why);
  const messages = client.stream(Path.watch, watch({ key: "w" }), { timeout });
  await messages.next();
  const next = messages.next();
  client.close();
  await assert.rejects(next, /the client is closed/);
  await assert.rejects(client.call(Path.status, {}), /the client is closed/);
});

Deno.test({ name: "no proxy of the environment is asked, by the permissions of the program too", ignore }, async () => {
  await useTls(async ({ certificates: { ca }, good, mutual }) => {
    // No server listens there.
    const proxy = "http://127.0.0.1:9";
    const names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    for (const [url, ...more] of [[etcd().url()], [good.url(), ca], [mutual.url(), ca]]) {
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [...VERSION, url!, ...more],
        env: Object.fromEntries(names.map((name) => [name, proxy])),
      }).output();
      assert.equal(new TextDecoder().decode(stderr), "");
      assert.equal(new TextDecoder().decode(stdout), `${good.version} ${proxy} ${proxy} ${proxy}\n`);
    }
  });
});

Deno.test({ name: "users log in, once, and again when their login has ended", ignore }, async () => {
  await using server = await startEtcd({ auth: true });
  using client = await connect(server.url());
  await client.call(Path.put, put("sera/a", "1"), { timeout });
  assert.ok(client.isLoggedIn);
  const found = async () => readRange(await client.call(Path.range, range({ key: "sera/a" }), { timeout })).count;
  assert.equal(await found(), 1n);
  await server.restart();
  assert.equal(await found(), 1n);
  await server.etcdctl("user", "add", "other", "--new-user-password=x");
  assert.equal(await found(), 1n);

  const denied = await failureOf(client.call(Path.range, range({ key: "other" }), { timeout }));
  assert.deepEqual([denied.code, denied.transient], [7, false]);
  assert.match(denied.message, /: permission denied; allow the user the keys below sera\/: etcdctl role /);

  // The server tells of the login that it has ended, and then that there is none.
  await server.etcdctl("auth", "disable");
  assert.equal(await found(), 1n);
  assert.equal(client.isLoggedIn, false);
  await server.etcdctl("auth", "enable");
  assert.equal(await found(), 1n);
  assert.ok(client.isLoggedIn);
  await server.etcdctl("auth", "disable");
  assert.equal(await found(), 1n);
  await server.etcdctl("user", "delete", "sera");
  await server.etcdctl("auth", "enable");
  const gone = await failureOf(client.call(Path.range, range({ key: "sera/a" }), { timeout }));
  assert.equal(gone.transient, false);
});

Deno.test({ name: "a user or a password that is wrong is said to be, once, and not shown", ignore }, async () => {
  await using server = await startEtcd({ auth: true });
  const { port } = server;
  await sideBySide(Object.fromEntries([
    [`etcd://sera:wrong-one@127.0.0.1:${port}`, /: wrong user or password; check them in the server setting$/],
    [`etcd://wrong-one:secret@127.0.0.1:${port}`, /: wrong user or password; check them in the server setting$/],
    [`etcd://127.0.0.1:${port}`, /: it requires a user; write user:password@ before its hosts in the server setting$/],
  ].map(([url, says]) => [String(url), async () => {
    using client = await connect(String(url));
    const error = await failureOf(client.call(Path.range, range({ key: "sera/a" }), { timeout }));
    assert.match(error.message, says as RegExp);
    assert.doesNotMatch(error.message, /secret|wrong-one/);
    assert.deepEqual([error.transient, error.elsewhere], [false, false]);
  }])));
});

Deno.test({ name: "a user where nobody has to log in does no harm", ignore }, async () => {
  using client = await connect(`etcd://sera:secret@127.0.0.1:${etcd().port}`);
  await client.call(Path.put, put("sera/a", "1"), { timeout });
  await client.call(Path.deleteRange, deleteRange("sera/a"), { timeout });
  assert.equal(client.isLoggedIn, false);
});

Deno.test({ name: "an etcd that is full, or without its gateway, is told as such", ignore }, async () => {
  await using server = await startEtcd({ extraArgs: ["--quota-backend-bytes=65536"] });
  using client = await connect(server.url());
  const full = await failureOf(client.call(Path.put, put("k", "x".repeat(100_000)), { timeout }));
  assert.match(
    full.message,
    /: its database is full \(alarm NOSPACE\); compact and defragment it, then etcdctl alarm /,
  );
  await server.restart(["--enable-grpc-gateway=false"]);
  const off = await failureOf(client.call(Path.status, {}, { timeout }));
  assert.match(
    off.message,
    /: its JSON gateway is off, [^\n]+; name its port .* turn on enable-grpc-gateway, which a configuration file leaves off/,
  );
  assert.deepEqual([off.transient, off.code], [false, undefined]);
});

interface Secured {
  readonly certificates: Certificates;
  readonly good: EtcdMember;
  readonly mutual: EtcdMember;
}

/** Starts what tests of TLS need: an etcd by TLS, and one that asks clients for certificates. */
async function useTls(test: (secured: Secured) => Promise<void>): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "sera-certificates-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const certificates = await makeCertificates(folder);
  const { good, bothWays, client } = certificates;
  const [one, other] = await Promise.all([startEtcd({ tls: good }), startEtcd({ tls: bothWays, client })]);
  await test({ certificates, good: stack.use(one), mutual: stack.use(other) });
}

Deno.test({ name: "etcd is reached by TLS, and with a certificate if it asks for one", ignore }, async () => {
  await useTls(async ({ certificates: { ca, client, otherClient, untrusted }, good, mutual }) => {
    for (const host of ["127.0.0.1", "localhost", ...good.ipv6 ? ["[::1]"] : []]) {
      assert.equal(await versionAt(`etcds://${host}:${good.port}`, ca), good.version);
    }
    assert.equal(await versionAt(mutual.url(), ca), mutual.version);

    const says = async (url: string, tlsCa: string | undefined, expected: RegExp) => {
      const { message, transient } = await failureOf(versionAt(url, tlsCa));
      assert.match(message, expected);
      assert.equal(transient, false, message);
    };
    const { port } = good;
    await says(`etcd://127.0.0.1:${port}`, undefined, /: it accepts TLS only; write etcds:\/\/ in the server setting$/);
    await says(
      `etcds://127.0.0.1:${etcd().port}`,
      ca,
      /: it does not use TLS; set up TLS in etcd \(--cert-file, --key-file\), or write etcd:\/\/ in the server setting$/,
    );
    await says(
      `etcds://127.0.0.1:${port}`,
      untrusted.ca,
      /: TLS failed: no trusted CA signed the server's certificate \([^\n]+\); name the CA .*\(tls-ca\)/,
    );
    await says(
      `etcds://127.0.0.1:${mutual.port}`,
      ca,
      /: TLS failed: the server asks for a client certificate; add \?cert/,
    );
    const other = new URLSearchParams({ cert: otherClient.cert, key: otherClient.key });
    await says(
      `etcds://127.0.0.1:${mutual.port}?${other}`,
      ca,
      /: TLS failed: the server does not accept the client's certificate; use one /,
    );
    await assert.rejects(
      versionAt(`etcds://127.0.0.1:${port}`, `${ca}.none`),
      /^Error: Cannot read the CA file: /,
    );
    const swapped = new URLSearchParams({ cert: client.cert, key: otherClient.key });
    await assert.rejects(
      versionAt(`etcds://127.0.0.1:${mutual.port}?${swapped}`, ca),
      /^Error: Cannot use the client's key: [^\n]+: it is not the key of the certificate [^\n]+\(key\)$/,
    );
  });
});

Deno.test({ name: "a gateway whose certificate is none for clients is told as such", ignore }, async () => {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "sera-certificates-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const { good, client } = await makeCertificates(folder);
  const server = stack.use(await startEtcd({ tls: good, client }));
  const { message, transient } = await failureOf(versionAt(server.url(), good.ca));
  assert.match(
    message,
    /: its JSON gateway cannot connect to it; with --client-cert-auth .+ extendedKeyUsage=serverAuth,clientAuth; /,
  );
  assert.equal(transient, true);
});

Deno.test({ name: "a certificate for another host, of another time, or forged is not trusted", ignore }, async () => {
  await using stack = new AsyncDisposableStack();
  const folders = [
    Deno.makeTempDirSync({ prefix: "sera-odd-" }),
    Deno.makeTempDirSync({ prefix: "sera-odd-" }),
  ] as const;
  for (const folder of folders) stack.defer(() => Deno.remove(folder, { recursive: true }));
  const { otherName, expired, addressOnly, nameOnly } = await makeCertificates(folders[0]);
  await makeOddAuthorities(folders[1]);
  const odd = (kind: OddKind) => makeOdd(folders[1], kind);
  const cases: Record<string, [tls: ServerCertificate, host: string, says: RegExp]> = {
    otherName: [
      otherName,
      "127.0.0.1",
      /the server's certificate is for other\.example, other-name, not for 127\.0\.0\.1;/,
    ],
    expired: [expired, "127.0.0.1", /the server's certificate, or one that signed it, has expired \(/],
    addressOnly: [
      addressOnly,
      "localhost",
      /the server's certificate is for address-only, 127\.0\.0\.1, not for local/,
    ],
    nameOnly: [nameOnly, "127.0.0.1", /the server's certificate is for localhost, name-only, not for 127\.0\.0\.1;/],
    commonName: [
      await odd({ extensions: ["basicConstraints = critical, CA:FALSE"] }),
      "localhost",
      /does not have localhost in its subjectAltName, only elsewhere; make one with subjectAltName=DNS:localhost$/,
    ],
    version1: [await odd({ old: true }), "localhost", /the server's certificate is not of version 3,/],
    forged: [await odd({ signer: "forger" }), "localhost", /the CA of that name in tls-ca did not sign the server's/],
  };
  await sideBySide(
    Object.fromEntries(
      Object.entries(cases).map(([name, [tls, host, says]]) => [name, async () => {
        await using server = await startEtcd({ tls });
        const { message, transient } = await failureOf(versionAt(`etcds://${host}:${server.port}`, tls.ca));
        assert.match(message, new RegExp(`: TLS failed: [^;]*${says.source}`));
        assert.equal(transient, false);
      }]),
    ),
    2,
  );
});

Deno.test({ name: "no variable makes it trust another CA than the one that is named", ignore }, async () => {
  await useTls(async ({ certificates: { ca, untrusted }, good }) => {
    const run = async (env: Record<string, string>, ...args: string[]) => {
      const command = new Deno.Command(Deno.execPath(), { args: [...VERSION, ...args], env });
      const { success, stdout, stderr } = await command.output();
      return new TextDecoder().decode(success ? stdout : stderr);
    };
    const ways: Record<string, string>[] = [{ DENO_CERT: ca }, { DENO_TLS_CA_STORE: "system", SSL_CERT_FILE: ca }];
    for (const env of ways) {
      assert.match(await run(env, good.url(), untrusted.ca), /: TLS failed: no trusted CA signed /);
      // Where none is named they count.
      assert.match(await run(env, good.url()), /^3\.\d+\.\d+\b/);
    }
  });
});

Deno.test({ name: "a key of others that is no text does not stop who looks", ignore }, async () => {
  using client = await connect(etcd().url());
  const odd = Uint8Array.of(...new TextEncoder().encode("odd/"), 0xff, 0).toBase64();
  await client.call(Path.put, { key: odd, value: base64("x") }, { timeout });
  const { keys } = readRange(await client.call(Path.range, range({ key: "odd/", prefix: true })));
  assert.deepEqual(keys.map(({ key }) => key), [undefined]);
  await client.call(Path.deleteRange, deleteRange("odd/", true));
});
