/** Encrypted connections, with certificates of every kind. */

import assert from "node:assert/strict";
import { sera } from "../../cli/program.ts";
import { ConfigError } from "../../../lib/errors.ts";
import { type Certificates, makeCertificates, type ServerCertificate } from "../../servers/certificates.ts";
import { mariaDbUnavailable, startMariaDb } from "../../servers/mariadb.ts";
import type { MySqlServer } from "../../servers/mysql_process.ts";
import { Proxy } from "../../servers/proxy.ts";
import { ask, assertUnavailable } from "./ask.ts";
import { assertTrustsNamedOnly } from "../network/other_authorities.ts";
import { failure, freshName, hold, open } from "../open.ts";
import { runTool } from "../../servers/tool.ts";
import { sharedMariaDb, SharedServer } from "../shared_server.ts";
import { HANG } from "../../cli/wait.ts";

const CIPHER = "SHOW SESSION STATUS LIKE 'Ssl_cipher'";
const HOSTS = ["127.0.0.1", "localhost", "[::1]"] as const;
type Host = typeof HOSTS[number];

const folder = Deno.makeTempDirSync({ prefix: "sera-tls-" });
const presented: ServerCertificate = { cert: `${folder}/cert.pem`, key: `${folder}/key.pem`, ca: `${folder}/ca.pem` };
let certificates: Certificates;

const secure = new SharedServer("MariaDB with TLS", mariaDbUnavailable, async () => {
  await Deno.mkdir(`${folder}/certificates`);
  certificates = await makeCertificates(`${folder}/certificates`);
  await copy(certificates.good);
  const server = await startMariaDb({ tls: presented });
  for (const host of ["127.0.0.1", "::1", "localhost"]) {
    await server.query(`CREATE USER 'encrypted'@'${host}' IDENTIFIED BY 'secret' REQUIRE SSL`);
  }
  return server;
});
const plain = sharedMariaDb();

Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

/** Makes the server show another certificate from now on. */
async function show(server: MySqlServer, certificate: ServerCertificate): Promise<void> {
  await copy(certificate);
  await server.query("FLUSH SSL");
}

async function copy(certificate: ServerCertificate): Promise<void> {
  for (const part of ["cert", "key", "ca"] as const) await Deno.copyFile(certificate[part], presented[part]);
}

function reachable(server: MySqlServer): Host[] {
  return HOSTS.filter((host) => host !== "[::1]" || server.ipv6);
}

async function assertEncrypted(dsn: string, tlsCa?: string): Promise<void> {
  assert.match(String((await ask(dsn, CIPHER, tlsCa)).Value), /^TLS_/, dsn);
}

