/** Files that encryption needs, of every kind and damage: taken, or refused with the path, before anything is sent. */

import assert from "node:assert/strict";
import { readClientCertificate } from "../../../lib/backends/network/client_certificate.ts";
import { readCertificates } from "../../../lib/backends/network/tls_files.ts";
import { ConfigError } from "../../../lib/errors.ts";
import { runTool } from "../../servers/tool.ts";

const folder = Deno.makeTempDirSync({ prefix: "sera-files-" });
Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

const openssl = (args: string) => runTool("openssl", args.split(" "), { cwd: folder });

Deno.test.beforeAll(async () => {
  for (
    const [name, algorithm] of [
      ["rsa", "rsa -pkeyopt rsa_keygen_bits:2048"],
      ["other", "rsa -pkeyopt rsa_keygen_bits:2048"],
      ["p256", "ec -pkeyopt ec_paramgen_curve:prime256v1"],
      ["p384", "ec -pkeyopt ec_paramgen_curve:secp384r1"],
      ["ed25519", "ed25519"],
    ]
  ) {
    await openssl(`genpkey -algorithm ${algorithm} -out ${name}.key`);
    await openssl(`req -x509 -key ${name}.key -subj /CN=${name} -days 30 -out ${name}.pem`);
  }
  await openssl("rsa -in rsa.key -traditional -out pkcs1.key");
  await openssl("ec -in p256.key -out sec1.key");
  await openssl("rsa -in rsa.key -aes128 -passout pass:x -traditional -out encrypted1.key");
  await openssl("pkcs8 -topk8 -in rsa.key -passout pass:x -out encrypted8.key");
  await openssl("rsa -in rsa.key -outform DER -out der.key");
  await openssl("x509 -in rsa.pem -outform DER -out der.pem");
  await openssl("req -new -key rsa.key -subj /O=sera -out rsa.csr");
  const signed = "x509 -req -in rsa.csr -CA other.pem -CAkey other.key -CAcreateserial -days 30";
  await openssl(`${signed} -out old.pem`);
  for (
    const [name, extension] of [
      ["client", "extendedKeyUsage = clientAuth"],
      ["critical", "extendedKeyUsage = critical, clientAuth"],
      ["policies", "certificatePolicies = critical, 1.2.3.4"],
    ]
  ) {
    await Deno.writeTextFile(`${folder}/${name}.ext`, `${extension}\n`);
    await openssl(`${signed} -extfile ${name}.ext -out ${name}.pem`);
  }
  const read = (name: string) => Deno.readTextFile(`${folder}/${name}`);
  const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
  await openssl("ecparam -name prime256v1 -out parameters.pem");
  await write("parameters.key", await read("parameters.pem") + await read("sec1.key"));
  await write("both.pem", await read("rsa.pem") + await read("rsa.key"));
  await write("crlf.pem", (await read("rsa.pem")).replaceAll("\n", "\r\n"));
  await write("explained.pem", `# the server's\n${await read("rsa.pem")}`);
  await write("empty", "");
  await write("cut.pem", (await read("rsa.pem")).slice(0, 300));
  await write("cut.key", (await read("rsa.key")).slice(0, 300));
  await write("damaged.pem", (await read("rsa.pem")).replace(/\n.{64}\n/, "\n"));
  await write("damaged.key", (await read("rsa.key")).replace(/\n.{64}\n/, "\n"));
});

const PAIRS: readonly [certificate: string, key: string, refused?: RegExp][] = [
  ["rsa.pem", "rsa.key"],
  ["rsa.pem", "pkcs1.key"],
  ["p256.pem", "p256.key"],
  ["p256.pem", "sec1.key"],
  ["p256.pem", "parameters.key"],
  ["p384.pem", "p384.key"],
  ["ed25519.pem", "ed25519.key"],
  ["both.pem", "both.pem"],
  ["crlf.pem", "rsa.key"],
  ["rsa.pem", "other.key", /key: .+other\.key: it is not the key of the certificate .+rsa\.pem; name the one/],
  ["rsa.pem", "p256.key", /it is not the key of the certificate/],
  ["rsa.pem", "encrypted1.key", /it is encrypted, and sera cannot ask .+; decrypt it with openssl pkey$/],
  ["rsa.pem", "encrypted8.key", /it is encrypted/],
  ["rsa.pem", "der.key", /it contains no private key in PEM format; convert one in DER with openssl pkey/],
  ["rsa.pem", "empty", /it contains no private key in PEM format/],
  ["rsa.pem", "rsa.pem", /it contains no private key in PEM format/],
  ["rsa.pem", "cut.key", /it contains no private key in PEM format/],
  ["rsa.pem", "damaged.key", /its private key is damaged/],
  ["rsa.pem", "missing", /^Cannot read the client's key: .+missing: [^;]+; correct the path \(sslkey\)$/],
  ["der.pem", "rsa.key", /certificate: .+der\.pem: it contains no certificate in PEM format; convert one in DER/],
  ["damaged.pem", "rsa.key", /a certificate in it is damaged/],
  ["client.pem", "rsa.key"],
  ["critical.pem", "rsa.key"],
  [
    "old.pem",
    "rsa.key",
    /certificate: .+old\.pem: it is not of version 3, [^;]+; make one of version 3, with .+ -extfile/,
  ],
  ["policies.pem", "rsa.key", /certificate: .+policies\.pem: it has a critical extension that sera does not support;/],
];

for (const [certificate, key, refused] of PAIRS) {
  Deno.test(`a client's ${certificate} with ${key} is ${refused ? "refused" : "taken"}`, async () => {
    const read = readClientCertificate(`${folder}/${certificate}`, `${folder}/${key}`);
    if (refused) await assert.rejects(read, (error) => isConfigError(error, refused));
    else {
      const { cert, key } = await read;
      // The runtime aborts the process on a pair that it does not take.
      Deno.createHttpClient({ cert, key }).close();
    }
  });
}

const CA_FILES: readonly [file: string, refused?: RegExp][] = [
  ["rsa.pem"],
  ["both.pem"],
  ["crlf.pem"],
  ["explained.pem"],
  ["empty", /it contains no certificate in PEM format/],
  ["rsa.key", /it contains no certificate in PEM format/],
  ["cut.pem", /it contains no certificate in PEM format/],
  ["der.pem", /it contains no certificate in PEM format; convert one in DER with openssl x509 -inform DER$/],
  ["damaged.pem", /a certificate in it is damaged; copy it again/],
];

for (const [file, refused] of CA_FILES) {
  Deno.test(`a CA file ${file} is ${refused ? "refused" : "taken"}`, async () => {
    const read = readCertificates({ path: `${folder}/${file}`, what: "CA file", setting: "tls-ca" });
    if (refused) await assert.rejects(read, (error) => isConfigError(error, refused));
    else assert.match(await read, /BEGIN CERTIFICATE/);
  });
}

function isConfigError(error: unknown, message: RegExp): true {
  assert.ok(error instanceof ConfigError, `${error}`);
  assert.match(error.message, message);
  assert.match(error.message, /^Cannot (use|read) the [^\n]+$/);
  return true;
}
