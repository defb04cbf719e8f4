import { isIPv6 } from "node:net";
import { cut, DsnError, isHostName, type Show } from "../network/address_text.ts";
import type { Address } from "../network/address.ts";

const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = 3306;
const DEFAULT_SOCKET = "/tmp/mysql.sock";

/**
 * Reads `net[(address)]`; each part may be empty and then has its default. `tcp` takes several addresses, see
 * {@linkcode parseAddresses}, which the Go driver does not.
 *
 * @throws {DsnError} For an unknown network, or an address that cannot be used.
 */
export function parseNetwork(text: string, show: Show): readonly Address[] {
  const [network, bracketed] = cut(text, "(");
  if (bracketed !== undefined && !bracketed.endsWith(")")) {
    throw bracketed.includes(")")
      ? new DsnError(
        "Cannot read the MySQL DSN: its last slash does not follow the address",
        "write a slash in the database or in a parameter as %2F",
      )
      : new DsnError(
        "Cannot read the MySQL DSN: the address is not terminated",
        "write tcp(host:port)/database or unix(/path)/database",
      );
  }
  const address = bracketed?.slice(0, -1) ?? "";
  if (network === "" || network === "tcp") {
    // As in Go, even if the last group may have been meant as a port. isIPv6() compiles a large pattern on first use,
    // so it is called only for text with at least two colons.
    if (address.indexOf(":") < address.lastIndexOf(":") && isIPv6(address)) {
      return [{ transport: "tcp", host: address, port: DEFAULT_PORT }];
    }
    return parseAddresses(address, show);
  }
  // One path, whatever is in it.
  if (network === "unix") return [{ transport: "unix", path: address || DEFAULT_SOCKET }];
  throw unknownNetwork(network);
}

/** Networks of Go's `net.Dial` that sera does not support. */
const GO_NETWORKS = ["tcp4", "tcp6", "udp", "udp4", "udp6", "unixgram", "unixpacket"];

/** Never shows an unlisted name: in `user:pa@ss/db`, the "network" ss is the end of the password. */
function unknownNetwork(network: string): DsnError {
  if (GO_NETWORKS.includes(network)) {
    return new DsnError(
      `Cannot use network ${network} of the MySQL DSN: only tcp and unix are supported`,
      "write tcp(host:port) or unix(/path)",
    );
  }
  return new DsnError(
    "Cannot read the MySQL DSN: there is no known network before the last slash",
    "write user:password@tcp(host:port)/database, and a slash in the database or in a parameter as %2F",
  );
}

/**
 * Reads `host:port,host:port,…`, each as {@linkcode parseHostAndPort} does.
 *
 * @throws {DsnError} For an empty one among several, or one that cannot be used.
 */
export function parseAddresses(text: string, show: Show): readonly Address[] {
  const items = text.split(",");
  if (items.length > 1 && items.includes("")) {
    throw new DsnError(
      "Cannot use the addresses of the MySQL DSN: one of them is empty",
      "write host:port,host:port, without a comma before or after them",
    );
  }
  if (items.slice(0, -1).some((item) => item.endsWith(")"))) {
    throw new DsnError(
      "Cannot use the addresses of the MySQL DSN: each has brackets of its own",
      "write all in one pair, as in tcp(host:port,host:port)",
    );
  }
  return items.map((item) => parseHostAndPort(item, show));
}

/**
 * Reads `host`, `host:port`, `:port`, `[ipv6]` or `[ipv6]:port`.
 *
 * Stricter than Go: a port must be a number, since service names differ between machines.
 *
 * @throws {DsnError} For text in none of these forms.
 */
function parseHostAndPort(text: string, show: Show): Address {
  const bad = (problem: string, cure: string) =>
    new DsnError(`Cannot use the address of the MySQL DSN: ${show(text, "it")} ${problem}`, cure);
  const bracketed = /^\[([^[\]]*)\](?::(.*))?$/s.exec(text);
  if (!bracketed && text.split(":").length > 2) {
    throw bad("has more than one colon", "write an IPv6 address in brackets as in tcp([::1]:3306)");
  }
  const [host, port] = bracketed ? [bracketed[1]!, bracketed[2]] : cut(text, ":");
  // A percent sign is valid only in an IPv6 zone; elsewhere it is most likely an escaped socket path.
  if (host !== "" && !isHostName(host) || (!bracketed && host.includes("%"))) {
    throw bad("is not a host and port", "write tcp(host:port), or unix(/path) for a socket");
  }
  if (port !== undefined && !isPort(port)) throw bad("has an invalid port", "write a number from 1 to 65535");
  return { transport: "tcp", host: host || DEFAULT_HOST, port: port === undefined ? DEFAULT_PORT : Number(port) };
}

function isPort(text: string): boolean {
  return /^[0-9]+$/.test(text) && Number(text) >= 1 && Number(text) <= 65535;
}
