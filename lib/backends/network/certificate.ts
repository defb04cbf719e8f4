/** What a server's certificate says of itself: as little of X.509 as it takes to compare names and versions. */

import { isIP, isIPv6 } from "node:net";

/** A value in DER: its tag, what it holds, and both with its length, as it stands there. */
export interface Item {
  readonly tag: number;
  readonly body: Uint8Array;
  readonly whole: Uint8Array;
}

/** The tag of a list. */
export const SEQUENCE = 0x30;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const OCTETS = 0x04;
const BOOLEAN = 0x01;
const DNS_NAME = 0x82;
const ADDRESS = 0x87;
const COMMON_NAME = "550403";
const ALTERNATIVE_NAMES = "551d11";

/** The names that a certificate is for. */
export interface CertificateNames {
  readonly dns: readonly string[];
  /** Addresses in hexadecimal, four bytes or sixteen. */
  readonly addresses: readonly string[];
  readonly common: string | undefined;
}

/**
 * Which version a certificate is of, 3 being the one that has extensions.
 *
 * @param der A certificate.
 * @throws {RangeError} When it is none.
 */
export function versionOf(der: Uint8Array): number {
  const [first] = partsOf(der);
  return first?.tag === VERSION ? 1 + (first.body[2] ?? 0) : 1;
}

/**
 * The names that a certificate is for.
 *
 * @param der A certificate.
 * @throws {RangeError} When it is none.
 */
export function namesOf(der: Uint8Array): CertificateNames {
  const parts = partsOf(der);
  const [, , , , subject] = unversioned(parts);
  const attributes = items(subject?.body).flatMap((set) => items(set.body)).map((pair) => items(pair.body));
  const common = attributes.find(([type]) => hex(type?.body) === COMMON_NAME)?.[1];
  const found = extensionsOf(parts).find(([type]) => hex(type?.body) === ALTERNATIVE_NAMES);
  const list = found?.find(({ tag }) => tag === OCTETS);
  const names = items(list?.body).flatMap(({ body }) => items(body));
  return {
    dns: names.filter(({ tag }) => tag === DNS_NAME).map(({ body }) => text(body)),
    addresses: names.filter(({ tag }) => tag === ADDRESS).map(({ body }) => hex(body)),
    common: common && text(common.body),
  };
}

/**
 * The public key as it stands in a certificate, in DER.
 *
 * @throws {RangeError} When it is none.
 */
export function publicKeyOf(der: Uint8Array): Uint8Array {
  const [, , , , , key] = unversioned(partsOf(der));
  if (key === undefined) throw new RangeError("no certificate");
  return key.whole;
}

/**
 * The way in which a certificate is signed, as an object identifier in hexadecimal.
 *
 * @throws {RangeError} When it is none.
 */
export function signatureOf(der: Uint8Array): string {
  const [, algorithm] = items(items(der)[0]?.body);
  return hex(items(algorithm?.body)[0]?.body);
}

/**
 * The extensions that have to be known, as object identifiers in hexadecimal.
 *
 * @throws {RangeError} When it is none.
 */
export function criticalExtensions(der: Uint8Array): string[] {
  return extensionsOf(partsOf(der)).filter(([, critical]) => critical?.tag === BOOLEAN && critical.body[0] !== 0)
    .map(([type]) => hex(type?.body));
}

/** An address as people write it, from what {@linkcode namesOf} gives. */
export function addressText(address: string): string {
  if (address.length === 8) return address.match(/../g)!.map((byte) => parseInt(byte, 16)).join(".");
  const groups = address.match(/.{4}/g)?.join(":") ?? "";
  return URL.canParse(`http://[${groups}]`) ? new URL(`http://[${groups}]`).hostname.slice(1, -1) : "an odd address";
}

/** Each extension in its parts: its type, whether it has to be known, and what it holds. */
function extensionsOf(parts: readonly Item[]): Item[][] {
  const lists = items(parts.find(({ tag }) => tag === EXTENSIONS)?.body);
  return lists.flatMap((list) => items(list.body)).map(({ body }) => items(body));
}

function unversioned(parts: readonly Item[]): readonly Item[] {
  return parts[0]?.tag === VERSION ? parts.slice(1) : parts;
}

/**
 * Whether a certificate is for a host, by the rules of libpq: the common name counts where no other name of the host's
 * kind is given, and an address may stand among the names too.
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

/** A leading asterisk stands for one label. What is not ASCII, or holds a zero byte, is nobody's name. */
function covers(name: string, host: string): boolean {
  if (!/^[\x21-\x7e]+$/.test(name)) return false;
  const [pattern, wanted] = [name.toLowerCase(), host.toLowerCase()];
  if (!pattern.startsWith("*.")) return pattern === wanted;
  const dot = wanted.indexOf(".");
  return pattern.length > 3 && dot > 0 && wanted.slice(dot) === pattern.slice(1);
}

/** The address in hexadecimal; without its zone. */
function bytesOf(address: string): string {
  const plain = address.replace(/%.*/, "");
  if (!isIPv6(plain)) return plain.split(".").map((part) => Number(part).toString(16).padStart(2, "0")).join("");
  const [, groups = ""] = /^\[(.*)\]$/.exec(new URL(`http://[${plain}]`).hostname) ?? [];
  const [head = [], tail = []] = groups.split("::").map((side) => side.split(":").filter((group) => group !== ""));
  const middle = new Array<string>(8 - head.length - tail.length).fill("0");
  return [...head, ...middle, ...tail].map((group) => group.padStart(4, "0")).join("");
}

/** What is signed: from the version, if it is given, to the extensions. */
function partsOf(der: Uint8Array): Item[] {
  const [certificate] = items(der);
  const [signed] = items(certificate?.body);
  if (certificate?.tag !== SEQUENCE || signed?.tag !== SEQUENCE) throw new RangeError("no certificate");
  return items(signed.body);
}

/**
 * The values in DER that stand one after another in some bytes.
 *
 * @throws {RangeError} When one is cut off.
 */
export function items(bytes: Uint8Array = new Uint8Array()): Item[] {
  const found: Item[] = [];
  for (let at = 0; at < bytes.length;) {
    const from = at;
    const tag = bytes[at]!;
    let length = bytes[at + 1] ?? Infinity;
    let start = at + 2;
    if (length >= 0x80) {
      const end = start + (length & 0x7f);
      for (length = 0; start < end; start++) length = length * 256 + (bytes[start] ?? Infinity);
    }
    at = start + length;
    if (!(at <= bytes.length)) throw new RangeError("a value in a certificate is cut off");
    found.push({ tag, body: bytes.subarray(start, at), whole: bytes.subarray(from, at) });
  }
  return found;
}

function hex(bytes: Uint8Array = new Uint8Array()): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
