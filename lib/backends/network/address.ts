import { isPlain, MAX_NAME_LENGTH, pathOr } from "../../text/redaction.ts";

/** Where a server listens: a host (an IPv6 address without its brackets) and its port, or the path of a Unix socket. */
export type Address =
  | { readonly transport: "tcp"; readonly host: string; readonly port: number }
  | { readonly transport: "unix"; readonly path: string };

/** A text that is the same for the same address, and different for different ones. */
export function identityOfAddress(address: Address): string {
  return address.transport === "unix" ? address.path : `${address.host}:${address.port}`;
}

/** An address for people. */
export function shownAddress(address: Address): string {
  if (address.transport === "unix") return `unix(${pathOr(address.path)})`;
  return `tcp(${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port})`;
}

/** An address as `sera doctor --json` shows it. */
export function addressView(address: Address): Record<string, unknown> {
  return address.transport === "unix" ? { socket: pathOr(address.path) } : { host: address.host, port: address.port };
}

/** For `sera doctor --json`: whether a value that is not shown is set. */
export function setOrNot(there: boolean): string {
  return there ? "set" : "not set";
}

/** Whether there is a password, for people. */
export function withOrWithoutPassword(there: boolean): string {
  return there ? "with a password" : "without a password";
}

/** The name of a user or a database for people. */
export function shownName(name: string): string {
  return name === "" ? "(none)" : nameView(name);
}

/** The name of a user or a database, unless it may be a piece of a password that was split off in the wrong place. */
export function nameView(name: string): string {
  return isPlain(name, MAX_NAME_LENGTH) ? name : "(not shown)";
}
