/** Reads a certificate: only as much of X.509 as is needed to compare names, keys and versions. */

import { isIP, isIPv6 } from "node:net";
import { type DerValue, derValues, SEQUENCE } from "./der.ts";

/** DER tags. */
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const OCTETS = 0x04;
const BOOLEAN = 0x01;
const DNS_NAME = 0x82;
const ADDRESS = 0x87;
/** Object identifiers, in hexadecimal. */
const COMMON_NAME = "550403";
const ALTERNATIVE_NAMES = "551d11";
/** The extensions that the runtime knows: key usages, names, constraints, and where to find more. */
const KNOWN = ["0e", "0f", "11", "13", "1e", "1f", "23", "25"].map((end) => `551d${end}`);

/** The names that a certificate is for. */
export interface CertificateNames {
  readonly dns: readonly string[];
  /** Addresses in hexadecimal, four bytes or sixteen. */
  readonly addresses: readonly string[];
  readonly common: string | undefined;
}

/**
 * The version of a certificate; only version 3 has extensions.
 *
 * @param der A certificate.
 * @throws {RangeError} When it is not a certificate.
 */
export function versionOf(der: Uint8Array): number {
  const [first] = partsOf(der);
  return first?.tag === VERSION ? 1 + (first.body[2] ?? 0) : 1;
}

/**
 * The names that a certificate is for.
 *
 * @param der A certificate.
 * @throws {RangeError} When it is not a certificate.
 */
export function namesOf(der: Uint8Array): CertificateNames {
  const parts = partsOf(der);
  const [, , , , subject] = unversioned(parts);
  const attributes = derValues(subject?.body).flatMap((set) => derValues(set.body)).map((pair) => derValues(pair.body));
  const common = attributes.find(([type]) => type?.body.toHex() === COMMON_NAME)?.[1];
  const found = extensionsOf(parts).find(([type]) => type?.body.toHex() === ALTERNATIVE_NAMES);
  const list = found?.find(({ tag }) => tag === OCTETS);
  const names = derValues(list?.body).flatMap(({ body }) => derValues(body));
  return {
    dns: names.filter(({ tag }) => tag === DNS_NAME).map(({ body }) => text(body)),
    addresses: names.filter(({ tag }) => tag === ADDRESS).map(({ body }) => body.toHex()),
    common: common && text(common.body),
  };
}

/**
 * The public key of a certificate, in DER, exactly as it is encoded there.
 *
 * @throws {RangeError} When it is not a certificate.
 */
export function publicKeyOf(der: Uint8Array): Uint8Array {
  const [, , , , , key] = unversioned(partsOf(der));
  if (key === undefined) throw new RangeError("no certificate");
  return key.whole;
}

/**
 * The algorithm by which a certificate is signed, as an object identifier in hexadecimal.
 *
 * @throws {RangeError} When it is not a certificate.
 */
export function signatureOf(der: Uint8Array): string {
  const [, algorithm] = derValues(derValues(der)[0]?.body);
  return derValues(algorithm?.body)[0]?.body.toHex() ?? "";
}

/**
 * Whether a critical extension is none of those that the runtime knows; it refuses such a certificate.
 *
 * @throws {RangeError} When it is not a certificate.
 */
export function hasUnknownCritical(der: Uint8Array): boolean {
  return extensionsOf(partsOf(der)).filter(([, critical]) => critical?.tag === BOOLEAN && critical.body[0] !== 0)
    .some(([type]) => type !== undefined && !KNOWN.includes(type.body.toHex()));
}

/** An address as people write it, from one that {@linkcode namesOf} gives. */
export function addressText(address: string): string {
  if (address.length === 8) return address.match(/../g)!.map((byte) => parseInt(byte, 16)).join(".");
  const groups = address.match(/.{4}/g)?.join(":") ?? "";
  return URL.canParse(`http://[${groups}]`) ? new URL(`http://[${groups}]`).hostname.slice(1, -1) : "an odd address";
}

/** The parts of each extension: its type, whether it is critical (if given), and its value. */
function extensionsOf(parts: readonly DerValue[]): DerValue[][] {
  const lists = derValues(parts.find(({ tag }) => tag === EXTENSIONS)?.body);
  return lists.flatMap((list) => derValues(list.body)).map(({ body }) => derValues(body));
}

function unversioned(parts: readonly DerValue[]): readonly DerValue[] {
  return parts[0]?.tag === VERSION ? parts.slice(1) : parts;
}

/**
 * Whether a certificate is for a host, by the rules of libpq: the common name counts only if there is no other name of
 * the host's kind, and an address may be among the DNS names.
 *
 * @see https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-CERTIFICATES
 */
export function isFor(host: string, { dns, addresses, common }: CertificateNames): boolean {
  if (isIP(host) === 0) {
    const wanted = host.replace(/\.$/, "");
    return (dns.length > 0 ? dns : [common]).some((name) => name !== undefined && covers(name, wanted));
  }
  if (addresses.includes(bytesOf(host)) || dns.includes(host)) return true;
  return addresses.length === 0 && common === host;
}

/** A leading asterisk stands for one label. A name that is not printable ASCII matches nothing. */
function covers(name: string, host: string): boolean {
  if (!/^[\x21-\x7e]+$/.test(name)) return false;
  const [pattern, wanted] = [name.toLowerCase(), host.toLowerCase()];
  if (!pattern.startsWith("*.")) return pattern === wanted;
  const dot = wanted.indexOf(".");
  return pattern.length > 3 && dot > 0 && wanted.slice(dot) === pattern.slice(1);
}

/** The bytes of an address, without its zone, in hexadecimal. */
function bytesOf(address: string): string {
  const plain = address.replace(/%.*/, "");
  if (!isIPv6(plain)) return plain.split(".").map((part) => Number(part).toString(16).padStart(2, "0")).join("");
  const [, groups = ""] = /^\[(.*)\]$/.exec(new URL(`http://[${plain}]`).hostname) ?? [];
  const [head = [], tail = []] = groups.split("::").map((side) => side.split(":").filter((group) => group !== ""));
  const middle = new Array<string>(8 - head.length - tail.length).fill("0");
  return [...head, ...middle, ...tail].map((group) => group.padStart(4, "0")).join("");
}

/** The parts that are signed: from the version, if there is one, to the extensions. */
function partsOf(der: Uint8Array): DerValue[] {
  const [certificate] = derValues(der);
  const [signed] = derValues(certificate?.body);
  if (certificate?.tag !== SEQUENCE || signed?.tag !== SEQUENCE) throw new RangeError("no certificate");
  return derValues(signed.body);
}

function text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
