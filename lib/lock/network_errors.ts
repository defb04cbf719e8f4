/** What to say when a connection has ended. */
export const CLOSED = "the server closed the connection; see its log";

const UNREACHABLE = "the host cannot be reached; check the address and the routes";
const NO_NETWORK = "the network cannot be reached; check the network and the routes";
const NO_MEMORY = "this machine has no memory left for a connection";

/** What an error of the network or the system means, by its code. */
const MEANINGS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused; check that the server runs, and the address",
  ECONNRESET: CLOSED,
  ECONNABORTED: CLOSED,
  EPIPE: CLOSED,
  ENOTFOUND: "no such host; check the address",
  EAI_AGAIN: "the name service does not answer; check DNS on this machine",
  ENOENT: "no such socket; check that the server runs, and the path",
  EACCES: "permission denied on the socket; let this user reach it, or use TCP",
  EPERM: "this machine does not allow the connection; check its firewall",
  EHOSTUNREACH: UNREACHABLE,
  EHOSTDOWN: UNREACHABLE,
  ENETUNREACH: NO_NETWORK,
  ENETDOWN: NO_NETWORK,
  ENETRESET: NO_NETWORK,
  ETIMEDOUT: "no answer; check the address and the firewall",
  EADDRNOTAVAIL: "no local port or address is left; see what keeps connections open on this machine",
  EAGAIN: "the server does not accept connections fast enough; see its log",
  ENOBUFS: NO_MEMORY,
  ENOMEM: NO_MEMORY,
  // The runtime's name for whatever it has none for, such as a connection that timed out in the kernel.
  UNKNOWN: "the connection broke; check the network and see the server's log",
};

/** Those of them that do not go by themselves, as those of a restart, a network or a name service in trouble may. */
const LASTING = ["EACCES", "EPERM"];

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
  return code !== undefined && code in MEANINGS && !LASTING.includes(code);
}

/** Says what a network error means and what to do; undefined for any other error. */
export function describeNetworkError(error: unknown): string | undefined {
  const { code, errors } = error as { readonly code?: string; readonly errors?: readonly unknown[] };
  // The attempts that failed, where a name has several addresses.
  if (errors?.length) return describeNetworkError(errors[0]);
  return code === undefined ? undefined : MEANINGS[code];
}
