/** Facts about a server's certificate that tell why it was rejected. */

import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { isHostName } from "./address_text.ts";
import { addressText, namesOf } from "./certificate.ts";
import { serverWords } from "./server_words.ts";
import type { Failure } from "./tls_failure.ts";

/** Object identifiers with their DER headers, in hexadecimal. */
const OIDS = {
  extendedKeyUsage: "0603551d25",
  serverAuth: "06082b06010505070301",
  sha1: ["06092a864886f70d010105", "06072a8648ce3d0401"],
};

/** The names that the certificate is for, as far as they count for this host and can be shown. */
export function shownNames({ der, host }: Failure): string {
  if (der === undefined) return "others";
  const { dns, common, addresses } = namesOf(der);
  const others = isIP(host) ? addresses : dns;
  const names = [...dns, ...(others.length === 0 && common !== undefined ? [common] : [])]
    .filter((name) => isHostName(name.replace(/^\*\./, "")));
  // Often the common name is one of the others.
  const all = [...new Set([...names, ...addresses.map(addressText)])];
  return all.slice(0, 3).join(", ") + (all.length > 3 ? ", ..." : "") || "no name that can be used";
}

/** Whether its validity ends before it begins. */
export function endsFirst(certificate: X509Certificate | undefined): boolean {
  return certificate !== undefined && Date.parse(certificate.validTo) < Date.parse(certificate.validFrom);
}

/** Whether a date is in the past. */
export function isPast(date: string | undefined): boolean {
  return date !== undefined && Date.parse(date) < Date.now();
}

/** The day in parentheses: Deno 2.7 tells it in seconds since 1970; with 2.9 it is in the certificate. */
export function when({ words, certificate }: Failure, end: "validTo" | "validFrom"): string {
  const seconds = /is not valid (?:after|before) (\d{1,11})\b/.exec(words)?.[1];
  const time = seconds !== undefined ? Number(seconds) * 1000 : Date.parse(certificate?.[end] ?? "");
  return Number.isNaN(time) ? "" : ` (${new Date(time).toISOString().slice(0, 10)})`;
}

function has(der: Uint8Array | undefined, ...parts: string[]): boolean {
  return der !== undefined && parts.some((part) => der.toHex().includes(part));
}

/** Whether it, or one that signed it, is signed with SHA-1. */
export function isSignedBySha1(der: Uint8Array | undefined): boolean {
  return has(der, ...OIDS.sha1);
}

/** Whether its uses are limited, and servers are not among them. */
export function isForClients(der: Uint8Array | undefined): boolean {
  return has(der, OIDS.extendedKeyUsage) && !has(der, OIDS.serverAuth);
}

/** Whether its RSA key is too short for the runtime. */
export function isShort(certificate: X509Certificate | undefined): boolean {
  const bits = certificate?.publicKey.asymmetricKeyDetails?.modulusLength;
  return bits !== undefined && bits < 2048;
}

/** Who has signed it, for the end of a sentence. */
export function issuer(certificate: X509Certificate | undefined): string {
  const name = /(?:^|\n)CN=(.*)/.exec(certificate?.issuer ?? "")?.[1];
  return name === undefined ? "" : ` (its issuer is ${serverWords(name).slice(0, 64)})`;
}
