/** Certificates that are no model of their kind: sera and psql agree on them, and what sera alone refuses says why. */

import assert from "node:assert/strict";
import { makeOdd, makeOddAuthorities, type OddKind } from "../../servers/odd_certificates.ts";
import { startSystemPostgres, systemPostgresUnavailable, systemRecipe } from "../../servers/postgres_system.ts";
import { ask, assertUnavailable } from "../postgres/ask.ts";
import { SharedServer } from "../shared_server.ts";

const LEAF = "basicConstraints = critical, CA:FALSE";
const OWN_CA = "basicConstraints = critical, CA:TRUE";
const NAMES = "subjectAltName = DNS:localhost, IP:127.0.0.1";
const alternatives = (names: string) => [LEAF, `subjectAltName = ${names}`];

/** Deno 2.7 rejects a CA certificate as a server's certificate, even if that CA is trusted. */
const TAKES_CAS = !Deno.version.deno.startsWith("2.7.");

const OTHER_NAMES = /: TLS failed: the server's certificate is for [^;]+, not for [^;]+; connect by a name/;
const OLD = /: TLS failed: the server's certificate is not of version 3, [^;]+; make one of version 3/;
const A_CA = /: TLS failed: the server's own certificate is a CA certificate \(CA:TRUE\)[^;]+; make one with CA:FALSE/;
const EXPIRED = /: TLS failed: the server's certificate, or one that signed it, has expired \(2021-01-01\); renew it/;
const UNTRUSTED = /: TLS failed: (no trusted CA signed|the CA of that name in sslrootcert did not sign)/;
const BAD_ENCODING = /: TLS failed: the server's certificate is not (encoded correctly|of version 3)[^;]+; /;

/** What each is, the host, whether psql takes it, and what sera says if it does not. */
const TABLE: readonly [says: string, kind: OddKind, host: string, psql: boolean, refused?: RegExp][] = [
  ["its own root, CA:FALSE", { signer: "itself" }, "localhost", true],
  ["its own root, without basicConstraints", { signer: "itself", extensions: [NAMES] }, "localhost", true],
  ["its own root, CA:FALSE, a common name only", { signer: "itself", extensions: [LEAF] }, "localhost", true],
  [
    "its own root, CA:TRUE, a common name only",
    { signer: "itself", extensions: [OWN_CA] },
    "localhost",
    true,
    TAKES_CAS ? undefined : A_CA,
  ],
  [
    "its own root, for others",
    { signer: "itself", extensions: [LEAF], name: "other.example" },
    "localhost",
    false,
    OTHER_NAMES,
  ],
  [
    "its own root, expired",
    { signer: "itself", time: ["20200101000000Z", "20210101000000Z"] },
    "localhost",
    false,
    EXPIRED,
  ],
  ["its own root, version 1", { signer: "itself", old: true }, "localhost", true, OLD],
  ["version 1", { old: true }, "localhost", true, OLD],
  ["version 1, forged", { old: true, signer: "forger" }, "localhost", false, OLD],
  ["of a CA", { extensions: [OWN_CA, NAMES] }, "localhost", true, A_CA],
  ["a common name only", { extensions: [LEAF] }, "localhost", true],
  ["a common name only, in capitals", { extensions: [LEAF], name: "LocalHost" }, "localhost", true],
  ["another common name", { extensions: [LEAF], name: "other.example" }, "localhost", false, OTHER_NAMES],
  ["other names beside the common one", { extensions: alternatives("DNS:a.example") }, "localhost", false, OTHER_NAMES],
  ["addresses beside the common name", { extensions: alternatives("IP:10.0.0.1") }, "localhost", true],
  ["mail beside the common name", { extensions: alternatives("email:a@b.c") }, "localhost", true],
  ["an address as common name", { extensions: [LEAF], name: "127.0.0.1" }, "127.0.0.1", true],
  ["an address among the names", { extensions: alternatives("DNS:127.0.0.1") }, "127.0.0.1", true],
  ["another address", { extensions: alternatives("IP:10.0.0.1") }, "127.0.0.1", false, OTHER_NAMES],
  ["a wildcard", { extensions: alternatives("DNS:*.example.test") }, "db.example.test", true],
  ["a wildcard as common name", { extensions: [LEAF], name: "*.example.test" }, "db.example.test", true],
  [
    "a wildcard one level off",
    { extensions: alternatives("DNS:*.example.test") },
    "a.b.example.test",
    false,
    OTHER_NAMES,
  ],
  ["a wildcard of nothing", { extensions: alternatives("DNS:*.example.test") }, "example.test", false, OTHER_NAMES],
  ["expired", { time: ["20200101000000Z", "20210101000000Z"] }, "localhost", false, EXPIRED],
  [
    "not valid yet",
    { time: ["20980101000000Z", "20990101000000Z"] },
    "localhost",
    false,
    /: TLS failed: the server's certificate is not valid yet \(2098-01-01\); set the clock/,
  ],
  [
    "for clients",
    { extensions: [LEAF, NAMES, "extendedKeyUsage = clientAuth"] },
    "localhost",
    false,
    /: TLS failed: the server's certificate is not for servers \(extendedKeyUsage\); make one/,
  ],
  [
    "by a CA for other names",
    { signer: "constrained" },
    "localhost",
    false,
    /: TLS failed: (a CA that signed|no trusted CA signed) [^;]+; /,
  ],
  ["forged", { signer: "forger" }, "localhost", false, UNTRUSTED],
  // The runtime's verifier cannot read these, and Deno 2.9 then trusts them for the name of their issuer.
  ["forged, version 2", { signer: "forger", tamper: setVersion(1) }, "localhost", false, BAD_ENCODING],
  ["forged, version 4", { signer: "forger", tamper: setVersion(3) }, "localhost", false, BAD_ENCODING],
  ["forged, with a true that is not quite", { signer: "forger", tamper: blurTrue }, "localhost", false, BAD_ENCODING],
];

