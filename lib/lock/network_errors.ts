import { messageOf } from "../errors.ts";
import { limitOf } from "../system_cure.ts";

/** What an error of the network or the system means, by its code. */
const MEANINGS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused; is the server running, and is the address right?",
  ECONNRESET: "the server closed the connection; its log may say why",
  EPIPE: "the server closed the connection; its log may say why",
  ENOTFOUND: "no such host; check the address",
  EAI_AGAIN: "the host's name cannot be looked up now; check DNS",
  ENOENT: "no such socket; is the server running, and is the path right?",
  EHOSTUNREACH: "the host cannot be reached; check the address and the routes",
  ENETUNREACH: "the network cannot be reached; check the address and the routes",
  ETIMEDOUT: "no answer; check the address and the firewall",
  EAGAIN: "the queue of the socket is full; the server is too busy, or stuck",
  EADDRNOTAVAIL: "there is no local address or port left for it; check the address and the network",
  ENETDOWN: "the network is down; bring it up",
  EHOSTDOWN: "the host is down; check the address and the host",
  ECONNABORTED: "the connection was broken off; check the network",
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
  return MEANINGS[code] ?? LASTING[code] ?? limitOf(error);
}
