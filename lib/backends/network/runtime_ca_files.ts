/** The files in which the runtime finds CAs, checked in advance: it aborts the process if it finds none. */

import { X509Certificate } from "node:crypto";
import { readSmallFileSync } from "../../system/small_file.ts";
import { ConfigError, messageOf } from "../../errors.ts";
import { statIfSeen } from "../../system/if_there.ts";
import { type PemBlock, pemBlocks, toPem } from "./pem.ts";

/** Where systems keep their list. If there is none, the runtime refuses to load the system's store. */
const PLACES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
  "/usr/local/share/certs/ca-root-nss.crt",
];

/** The error for a variable that cannot be used. Does not repeat its value. */
export function refusal(problem: string, cure: string): ConfigError {
  return new ConfigError(`Cannot load the CAs that the runtime trusts: ${problem}`, `${cure}, or name a CA yourself`);
}

/**
 * Checks a file of CAs as the runtime would read it: it accepts no byte order mark, no indentation and no other labels.
 *
 * @param variable The variable that names it.
 * @throws {ConfigError} When it cannot be read, or holds no certificate, or a damaged one.
 */
export function checkCaFile(variable: string, path: string): void {
  let text;
  try {
    // Refuses pipes and devices, which the runtime would read endlessly.
    text = readSmallFileSync(path).text;
  } catch (error) {
    throw refusal(`the file that ${variable} names: ${messageOf(error)}`, "correct it, unset it");
  }
  const found = certificatesIn(text);
  if (found.length === 0) {
    throw refusal(
      `the file that ${variable} names holds no certificate that it can read`,
      "write one in PEM with openssl x509, unset it",
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
    // Errors of many classes; none says more.
    return false;
  }
}

/** The files of the system's list; in a folder those with names as OpenSSL's rehash gives them. */
export function systemListFiles(folder: string | undefined): string[] {
  if (!folder) return PLACES.filter(isFile);
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name)
      .filter((name) => /^[0-9a-f]{8}\.\d+$/.test(name)).map((name) => `${folder}/${name}`);
  } catch {
    // The runtime takes such a folder for empty too.
    return [];
  }
}

/** Whether there is a certificate in a file that the runtime can read. */
export function holdsCertificate(path: string): boolean {
  try {
    return certificatesIn(readSmallFileSync(path).text).some(({ der }) => der && isCertificate(der));
  } catch {
    // The runtime cannot read it either.
    return false;
  }
}

/** Whether the system has a list in one of the usual places. */
export function hasSystemList(): boolean {
  return PLACES.some(isFile);
}

/** False also where this user cannot look. */
function isFile(path: string): boolean {
  return statIfSeen(path)?.isFile ?? false;
}
