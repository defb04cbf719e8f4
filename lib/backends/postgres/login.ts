import { type Client, logInOnce } from "./driver.ts";
import { sqlState, TlsError } from "./errors.ts";
import type { PostgresSessionOptions } from "./options.ts";
import type { PostgresHost, PostgresServer } from "./server.ts";
import type { Encryption } from "./socket.ts";

/**
 * Logs in as sslmode says: with encryption, without, or with one and then the other.
 *
 * @throws As `logInOnce()`; of two failures, the more informative one.
 */
export async function logIn(
  host: PostgresHost,
  server: PostgresServer,
  options: PostgresSessionOptions,
  signal: AbortSignal,
): Promise<Client> {
  const attempt = (encryption: Encryption) => logInOnce(host, server, options, encryption, signal);
  if (host.address.transport === "unix" || server.sslmode === "disable") return await attempt("none");
  const [first, second]: [Encryption, Encryption?] = server.sslmode === "prefer"
    ? ["offered", "none"]
    : server.sslmode === "allow"
    ? ["none", "required"]
    : ["required"];
  try {
    return await attempt(first);
  } catch (error) {
    if (second === undefined || signal.aborted || !mayDependOnEncryption(error)) throw error;
    try {
      return await attempt(second);
    } catch (secondError) {
      if (signal.aborted) throw secondError;
      throw second === "none" ? errorToReport(error, secondError) : errorToReport(secondError, error);
    }
  }
}

/**
 * Of two failed attempts, the error of the encrypted one is more informative. If TLS itself failed, that matters only
 * where pg_hba.conf may require it.
 */
function errorToReport(encrypted: unknown, plain: unknown): unknown {
  return !(encrypted instanceof TlsError) || encrypted.offered && sqlState(plain) === "28000" ? encrypted : plain;
}

/** Whether the other attempt may succeed: pg_hba.conf may allow a role only with encryption, or only without. */
function mayDependOnEncryption(error: unknown): boolean {
  return error instanceof TlsError || (sqlState(error)?.startsWith("28") ?? false);
}
