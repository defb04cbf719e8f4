import { messageOf, type Trouble, TroubleError } from "../../errors.ts";
import { limitOf } from "../../system/limits.ts";

/** The connection has ended. */
export const CLOSED: Required<Trouble> = { what: "the server closed the connection", cure: "see its log" };

/** Transient network errors, by their codes. */
const TRANSIENT: Readonly<Record<string, Trouble>> = {
  ECONNREFUSED: {
    what: "connection refused",
    cure: "check the address, and that the server is running and listens on it",
  },
  ECONNRESET: CLOSED,
  ECONNABORTED: CLOSED,
  EPIPE: CLOSED,
  ENOTFOUND: { what: "no such host", cure: "check the address" },
  EAI_AGAIN: { what: "the name service does not answer", cure: "check DNS on this machine" },
  ENOENT: { what: "no such socket", cure: "check the path, and that the server is running" },
  EHOSTUNREACH: { what: "the host cannot be reached", cure: "check the address and the routes" },
  ENETUNREACH: { what: "the network cannot be reached", cure: "check the address and the routes" },
  ETIMEDOUT: { what: "no answer", cure: "check the address and the firewall" },
  EAGAIN: { what: "the queue of the socket is full", cure: "see whether the server is too busy or stuck" },
  EADDRNOTAVAIL: {
    what: "no local address or port is left for the connection",
    cure: "check the address and the network",
  },
  ENETDOWN: { what: "the network is down", cure: "bring it up" },
  ENETRESET: { what: "the network was reset", cure: "check it" },
  EHOSTDOWN: { what: "the host is down", cure: "check the address and the host" },
  ENOBUFS: { what: "this machine has no memory left for a connection", cure: "find out what uses it up" },
  // The runtime's code for errors that it has no name for, such as a connection that timed out in the kernel.
  UNKNOWN: { what: "the connection broke", cure: "check the network and see the server's log" },
};

/** Permanent errors, by their codes. */
const PERMANENT: Readonly<Record<string, Trouble>> = {
  EACCES: { what: "permission denied on the socket", cure: "let this user reach it, or use TCP" },
  EPERM: { what: "the system forbids it", cure: "check the address, the firewall, and the sandbox that sera runs in" },
  EAFNOSUPPORT: {
    what: "the system does not support this kind of address here",
    cure: "check the sandbox (RestrictAddressFamilies) and IPv6",
  },
  ENOTDIR: { what: "a part of the socket's path is not a folder", cure: "correct the path" },
  ELOOP: { what: "a symbolic link on the way to the socket leads to itself", cure: "correct the path" },
  ENAMETOOLONG: { what: "the socket's path is too long", cure: "give a shorter one" },
  EINVAL: { what: "the path or address is invalid", cure: "correct the path (at most 107 bytes) or the address" },
};

/** The runtime's messages for a connection that ended during the TLS handshake. */
export const BROKEN_OFF =
  /ECONNRESET|EPIPE|ECONNABORTED|ETIMEDOUT|disconnected before secure|tls handshake eof|unexpected eof/i;

/** The connection ended, or there was no answer; used for errors without a code. */
export class ConnectionError extends TroubleError {}

/** Whether an error is a transient network error. */
export function isTransientNetworkError(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  const { code, errors } = error as { readonly code?: string; readonly errors?: readonly unknown[] };
  if (errors?.length) return errors.every(isTransientNetworkError);
  return code !== undefined && code in TRANSIENT;
}

/** What a network error means and what to do; undefined for any other error. */
export function describeNetworkError(error: unknown): Trouble | undefined {
  const { code, port, errors } = error as {
    readonly code?: string;
    readonly port?: number;
    readonly errors?: readonly unknown[];
  };
  // If a name has several addresses, there is one error for each.
  if (errors?.length) return describeNetworkError(errors[0]);
  // Some versions of the runtime refuse sockets in folders such as /dev and /proc.
  if (error instanceof Deno.errors.NotCapable) {
    return { what: messageOf(error), cure: "put the socket elsewhere, or use TCP" };
  }
  if (code === undefined) return undefined;
  // What the runtime's node:net reports when a firewall rejects, or there is no suitable local address.
  if (port !== undefined && (code === "EACCES" || code === "EINVAL")) return PERMANENT.EPERM;
  return TRANSIENT[code] ?? PERMANENT[code] ?? limitOf(error);
}
