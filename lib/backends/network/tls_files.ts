import { refuseExposed } from "../../system/file_trust.ts";
import { readSmallFile, UnfitFileError } from "../../system/small_file.ts";
import { ConfigError, messageOf } from "../../errors.ts";
import { pathOr } from "../../text/harmless.ts";
import { systemCure } from "../../system/limits.ts";
import { items, SEQUENCE } from "./certificate.ts";
import { pemBlocks, toPem } from "./pem.ts";

/** A file that encryption needs. */
export interface TlsFile {
  readonly path: string;
  /** What a message calls it. */
  readonly what: string;
  /** The setting that names it. */
  readonly setting: string;
}

/** The labels of certificates in PEM, of which OpenSSL has had more than one. */
const CERTIFICATE = /^((X509|TRUSTED) )?CERTIFICATE$/;
const TRUSTED = "TRUSTED";

/** What a certificate may be trusted for, as object identifiers in hexadecimal: serverAuth, anyExtendedKeyUsage. */
const SERVERS = "2b06010505070301";
const ANY_USE = "551d2500";
/** The tag of what a `TRUSTED CERTIFICATE` is not to be trusted for. */
const REJECTED = 0xa0;

/**
 * Reads certificates in PEM: whom to trust, or who we are.
 *
 * @returns The same in the one form that the runtime takes.
 * @throws {ConfigError} When there are none, or see {@linkcode readTlsFile}.
 */
export async function readCertificates(file: TlsFile): Promise<string> {
  const text = await readTlsFile(file);
  const bad = (problem: string, cure: string) =>
    new ConfigError(`Cannot use the ${file.what}: ${pathOr(file.path)}: ${problem}`, cure);
  const blocks = pemBlocks(text).filter(({ label }) => CERTIFICATE.test(label));
  if (blocks.length === 0) {
    throw bad("there is no certificate in PEM format in it", "convert one in DER by openssl x509 -inform DER");
  }
  // In the one form that the runtime takes: of what it cannot read it would make an empty list, and end the process.
  const certificates = blocks.map(({ label, der }) => {
    const certificate = der && (label.startsWith(TRUSTED) ? withoutUses(der) : der);
    if (certificate === "not for servers") {
      throw bad("a certificate in it is marked as not to be trusted for servers", "make one by openssl x509 -clrtrust");
    }
    const pem = certificate && toPem("CERTIFICATE", certificate);
    // Deno 2.7 would wait for ever, and 2.9 trust nobody.
    if (!pem || !isReadable(pem)) {
      throw bad("a certificate in it is damaged", "copy it once more from where it was made");
    }
    return pem;
  });
  return certificates.join("");
}

/**
 * The certificate of a `TRUSTED CERTIFICATE`, after which OpenSSL writes what it is trusted for; undefined when it is
 * damaged.
 */
function withoutUses(der: Uint8Array): Uint8Array | "not for servers" | undefined {
  try {
    const [certificate, uses] = items(der);
    if (certificate === undefined) return undefined;
    const has = (list: Uint8Array | undefined) =>
      items(list).some(({ body }) => [SERVERS, ANY_USE].includes(body.toHex()));
    const marks = items(uses?.body);
    const trusted = marks.find(({ tag }) => tag === SEQUENCE);
    const rejected = marks.find(({ tag }) => tag === REJECTED);
    if (trusted && !has(trusted.body) || has(rejected?.body)) return "not for servers";
    return certificate.whole;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Whether the runtime's verifier can read all certificates of a text in PEM. */
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
 * Reads the file.
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
