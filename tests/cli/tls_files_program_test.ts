/** Files of CAs, keys and variables of every kind: the program reads them, or refuses them in one line; it never breaks. */

import assert from "node:assert/strict";
import { makeCertificates } from "../servers/certificates.ts";
import { runTool } from "../servers/tool.ts";
import { sera } from "./program.ts";

const folder = Deno.makeTempDirSync({ prefix: "sera-tls-files-" });
const path = (name: string) => `${folder}/${name}`;
const openssl = (args: string) => runTool("openssl", args.split(" "), { cwd: folder });

Deno.test.beforeAll(async () => {
  const { ca } = await makeCertificates(folder);
  const pem = await Deno.readTextFile(ca);
  const junk = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
  const files = {
    "bom.pem": `\ufeff${pem}`,
    "indented.pem": pem.replace(/^/gm, "  "),
    "empty.pem": "",
    "mixed.pem": pem + junk,
    "junk.pem": junk,
  };
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(path(name), text);
  await openssl("x509 -in ca.pem -trustout -out trusted.pem");
  await openssl("x509 -in ca.pem -addtrust clientAuth -out for-clients.pem");
  await openssl("x509 -in ca.pem -addreject serverAuth -out rejected.pem");
  await Deno.mkdir(path("none"));
});

Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

/** A server that closes the connection after the TLS handshake: a client that comes so far trusts it. */
class TlsServer implements AsyncDisposable {
  readonly #listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert: Deno.readTextFileSync(path("good.pem")),
    key: Deno.readTextFileSync(path("good.key")),
    alpnProtocols: ["postgresql"],
  });
  readonly #served = this.#serve();

  get setting(): string {
    const { port } = this.#listener.addr;
    return `postgres://sera@127.0.0.1:${port}/x?sslmode=verify-full&sslnegotiation=direct`;
  }

  async #serve(): Promise<void> {
    for (;;) {
      try {
        using connection = await this.#listener.accept();
        await connection.handshake();
      } catch (error) {
        if (error instanceof Deno.errors.BadResource) return;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#served;
  }
}

const TRUSTED = { code: 202, says: /: the server closed the connection; see its log$/ };
const refused = (says: RegExp) => ({ code: 200, says });

async function assertSays(params: string, { code, says }: typeof TRUSTED, env: Record<string, string> = {}) {
  const none = { SSL_CERT_FILE: undefined, SSL_CERT_DIR: undefined, DENO_TLS_CA_STORE: undefined };
  await using server = new TlsServer();
  const ended = await sera(["--server", server.setting + params, "0", "echo", "ran"], { env: { ...none, ...env } });
  assert.deepEqual({ code: ended.code, stdout: ended.stdout }, { code, stdout: "" }, ended.stderr);
  assert.match(ended.stderr, /^sera: [^\n]+\n$/);
  assert.match(ended.stderr.trimEnd(), says);
}

for (
  const [file, expected] of [
    ["ca.pem", TRUSTED],
    ["bom.pem", TRUSTED],
    ["indented.pem", TRUSTED],
    ["trusted.pem", TRUSTED],
    ["for-clients.pem", refused(/a certificate in it is marked as not trusted for servers; make one with openssl/)],
    ["rejected.pem", refused(/a certificate in it is marked as not trusted for servers/)],
    ["empty.pem", refused(/it contains no certificate in PEM format/)],
    ["junk.pem", refused(/a certificate in it is damaged/)],
    ["mixed.pem", refused(/a certificate in it is damaged/)],
  ] as const
) {
  Deno.test(`the program: a CA file ${file} is ${expected.code}`, () =>
    assertSays(`&sslrootcert=${path(file)}`, expected));
}

const NAMED = (variable: string) => refused(new RegExp(`^sera: Cannot load the CAs [^\n]*${variable}[^\n]*; [^\n]+`));

for (
  const [file, expected] of [
    ["ca.pem", TRUSTED],
    ["mixed.pem", NAMED("SSL_CERT_FILE names is damaged")],
    ["bom.pem", NAMED("SSL_CERT_FILE names holds no certificate")],
    ["trusted.pem", NAMED("SSL_CERT_FILE names holds no certificate")],
    ["empty.pem", NAMED("SSL_CERT_FILE names holds no certificate")],
    ["missing.pem", NAMED("SSL_CERT_FILE names: No such file")],
    ["none", NAMED("SSL_CERT_FILE names: is a directory")],
  ] as const
) {
  for (const stores of [{}, { DENO_TLS_CA_STORE: "system" }] as Record<string, string>[]) {
    Deno.test(`the system's CAs in ${file}, ${JSON.stringify(stores)}: ${expected.code}`, () =>
      assertSays("&sslrootcert=system", expected, { ...stores, SSL_CERT_FILE: path(file) }));
  }
}

