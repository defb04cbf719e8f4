/** What an error of the network or the system means, by its code. */
const MEANINGS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused; check that the server runs, and the address",
  ECONNRESET: "the server closed the connection; its log may say why",
  EPIPE: "the server closed the connection; its log may say why",
  ENOTFOUND: "no such host; check the address",
  EAI_AGAIN: "the host's name cannot be looked up now; check DNS",
  ENOENT: "no such socket; check that the server runs, and the path",
  EACCES: "permission denied on the socket; let this user reach it, or use TCP",
  EHOSTUNREACH: "the host cannot be reached; check the address and the routes",
  ENETUNREACH: "the network cannot be reached; check the address and the routes",
  ETIMEDOUT: "no answer; check the address and the firewall",
};

/** The one of them that does not go by itself, as those of a restart, a network or a name service in trouble may. */
const LASTING = "EACCES";

/** The connection ended or was not answered, without any code that says so. */
export class ConnectionError extends Error {}

/** Whether an error is the network's and may be gone a moment later. */
export function isTransientNetworkError(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  const { code, errors } = error as { readonly code?: string; readonly errors?: readonly unknown[] };
  if (errors?.length) return errors.every(isTransientNetworkError);
  return code !== undefined && code in MEANINGS && code !== LASTING;
}

/** Says what a network error means and what to do; undefined for any other error. */
export function describeNetworkError(error: unknown): string | undefined {
  const { code, errors } = error as { readonly code?: string; readonly errors?: readonly unknown[] };
  // The attempts that failed, where a name has several addresses.
  if (errors?.length) return describeNetworkError(errors[0]);
  return code === undefined ? undefined : MEANINGS[code];
}
