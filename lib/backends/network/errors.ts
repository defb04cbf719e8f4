import { lineOf, messageOf, type Trouble } from "../../errors.ts";
import { limitOf } from "../../system/limits.ts";

/** What to say when a connection has ended. */
export const CLOSED = "the server closed the connection; see its log";

/** What an error of the network or the system means, by its code. */
const MEANINGS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused; check that the server runs, and the address",
  ECONNRESET: CLOSED,
  ECONNABORTED: CLOSED,
  EPIPE: CLOSED,
  ENOTFOUND: "no such host; check the address",
  EAI_AGAIN: "the name service does not answer; check DNS on this machine",
  ENOENT: "no such socket; check that the server runs, and the path",
  EHOSTUNREACH: "the host cannot be reached; check the address and the routes",
  ENETUNREACH: "the network cannot be reached; check the address and the routes",
  ETIMEDOUT: "no answer; check the address and the firewall",
  EAGAIN: "the queue of the socket is full; the server is too busy, or stuck",
  EADDRNOTAVAIL: "there is no local address or port left for it; check the address and the network",
  ENETDOWN: "the network is down; bring it up",
  ENETRESET: "the network was reset; check it",
  EHOSTDOWN: "the host is down; check the address and the host",
  ENOBUFS: "this machine has no memory left for a connection; see what uses it up",
  // The runtime's name for whatever it has none for, such as a connection that timed out in the kernel.
  UNKNOWN: "the connection broke; check the network and see the server's log",
};

/** Those that do not go by themselves, as those of a restart, a network or a name service in trouble may. */
const LASTING: Readonly<Record<string, string>> = {
  EACCES: "permission denied on the socket; let this user reach it, or use TCP",
  EPERM: "the system forbids it; check the address, the firewall, and the sandbox that sera runs in",
  EAFNOSUPPORT: "the system has no such addresses here; check the sandbox (RestrictAddressFamilies) and IPv6",
  ENOTDIR: "a file is in the place of a folder on the way to the socket; correct the path",
  ELOOP: "a symbolic link on the way to the socket leads to itself; correct the path",
  ENAMETOOLONG: "the socket's path is too long; give a shorter one",
  EINVAL: "no socket can be there; correct the path, which has at most 107 bytes, or the address",
};

/** How the runtime says that a connection ended in the middle of the TLS handshake. */
export const BROKEN_OFF =
  /ECONNRESET|EPIPE|ECONNABORTED|ETIMEDOUT|disconnected before secure|tls handshake eof|unexpected eof/i;

/** The connection ended or was not answered, without any code that says so. */
export class ConnectionError extends Error {}

/** Whether an error is the network's and may be gone a moment later. */
export function isTransientNetworkError(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  const { code, errors } = error as { readonly code?: string; readonly errors?: readonly unknown[] };
  if (errors?.length) return errors.every(isTransientNetworkError);
  return code !== undefined && code in MEANINGS;
}

/** Says what a network error means and what to do; undefined for any other error. */
export function describeNetworkError(error: unknown): string | undefined {
  const { code, port, errors } = error as {
    readonly code?: string;
    readonly port?: number;
    readonly errors?: readonly unknown[];
  };
  // The attempts that failed, where a name has several addresses.
  if (errors?.length) return describeNetworkError(errors[0]);
  // Some versions of the runtime refuse sockets there too.
  if (error instanceof Deno.errors.NotCapable) return `${messageOf(error)}; put the socket elsewhere, or use TCP`;
  if (code === undefined) return undefined;
  // Node.js's layer of the runtime gives these for what else a firewall or a lack of addresses may answer.
  if (port !== undefined && (code === "EACCES" || code === "EINVAL")) return LASTING.EPERM;
  return MEANINGS[code] ?? LASTING[code] ?? line(limitOf(error));
}

function line(trouble: Trouble | undefined): string | undefined {
  return trouble && lineOf(trouble);
}
