import { refuseEverybodys } from "../config/file_trust.ts";
import { readSmallFile, UnfitFileError } from "../config/small_file.ts";
import { ConfigError, messageOf } from "../errors.ts";
import { pathOr } from "../harmless.ts";
import { systemCure } from "../system_cure.ts";

/** A file that encryption needs. */
export interface TlsFile {
  readonly path: string;
  /** What a message calls it. */
  readonly what: string;
  /** The setting that names it. */
  readonly setting: string;
}

/**
 * Reads certificates in PEM: whom to trust, or who we are.
 *
 * @throws {ConfigError} When there are none, or see {@linkcode readTlsFile}.
 */
export async function readCertificates(file: TlsFile): Promise<string> {
  const text = await readTlsFile(file);
  const bad = (problem: string) => new ConfigError(`Cannot use the ${file.what}: ${pathOr(file.path)}: ${problem}`);
  // The runtime would trust nobody, or everybody that it knows, and not say why.
  if (!/-----BEGIN (TRUSTED )?CERTIFICATE-----[^-]+-----END/.test(text)) {
    throw bad("there is no certificate in PEM format in it; convert one in DER by openssl x509 -inform DER");
  }
  // Deno 2.7 would wait for ever, and 2.9 trust nobody.
  if (!isReadable(text)) throw bad("a certificate in it is damaged; copy it once more from where it was made");
  return text;
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
    refuseEverybodys(path, info);
    return text;
  } catch (error) {
    if (error instanceof UnfitFileError && error.cure !== undefined) {
      throw new ConfigError(`Cannot use the ${what}: ${pathOr(path)}: ${error.message}; ${error.cure}`);
    }
    const cure = systemCure(error) ?? cureOf(error, setting);
    throw new ConfigError(`Cannot read the ${what}: ${pathOr(path)}: ${messageOf(error)}; ${cure}`);
  }
}

function cureOf(error: unknown, setting: string): string {
  if (error instanceof Deno.errors.NotCapable) return "copy it to another place";
  if (error instanceof Deno.errors.PermissionDenied) {
    return `make it readable for this user, or name another one (${setting})`;
  }
  return error instanceof UnfitFileError ? `name another one (${setting})` : `correct the path (${setting})`;
}
