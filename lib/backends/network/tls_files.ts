import { refuseExposed } from "../../system/file_trust.ts";
import { readSmallFile, UnfitFileError } from "../../system/small_file.ts";
import { ConfigError, messageOf } from "../../errors.ts";
import { pathOr } from "../../text/redaction.ts";
import { systemCure } from "../../system/limits.ts";
import { derValues, SEQUENCE } from "./der.ts";
import { pemBlocks, toPem } from "./pem.ts";

/** A file with certificates or a key. */
export interface TlsFile {
  readonly path: string;
  /** What messages call it. */
  readonly what: string;
  /** The setting that names it. */
  readonly setting: string;
}

/** The labels of certificates in PEM; OpenSSL has had several. */
const CERTIFICATE = /^((X509|TRUSTED) )?CERTIFICATE$/;
const TRUSTED = "TRUSTED";

/** Uses of a certificate, as object identifiers in hexadecimal: serverAuth, anyExtendedKeyUsage. */
const SERVERS = "2b06010505070301";
const ANY_USE = "551d2500";
/** The tag of the uses that a `TRUSTED CERTIFICATE` must not be trusted for. */
const REJECTED = 0xa0;

/**
 * Reads certificates in PEM: trusted ones, or the client's own.
 *
 * @returns The same, in the form of PEM that the runtime accepts.
 * @throws {ConfigError} When there are none, or one is damaged; also as {@linkcode readTlsFile}.
 */
export async function readCertificates(file: TlsFile): Promise<string> {
  const text = await readTlsFile(file);
  const bad = (problem: string, cure: string) =>
    new ConfigError(`Cannot use the ${file.what}: ${pathOr(file.path)}: ${problem}`, cure);
  const blocks = pemBlocks(text).filter(({ label }) => CERTIFICATE.test(label));
  if (blocks.length === 0) {
    throw bad("it contains no certificate in PEM format", "convert one in DER with openssl x509 -inform DER");
  }
  // If the runtime could not read them, its list would be empty, and it would abort the process.
  const certificates = blocks.map(({ label, der }) => {
    const certificate = der && (label.startsWith(TRUSTED) ? withoutUses(der) : der);
    if (certificate === "not for servers") {
      throw bad("a certificate in it is marked as not trusted for servers", "make one with openssl x509 -clrtrust");
    }
    const pem = certificate && toPem("CERTIFICATE", certificate);
    // Deno 2.7 would hang, and 2.9 would trust no CA.
    if (!pem || !isReadable(pem)) {
      throw bad("a certificate in it is damaged", "copy it again from where it was made");
    }
    return pem;
  });
  return certificates.join("");
}

/**
 * The certificate in a `TRUSTED CERTIFICATE`, in which OpenSSL lists its trusted uses after it; undefined if it is
 * damaged.
 */
function withoutUses(der: Uint8Array): Uint8Array | "not for servers" | undefined {
  try {
    const [certificate, uses] = derValues(der);
    if (certificate === undefined) return undefined;
    const has = (list: Uint8Array | undefined) =>
      derValues(list).some(({ body }) => [SERVERS, ANY_USE].includes(body.toHex()));
    const marks = derValues(uses?.body);
    const trusted = marks.find(({ tag }) => tag === SEQUENCE);
    const rejected = marks.find(({ tag }) => tag === REJECTED);
    if (trusted && !has(trusted.body) || has(rejected?.body)) return "not for servers";
    return certificate.whole;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Whether the runtime can read all certificates of a text in PEM. */
export function isReadable(certificates: string): boolean {
  try {
    Deno.createHttpClient({ caCerts: [certificates] }).close();
    return true;
  } catch (error) {
    if (error instanceof TypeError || error instanceof Deno.errors.InvalidData) return false;
    throw error;
  }
}

/**
 * Reads a file with certificates or a key.
 *
 * @throws {ConfigError} When it cannot be read, or when everybody can write to it.
 */
export async function readTlsFile({ path, what, setting }: TlsFile): Promise<string> {
  try {
    const { text, info } = await readSmallFile(path);
    refuseExposed(path, info);
    return text;
  } catch (error) {
    if (error instanceof UnfitFileError && error.cure !== undefined) {
      throw new ConfigError(`Cannot use the ${what}: ${pathOr(path)}: ${error.what}`, error.cure);
    }
    const cure = systemCure(error) ?? cureOf(error, setting);
    throw new ConfigError(`Cannot read the ${what}: ${pathOr(path)}: ${messageOf(error)}`, cure);
  }
}

function cureOf(error: unknown, setting: string): string {
  if (error instanceof Deno.errors.NotCapable) return "copy it to another place";
  if (error instanceof Deno.errors.PermissionDenied) {
    return `make it readable for this user, or name another one (${setting})`;
  }
  return error instanceof UnfitFileError ? `name another one (${setting})` : `correct the path (${setting})`;
}
