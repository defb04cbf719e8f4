import { isIP } from "node:net";
import { DsnError, isHostName } from "../network/address_text.ts";
import { exists } from "./libpq_files.ts";
import type { PostgresHost } from "./server.ts";
import { badSetting, parseInteger, type Setting, type Settings } from "./setting.ts";

const DEFAULT_PORT = 5432;
/** The default of libpq as Debian and Red Hat build it, and that of PostgreSQL itself. */
const SOCKET_FOLDERS = ["/var/run/postgresql", "/tmp"];

/** One server to try, before its password is known. */
export interface HostSlot extends Omit<PostgresHost, "password"> {
  readonly port: number;
  /** The host's name in a password file. */
  readonly passfileHost: string;
}

/**
 * Combines the lists `host`, `hostaddr` and `port` into the servers to try: one for each hostaddr, else one for each
 * host, else the default.
 *
 * @throws {DsnError} If the lists differ in length, or an item is invalid.
 */
export function readHosts(settings: Settings): readonly HostSlot[] {
  const hosts = readList(settings.get("host"));
  const addresses = readList(settings.get("hostaddr"));
  const ports = readList(settings.get("port"));
  const count = addresses?.length ?? hosts?.length ?? 1;
  if (hosts && hosts.length !== count) {
    throw mismatch(`${plural(hosts.length, "host name")} to ${plural(count, "hostaddr value")}`, "host", "hostaddr");
  }
  if (ports && ports.length !== 1 && ports.length !== count) {
    throw mismatch(`${plural(ports.length, "port number")} to ${plural(count, "host")}`, "port", "host");
  }
  return Array.from({ length: count }, (_, i) => {
    const port = readPort(settings.get("port"), ports?.[ports.length === 1 ? 0 : i] ?? "");
    const address = addresses?.[i];
    if (address) return addressSlot(settings.get("hostaddr")!, address, hosts?.[i] ?? "", port);
    return hosts?.[i] ? hostSlot(settings.get("host")!, hosts[i], port) : defaultSlot(port);
  });
}

function readList(setting: Setting | undefined): string[] | undefined {
  return setting?.value.split(",");
}

function mismatch(numbers: string, name: string, other: string): DsnError {
  return new DsnError(
    `Cannot combine ${name} and ${other} for PostgreSQL: could not match ${numbers}`,
    `give as many of one as of the other, separated by commas${name === "port" ? ", or one port for all" : ""}`,
  );
}

const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`;

function readPort(setting: Setting | undefined, text: string): number {
  if (!setting || text === "") return DEFAULT_PORT;
  const port = parseInteger(text);
  if (port !== undefined && port >= 1 && port <= 65535) return port;
  throw badSetting(setting, `${setting.show(text, "its value")} is not a port`, "write a number from 1 to 65535");
}

function addressSlot(setting: Setting, address: string, host: string, port: number): HostSlot {
  if (!isIP(address)) {
    throw badSetting(
      setting,
      `${setting.show(address, "its value")} is not an IP address`,
      "write a name with host instead",
    );
  }
  const slot = { address: { transport: "tcp", host: address, port }, port, passfileHost: host || address } as const;
  return host ? { ...slot, certificateName: host } : slot;
}

function hostSlot(setting: Setting, host: string, port: number): HostSlot {
  if (host.startsWith("@")) {
    throw badSetting(setting, "an abstract Unix socket (@) cannot be used", "name the folder of a socket");
  }
  if (host.startsWith("/")) return socketSlot(host, port);
  if (!isHostName(host)) throw badSetting(setting, "it is not a host name", "write a name, an IP address or a folder");
  return { address: { transport: "tcp", host, port }, certificateName: host, port, passfileHost: host };
}

/** A password file calls the default folder `localhost`. */
function socketSlot(folder: string, port: number): HostSlot {
  const path = socketPath(folder, port);
  return {
    address: { transport: "unix", path },
    port,
    passfileHost: folder === defaultFolder(port) ? "localhost" : folder,
  };
}

function defaultSlot(port: number): HostSlot {
  if (Deno.build.os !== "windows") return socketSlot(defaultFolder(port), port);
  const host = "localhost";
  return { address: { transport: "tcp", host, port }, certificateName: host, port, passfileHost: host };
}

function socketPath(folder: string, port: number): string {
  return `${folder}/.s.PGSQL.${port}`;
}

/** The first folder with a server's socket, since builds of libpq differ in their default. */
function defaultFolder(port: number): string {
  return SOCKET_FOLDERS.find((folder) => exists(socketPath(folder, port))) ?? SOCKET_FOLDERS[0]!;
}
