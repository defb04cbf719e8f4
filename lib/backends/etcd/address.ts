/**
 * The address of an etcd cluster: `etcd://[user:password@]host[:2379][,host…][/prefix][?cert=FILE&key=FILE]`, or with
 * `etcds://`, by TLS. Any part of the authority may belong to a password that was not escaped: no message shows it.
 */

import { cut, DsnError, isHostName, percentDecode } from "../network/address_text.ts";
import { matches } from "../../text/redaction.ts";

/** Where one member listens for clients. */
export interface Endpoint {
  /** A name or an address; one of IPv6 is without its brackets. */
  readonly host: string;
  readonly port: number;
}

/** A cluster, and how to reach it. */
export interface EtcdAddress {
  /** At least one; each leads to the same cluster. */
  readonly endpoints: readonly Endpoint[];
  readonly tls: boolean;
  readonly user: string | undefined;
  /** Undefined if there is no user. */
  readonly password: string | undefined;
  /** What all of sera's keys begin with; ends with a slash. */
  readonly prefix: string;
  /** PEM files with the client's certificate and its key; both or neither. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** PEM file with the CA that signed the servers' certificates; without one the runtime's defaults are trusted. */
  readonly ca: string | undefined;
}

const DEFAULT_PORT = 2379;
const DEFAULT_PREFIX = "sera/";

/** The longest prefix, in characters. */
const MAX_PREFIX_LENGTH = 200;
const PRINTABLE = String.raw`^[^\p{C}\p{Zl}\p{Zp}]+$`;

const FORM = /^(etcds?):\/\/([^/?#]*)(.*)$/is;

const HOW_TO_ESCAPE = "write each @ / ? # : % in a user or password as %40 %2F %3F %23 %3A %25";

/**
 * Reads the address of a cluster.
 *
 * @param ca The file that the `tls-ca` setting names.
 * @throws {DsnError} When it cannot be used.
 */
export function parseEtcd(text: string, ca: string | undefined): EtcdAddress {
  const [, scheme, authority = "", rest = ""] = FORM.exec(text) ?? [];
  if (scheme === undefined) throw bad("it does not begin with etcd:// or etcds://", "write etcd://host:2379");
  // An @ may end a password that holds one of the characters that end the authority.
  if (rest.includes("#") || rest.includes("@")) {
    throw bad("it has a # or a misplaced @", HOW_TO_ESCAPE);
  }
  const [path, query] = cut(rest, "?");
  const tls = scheme.toLowerCase() === "etcds";
  const at = authority.lastIndexOf("@");
  return {
    endpoints: parseEndpoints(authority.slice(at + 1)),
    tls,
    ...parseUser(at < 0 ? undefined : authority.slice(0, at)),
    prefix: parsePrefix(path.slice(1)),
    ...parseFiles(query ?? "", tls),
    ca,
  };
}

function bad(problem: string, cure: string): DsnError {
  return new DsnError(`Cannot read the etcd URL: ${problem}`, cure);
}

function parseUser(text: string | undefined): Pick<EtcdAddress, "user" | "password"> {
  if (text === undefined) return { user: undefined, password: undefined };
  if (text.includes("@")) throw bad("an @ is not directly before the host", HOW_TO_ESCAPE);
  const [user, password] = cut(text, ":");
  if (user === "") throw bad("there is no user before the @", "write user:password@host, or host alone");
  // etcd does not allow a login without a password.
  if (!password) throw bad("the user has no password", "write user:password@host, or host alone");
  return { user: decode(user, "the user"), password: decode(password, "the password") };
}

function decode(text: string, what: string): string {
  const decoded = percentDecode(text);
  if (decoded === undefined || decoded.includes("\0")) {
    throw bad(`${what} has an invalid percent escape`, "write % as %25");
  }
  return decoded;
}

function parseEndpoints(text: string): readonly Endpoint[] {
  const items = text.split(",");
  if (text === "") throw bad("it has no host", "write etcd://host:2379");
  if (items.includes("")) {
    throw bad("one of its hosts is empty", "write host:port,host:port, without a comma before or after them");
  }
  const all = items.map(parseEndpoint);
  return all.filter(({ host, port }, i) => all.findIndex((other) => other.host === host && other.port === port) === i);
}

/** Reads `host`, `host:port`, `[ipv6]` or `[ipv6]:port`. */
function parseEndpoint(text: string): Endpoint {
  const bracketed = /^\[([^[\]]*)\](?::(.*))?$/s.exec(text);
  if (!bracketed && text.split(":").length > 2) {
    throw bad(
      "a host has more than one colon",
      `write an IPv6 address in brackets, as in etcd://[::1]:2379, and ${HOW_TO_ESCAPE}`,
    );
  }
  const [host, port = String(DEFAULT_PORT)] = bracketed ? [bracketed[1]!, bracketed[2]] : cut(text, ":");
  if (bracketed && host.includes("%")) {
    throw bad("an IPv6 address has a zone, which is not supported here", "name the host, or another of its addresses");
  }
  if (!isHostName(host) || host.includes("%") || !URL.canParse(`http://${bracketed ? `[${host}]` : host}/`)) {
    throw bad("a host is neither a name nor an address", "write etcd://host:2379,host:2379, without spaces");
  }
  if (!/^[0-9]{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) {
    throw bad("a port is invalid", `write a number from 1 to 65535, and ${HOW_TO_ESCAPE}`);
  }
  return { host, port: Number(port) };
}

function parsePrefix(encoded: string): string {
  const prefix = percentDecode(encoded);
  if (prefix === undefined) throw bad("the prefix has an invalid percent escape", "write % as %25");
  if (prefix === "") return DEFAULT_PREFIX;
  if (prefix.length > MAX_PREFIX_LENGTH || !matches(prefix, /^[\w./-]+$/, PRINTABLE)) {
    throw bad(
      "the prefix is too long, or contains characters that cannot be printed",
      `choose one of at most ${MAX_PREFIX_LENGTH} letters`,
    );
  }
  return prefix.endsWith("/") ? prefix : `${prefix}/`;
}

function parseFiles(query: string, tls: boolean): Pick<EtcdAddress, "cert" | "key"> {
  const found = new Map<string, string>();
  for (const item of query === "" ? [] : query.split("&")) {
    const [name, encoded] = cut(item, "=");
    if (name !== "cert" && name !== "key") {
      throw bad("it has a parameter other than cert and key", "leave it out, or correct it");
    }
    if (found.has(name)) throw bad(`it has ${name} twice`, "leave out one of them");
    const path = percentDecode(encoded ?? "");
    if (!path || path.includes("\0")) throw bad(`${name} names no file`, `write ${name}=FILE`);
    found.set(name, path);
  }
  const [cert, key] = [found.get("cert"), found.get("key")];
  if ((cert === undefined) !== (key === undefined)) {
    throw bad("it has only one of cert and key", "write ?cert=FILE&key=FILE, which may be the same file");
  }
  if (cert !== undefined && !tls) throw bad("it has a client certificate, but no TLS", "write etcds://");
  return { cert, key };
}

/** An endpoint for people, and in a URL. */
export function shownEndpoint({ host, port }: Endpoint): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
