/** The files in which the runtime finds CAs, looked at before it does: it ends the process where it would trust nobody. */

import { X509Certificate } from "node:crypto";
import { readSmallFileSync } from "../../system/small_file.ts";
import { ConfigError, messageOf } from "../../errors.ts";
import { statIfSeen } from "../../system/if_there.ts";
import { type PemBlock, pemBlocks, toPem } from "./pem.ts";

/** Where systems keep their list. Without any the runtime refuses to load the system's store. */
const PLACES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
  "/usr/local/share/certs/ca-root-nss.crt",
];

/** The refusal of a variable. What it holds is not repeated. */
export function refusal(problem: string, cure: string): ConfigError {
  return new ConfigError(`Cannot load the CAs that the runtime trusts: ${problem}`, `${cure}, or name a CA yourself`);
}

/**
 * Looks into a file of CAs as the runtime would read it, which takes no byte order mark, no indentation and no other
 * kind of certificate.
 *
 * @param variable What names it.
 * @throws {ConfigError} When it cannot be read, or holds none or a damaged one.
 */
export function lookInto(variable: string, path: string): void {
  let text;
  try {
    // The runtime would read a pipe or a device without an end.
    text = readSmallFileSync(path).text;
  } catch (error) {
    throw refusal(`the file that ${variable} names: ${messageOf(error)}`, "correct it, unset it");
  }
  const found = certificatesIn(text);
  if (found.length === 0) {
    throw refusal(
      `the file that ${variable} names holds no certificate that it can read`,
      "write one in PEM by openssl x509, unset it",
    );
  }
  if (!found.every(({ der }) => der && isCertificate(der))) {
    throw refusal(`a certificate in the file that ${variable} names is damaged`, "correct it, unset it");
  }
}

function certificatesIn(text: string): PemBlock[] {
  if (!/^-----BEGIN CERTIFICATE-----\s*$/m.test(text)) return [];
  return pemBlocks(text).filter(({ label }) => label === "CERTIFICATE");
}

function isCertificate(der: Uint8Array): boolean {
  try {
    new X509Certificate(toPem("CERTIFICATE", der));
    return true;
  } catch {
    // Errors of many classes, of which none says more.
    return false;
  }
}

/** The files that may make up the system's list: in a folder those that have the names that OpenSSL's rehash gives them. */
export function candidates(folder: string | undefined): string[] {
  if (!folder) return PLACES.filter(isFile);
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name)
      .filter((name) => /^[0-9a-f]{8}\.\d+$/.test(name)).map((name) => `${folder}/${name}`);
  } catch {
    // As it is for the runtime: nothing is found there.
    return [];
  }
}

/** Whether there is a certificate in it that the runtime can read. */
export function holdsCertificate(path: string): boolean {
  try {
    return certificatesIn(readSmallFileSync(path).text).some(({ der }) => der && isCertificate(der));
  } catch {
    // What cannot be read holds none.
    return false;
  }
}

/** Whether the system has a list, where systems keep it. */
export function isThere(): boolean {
  return PLACES.some(isFile);
}

/** What cannot be looked at does not count. */
function isFile(path: string): boolean {
  return statIfSeen(path)?.isFile ?? false;
}