Deno.test("a variable that leaves no CA to trust is refused by name; an empty one counts as unset", async () => {
  const system = "&sslrootcert=system";
  await assertSays(system, NAMED("DENO_TLS_CA_STORE"), { DENO_TLS_CA_STORE: "," });
  await assertSays(system, NAMED("DENO_TLS_CA_STORE"), { DENO_TLS_CA_STORE: "bogus" });
  await assertSays(system, NAMED("SSL_CERT_DIR"), { DENO_TLS_CA_STORE: "system", SSL_CERT_DIR: path("none") });
  await assertSays(system, NAMED("DENO_CERT"), { DENO_CERT: path("empty.pem") });
  await assertSays(system, TRUSTED, { DENO_TLS_CA_STORE: ",", DENO_CERT: path("ca.pem") });
  const empty = { DENO_TLS_CA_STORE: "", DENO_CERT: "", SSL_CERT_FILE: "", SSL_CERT_DIR: "" };
  await assertSays(system, { code: 202, says: /no trusted CA signed the server's certificate/ }, empty);
});

const KEY_KINDS: readonly [name: string, algorithm: string, expected: typeof TRUSTED][] = [
  ["rsa", "rsa -pkeyopt rsa_keygen_bits:2048", TRUSTED],
  ["p521", "ec -pkeyopt ec_paramgen_curve:secp521r1", TRUSTED],
  ["ed25519", "ed25519", TRUSTED],
  [
    "rsa1024",
    "rsa -pkeyopt rsa_keygen_bits:1024",
    refused(/cannot use a key of its kind \(RSA with 1024 bits\); make a/),
  ],
  [
    "pss",
    "rsa-pss -pkeyopt rsa_keygen_bits:2048",
    refused(/cannot use a key of its kind \(RSA-PSS\); make a key of ano/),
  ],
  ["k1", "ec -pkeyopt ec_paramgen_curve:secp256k1", refused(/cannot use a key of its kind \(secp256k1\)/)],
  ["p224", "ec -pkeyopt ec_paramgen_curve:secp224r1", refused(/cannot use a key of its kind \(secp224r1\)/)],
  ["ed448", "ed448", refused(/cannot use a key of its kind \(ed448\)/)],
  [
    "brainpool",
    "ec -pkeyopt ec_paramgen_curve:brainpoolP256r1",
    refused(/damaged, or of a kind that sera's TLS does not support/),
  ],
];

for (const [name, algorithm, expected] of KEY_KINDS) {
  Deno.test(`the program: a client's key of the kind ${name} is ${expected.code}`, async () => {
    await openssl(`genpkey -algorithm ${algorithm} -out ${name}.key`);
    await openssl(`req -x509 -key ${name}.key -subj /CN=sera -days 30 -out ${name}.pem`);
    await assertSays(
      `&sslrootcert=${path("ca.pem")}&sslcert=${path(`${name}.pem`)}&sslkey=${path(`${name}.key`)}`,
      expected,
    );
  });
}

Deno.test("the program: a client's key and certificate may have a byte order mark; a compressed point is refused", async () => {
  await openssl("genpkey -algorithm ec -pkeyopt ec_paramgen_curve:prime256v1 -out plain.key");
  await openssl("req -x509 -key plain.key -subj /CN=sera -days 30 -out plain.pem");
  for (const name of ["plain.key", "plain.pem"]) {
    await Deno.writeTextFile(path(`bom-${name}`), `\ufeff${await Deno.readTextFile(path(name))}`, { mode: 0o600 });
  }
  const files = (cert: string, key: string) =>
    `&sslrootcert=${path("ca.pem")}&sslcert=${path(cert)}&sslkey=${path(key)}`;
  await assertSays(files("bom-plain.pem", "bom-plain.key"), TRUSTED);
  await openssl("pkey -in plain.key -ec_conv_form compressed -out compressed.key");
  await openssl("req -x509 -key compressed.key -subj /CN=sera -days 30 -out compressed.pem");
  await assertSays(
    files("compressed.pem", "compressed.key"),
    refused(/has its key in a form that sera's TLS cannot use/),
  );
});