/** Certificates, and the hosts for which tls=true takes them. */
const VERIFIED: [keyof Certificates, readonly Host[], RegExp][] = [
  ["good", HOSTS, /./],
  [
    "addressOnly",
    ["127.0.0.1"],
    /: TLS failed: the server's certificate is for [-\w., ]+, not for [\w.:]+; connect by a name/,
  ],
  [
    "nameOnly",
    ["localhost"],
    /: TLS failed: the server's certificate is for [-\w., ]+, not for [\w.:]+; connect by a name/,
  ],
  ["otherName", [], /: TLS failed: the server's certificate is for [-\w., ]+, not for [\w.:]+; connect by a name/],
  [
    "expired",
    [],
    /: TLS failed: the server.s certificate, or one that signed it, has expired \(\d{4}-\d\d-\d\d\); renew it/,
  ],
  ["untrusted", [], /: TLS failed: no trusted CA signed .+; name the CA that signed it \(tls-ca\)/],
];

for (const [kind, accepted, reason] of VERIFIED) {
  secure.test(`tls=true accepts or refuses a certificate correctly: ${kind}`, async (server) => {
    await show(server, certificates[kind] as ServerCertificate);
    for (const host of reachable(server)) {
      const dsn = `sera:secret@tcp(${host}:${server.port})/?tls=true`;
      if (accepted.includes(host)) await assertEncrypted(dsn, certificates.ca);
      else {
        await assertUnavailable(dsn, reason, certificates.ca);
      }
    }
  });

  for (const tls of ["skip-verify", "preferred"]) {
    secure.test(`tls=${tls} encrypts with any certificate: ${kind}`, async (server) => {
      await show(server, certificates[kind] as ServerCertificate);
      for (const host of reachable(server)) {
        await assertEncrypted(`sera:secret@tcp(${host}:${server.port})/?tls=${tls}`);
        await assertEncrypted(`encrypted:secret@tcp(${host}:${server.port})/?tls=${tls}`);
      }
    });
  }
}

secure.test("each of several hosts needs its own certificate, or is skipped", async (server) => {
  await show(server, certificates.nameOnly);
  const at = (...hosts: string[]) => `sera:secret@tcp(${hosts.map((host) => `${host}:${server.port}`)})/?tls=true`;
  await assertEncrypted(at("127.0.0.1", "localhost"), certificates.ca);
  await assertEncrypted(at("localhost", "127.0.0.1"), certificates.ca);
  const reason = String
    .raw`TLS failed: the server's certificate is for localhost, name-only, not for 127\.0\.0\.1; [^\n]+`;
  const address = String.raw`tcp\(127\.0\.0\.1:${server.port}\)`;
  await assertUnavailable(
    at("127.0.0.1", "127.0.0.1"),
    new RegExp(`^Cannot lock on MySQL at ${address}: ${reason}, and at ${address}: ${reason}$`),
    certificates.ca,
  );
});

secure.test("tls=true without a CA of one's own does not trust a private one", async (server) => {
  await show(server, certificates.good);
  await assertUnavailable(server.dsn("tls=true"), /: TLS failed: .+\(tls-ca\)/);
});

secure.test("a lock over TLS is held, waited for and released", async (server) => {
  await show(server, certificates.good);
  const name = freshName();
  const dsn = `encrypted:secret@tcp(127.0.0.1:${server.port})/?tls=true`;
  await using one = await open(dsn, name, certificates.ca);
  await using other = await open(dsn, name, certificates.ca);
  const lock = await hold(one);
  const granted = other.acquire(HANG, new AbortController().signal);
  await lock.release();
  await (await granted)!.release();
});

secure.test("a Unix socket can be encrypted too, with localhost as the server's name", async (server) => {
  if (Deno.version.deno.startsWith("2.7.")) return console.log("left out: Deno 2.7 cannot encrypt a unix socket");
  await show(server, certificates.nameOnly);
  await assertEncrypted(`sera:secret@unix(${server.socket})/?tls=true`, certificates.ca);
});

secure.test("without tls nothing is encrypted", async (server) => {
  for (const tls of ["", "tls=false", "allowFallbackToPlaintext=true"]) {
    assert.equal((await ask(server.dsn(tls), CIPHER)).Value, "");
  }
  const at = `encrypted:secret@tcp(127.0.0.1:${server.port})/`;
  await assertUnavailable(at, /Access denied/);
});

secure.test("TLS and compression go together", async (server) => {
  await show(server, certificates.good);
  const dsn = server.dsn("tls=true&compress=true");
  await assertEncrypted(dsn, certificates.ca);
  assert.equal((await ask(dsn, "SHOW SESSION STATUS LIKE 'Compression'", certificates.ca)).Value, "ON");
});

secure.test("a fallback to plain text is for servers without TLS, not for bad certificates", async (server) => {
  await show(server, certificates.otherName);
  const dsn = server.dsn("tls=true&allowFallbackToPlaintext=true");
  await assertUnavailable(dsn, /: TLS failed: /, certificates.ca);
});

plain.test("a server without TLS is used in plain text over the same connection, if allowed", async (server) => {
  await using proxy = await Proxy.open(server.port);
  for (const params of ["tls=preferred", "tls=true&allowFallbackToPlaintext=true"]) {
    const dsn = proxy.instead(server.dsn(params));
    assert.equal((await ask(dsn, CIPHER)).Value ?? "", "");
  }
  assert.equal(proxy.accepted, 2);
  await assertUnavailable(server.dsn("tls=skip-verify"), /the server offers no TLS, which tls in the DSN requires/);
});

secure.test("an unusable CA file is reported with its path", async (server) => {
  const missing = await failure(server.dsn("tls=true"), `${folder}/nothing.pem`);
  assert.ok(missing instanceof ConfigError);
  assert.match(missing.message, /^Cannot read the CA file: .+nothing\.pem: [^\n]+$/);
  await Deno.writeTextFile(`${folder}/empty.pem`, "");
  const empty = await failure(server.dsn("tls=true"), `${folder}/empty.pem`);
  assert.ok(empty instanceof ConfigError);
  assert.match(
    empty.message,
    /^Cannot use the CA file: .+empty\.pem: it contains no certificate in PEM format; convert one/,
  );
});

secure.test("the program trusts the CA that tls-ca names, or one of the system", async (server) => {
  await show(server, certificates.good);
  const dsn = `encrypted:secret@tcp(127.0.0.1:${server.port})/?tls=true`;
  const run = (args: string[], env: Record<string, string>) => sera(["--server", dsn, ...args, "0", "true"], { env });
  const system = { DENO_TLS_CA_STORE: "system", SSL_CERT_FILE: certificates.ca };

  assert.deepEqual(await run(["--tls-ca", certificates.ca], {}), { code: 0, stdout: "", stderr: "" });
  assert.deepEqual(await run([], system), { code: 0, stdout: "", stderr: "" });

  const refused = await run([], {});
  assert.equal(refused.code, 202);
  assert.match(refused.stderr, /^[^\n]*TLS failed: [^\n]+\n$/);
  assert.doesNotMatch(refused.stderr, /secret/);

  await show(server, certificates.otherName);
  assert.equal((await run([], system)).code, 202);
});

secure.test("no variable makes the program trust another CA than the one that tls-ca names", async (server) => {
  const { ca, good, untrusted } = certificates;
  const dsn = `encrypted:secret@tcp(127.0.0.1:${server.port})/?tls=true`;
  await assertTrustsNamedOnly(["--server", dsn, "--tls-ca", ca], untrusted.ca, async (whose) => {
    await show(server, whose === "named" ? good : untrusted);
  });
});

secure.test("without tls-ca the runtime's variables say which CAs to trust", async (server) => {
  const { untrusted } = certificates;
  await show(server, untrusted);
  const run = (tls: string, env: Record<string, string>) =>
    sera(["--server", `encrypted:secret@tcp(127.0.0.1:${server.port})/?tls=${tls}`, "0", "true"], { env });
  assert.equal((await run("true", { DENO_CERT: untrusted.ca })).code, 0);
  const missing = { DENO_CERT: `${folder}/missing.pem` };
  const refused = await run("true", missing);
  assert.equal(refused.code, 200);
  assert.match(
    refused.stderr,
    /^sera: Cannot load the CAs that the runtime trusts: the file that DENO_CERT names: [^\n]*; [^\n]+\n$/,
  );
  assert.doesNotMatch(refused.stderr, /missing/);
  assert.equal((await run("skip-verify", missing)).code, 0);

  const fifo = { SSL_CERT_FILE: `${folder}/fifo` };
  await runTool("mkfifo", [fifo.SSL_CERT_FILE]);
  const stuck = await run("true", fifo);
  assert.equal(stuck.code, 200);
  assert.match(
    stuck.stderr,
    /^sera: Cannot load the CAs [^\n]+: the file that SSL_CERT_FILE names: not a regular file; [^\n]+\n$/,
  );
});

plain.test("a server without TLS is refused by tls=true and tls=skip-verify", async (server) => {
  for (const tls of ["true", "skip-verify"]) {
    await assertUnavailable(
      server.dsn(`tls=${tls}`),
      /: the server offers no TLS, which tls in the DSN requires: .+; set up TLS on the server .+, and check any proxy in/,
    );
  }
});

plain.test("a server without TLS is used in plain text where the DSN allows it", async (server) => {
  for (
    const params of [
      "tls=preferred",
      "tls=true&allowFallbackToPlaintext=true",
      "tls=skip-verify&allowFallbackToPlaintext=1",
    ]
  ) {
    assert.equal((await ask(server.dsn(params), CIPHER)).Value, "");
    await using backend = await open(server.dsn(params), freshName());
    await (await hold(backend)).release();
  }
});
