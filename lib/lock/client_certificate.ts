import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { ConfigError } from "../errors.ts";
import { pathOr } from "../harmless.ts";
import { readCertificates, readTlsFile } from "./tls_files.ts";

/**
 * Reads a client's certificate and its key. The runtime would go on without a key that it cannot read (Deno 2.9), or end
 * the process for one that is another certificate's (2.7).
 *
 * @returns Both in PEM.
 * @throws {ConfigError} When one of them cannot be read or used, or when they do not belong together.
 */
export async function readClientCertificate(
  certificate: string,
  key: string,
): Promise<{ readonly cert: string; readonly key: string }> {
  const cert = await readCertificates({ path: certificate, what: "client's certificate", setting: "sslcert" });
  const text = await readTlsFile({ path: key, what: "client's key", setting: "sslkey" });
  const pem = /-----BEGIN ([A-Z]+ )*PRIVATE KEY-----[^]+?-----END ([A-Z]+ )*PRIVATE KEY-----/.exec(text)?.[0];
  const bad = (problem: string) => new ConfigError(`Cannot use the client's key: ${pathOr(key)}: ${problem}`);
  if (pem === undefined) {
    throw bad("there is no private key in PEM format in it; convert one in DER by openssl pkey -inform DER");
  }
  if (pem.includes("ENCRYPTED")) {
    throw bad("it is encrypted, and nobody is there to be asked for its password; decrypt it by openssl pkey");
  }
  const own = readOrUndefined(() => createPublicKey(createPrivateKey(pem)));
  if (own === undefined) throw bad("its private key is damaged, or of a kind that is not known here");
  const certified = readOrUndefined(() => new X509Certificate(cert).publicKey);
  if (certified === undefined || spki(own) !== spki(certified)) {
    throw bad(`it is not the key of the certificate ${pathOr(certificate)}; name the one that belongs to it (sslkey)`);
  }
  return { cert, key: text };
}

function readOrUndefined(read: () => KeyObject): KeyObject | undefined {
  try {
    return read();
  } catch {
    // Errors of many classes, of which none says more.
    return undefined;
  }
}

function spki(key: KeyObject): string {
  return key.export({ type: "spki", format: "der" }).toString("base64");
}
