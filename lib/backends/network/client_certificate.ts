import { createPrivateKey, createPublicKey, type KeyObject, sign, verify, X509Certificate } from "node:crypto";
import { ConfigError } from "../../errors.ts";
import { pathOr } from "../../text/redaction.ts";
import { hasUnknownCritical, publicKeyOf, versionOf } from "./certificate.ts";
import { pemBlocks, toPem } from "./pem.ts";
import { readCertificates, readTlsFile } from "./tls_files.ts";

/** The kinds of keys that the runtime's TLS can use; Deno 2.7 aborts the process on any other. */
const KINDS = "RSA with 2048 to 8192 bits, P-256, P-384, P-521 or Ed25519";
const CURVES = ["prime256v1", "secp384r1", "secp521r1"];

/**
 * Reads a client's certificate and its key. They are checked here because the runtime would ignore a key that it cannot
 * read (Deno 2.9), or abort the process if the key belongs to another certificate (2.7) or the certificate is of a kind
 * that it does not take (both).
 *
 * @param settings What messages call the settings that name the two files.
 * @returns Both in the form of PEM that the runtime accepts.
 * @throws {ConfigError} When one of them cannot be read or used, or when they do not belong together.
 */
export async function readClientCertificate(
  certificate: string,
  key: string,
  settings = { cert: "sslcert", key: "sslkey" },
): Promise<{ readonly cert: string; readonly key: string }> {
  const cert = await readCertificates({ path: certificate, what: "client's certificate", setting: settings.cert });
  const text = await readTlsFile({ path: key, what: "client's key", setting: settings.key });
  const bad = (problem: string, cure: string) =>
    new ConfigError(`Cannot use the client's key: ${pathOr(key)}: ${problem}`, cure);
  const block = pemBlocks(text).find(({ label }) => /^([A-Z]+ )*PRIVATE KEY$/.test(label));
  if (block === undefined) {
    throw bad("it contains no private key in PEM format", "convert one in DER with openssl pkey -inform DER");
  }
  if (block.encrypted) {
    throw bad("it is encrypted, and sera cannot ask for its password", "decrypt it with openssl pkey");
  }
  const { label, der } = block;
  const own = der && orUndefined(() => createPrivateKey(toPem(label, der)));
  const other = `make a key of another kind (${KINDS}) and a certificate for it`;
  if (own === undefined) {
    throw bad(
      "its private key is damaged, or of a kind that sera's TLS does not support",
      `copy it again, or ${other}`,
    );
  }
  if (!isUsable(own)) throw bad(`sera's TLS cannot use a key of its kind (${kindOf(own)})`, other);
  // A key with inconsistent numbers would abort the process too.
  if (!orUndefined(() => isConsistent(own))) {
    throw bad("its private key is damaged", "copy it again from where it was made");
  }
  const leaf = pemBlocks(cert)[0]!.der!;
  const certified = orUndefined(() => new X509Certificate(leaf).publicKey);
  if (certified === undefined || spki(certified) !== spki(createPublicKey(own))) {
    throw bad(
      `it is not the key of the certificate ${pathOr(certificate)}`,
      `name the one that belongs to it (${settings.key})`,
    );
  }
  // The runtime compares the keys byte by byte.
  if (publicKeyOf(leaf).toBase64() !== spki(certified)) {
    throw bad(
      `the certificate ${
        pathOr(certificate)
      } has its key in a form that sera's TLS cannot use, such as a compressed point`,
      "convert the key with openssl pkey -ec_conv_form uncompressed, and get a certificate for it",
    );
  }
  const odd = (problem: string, cure: string) =>
    new ConfigError(`Cannot use the client's certificate: ${pathOr(certificate)}: ${problem}`, cure);
  if (versionOf(leaf) !== 3) {
    throw odd(
      "it is not of version 3, the only one that sera's TLS accepts",
      "make one of version 3, with extendedKeyUsage=clientAuth (openssl x509 -req needs -extfile for that)",
    );
  }
  if (hasUnknownCritical(leaf)) {
    throw odd(
      "it has a critical extension that sera does not support",
      "make one without it, or do not mark it critical",
    );
  }
  return { cert, key: own.export({ type: "pkcs8", format: "pem" }).toString() };
}

function isUsable({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  const { modulusLength = 0, namedCurve = "" } = asymmetricKeyDetails ?? {};
  return asymmetricKeyType === "rsa"
    ? modulusLength >= 2048 && modulusLength <= 8192
    : asymmetricKeyType === "ec"
    ? CURVES.includes(namedCurve)
    : asymmetricKeyType === "ed25519";
}

/** What kind of key it is, in OpenSSL's words. */
function kindOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  const { modulusLength, namedCurve } = asymmetricKeyDetails ?? {};
  if (asymmetricKeyType === "rsa") return `RSA with ${modulusLength} bits`;
  return namedCurve ?? (asymmetricKeyType ?? "unknown").replace("rsa-pss", "RSA-PSS");
}

/** Whether the public key verifies what the private key signs. */
function isConsistent(key: KeyObject): boolean {
  // The runtime's node:crypto cannot sign with P-521.
  if (key.asymmetricKeyDetails?.namedCurve === "secp521r1") return true;
  const hash = key.asymmetricKeyType === "ed25519" ? null : "sha256";
  const text = new Uint8Array(32);
  return verify(hash, text, createPublicKey(key), sign(hash, text, key));
}

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    // Errors of many classes; none says more.
    return undefined;
  }
}

function spki(key: KeyObject): string {
  return key.export({ type: "spki", format: "der" }).toString("base64");
}