function setVersion(version: number): (der: Uint8Array) => void {
  return (der) => patch(der, [0xa0, 3, 2, 1, 2], [0xa0, 3, 2, 1, version]);
}

function blurTrue(der: Uint8Array): void {
  patch(der, [0x55, 0x1d, 0x13, 1, 1, 0xff], [0x55, 0x1d, 0x13, 1, 1, 1]);
}

function patch(der: Uint8Array, from: readonly number[], to: readonly number[]): void {
  const at = der.findIndex((_, start) => from.every((byte, offset) => der[start + offset] === byte));
  assert.ok(at > 0);
  der.set(to, at);
}

const folder = Deno.makeTempDirSync({ prefix: "sera-odd-" });
Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

const server = new SharedServer("PostgreSQL with odd certificates", systemPostgresUnavailable, async () => {
  await makeOddAuthorities(folder);
  return await startSystemPostgres({ tls: await makeOdd(folder, {}) });
});

/** Whether psql takes the server for the host that is asked for. */
async function psqlAccepts(settings: string): Promise<boolean> {
  const psql = new Deno.Command(`${systemRecipe().programs}/psql`, {
    args: ["-X", "-At", "-c", "SELECT 'in'", settings],
    clearEnv: true,
    env: { HOME: "/nonexistent", PATH: "/usr/bin:/bin" },
  });
  const { stdout, stderr, success } = await psql.output();
  const said = new TextDecoder().decode(success ? stdout : stderr);
  if (!success) assert.match(said, /SSL error|does not match host name/);
  return success;
}

for (const [says, kind, host, psql, refused] of TABLE) {
  server.test(`${says}: psql ${psql ? "takes" : "refuses"} it, sera ${refused ? "refuses" : "takes"} it`, async (at) => {
    const certificate = await makeOdd(folder, kind);
    await at.reload({ tls: { cert: certificate.cert, key: certificate.key } });
    const settings = `host=${host} hostaddr=127.0.0.1 port=${at.port} user=sera password=secret dbname=sera ` +
      `sslmode=verify-full sslrootcert=${certificate.ca}`;
    assert.equal(await psqlAccepts(settings), psql);
    if (refused) await assertUnavailable(settings, refused);
    else assert.equal((await ask(settings, "SELECT 'in' AS is")).is, "in");
  });
}
