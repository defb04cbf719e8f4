import { connect, type Socket } from "node:net";
import type { PostgresHost, PostgresServer } from "./server.ts";
import { ConfigError, messageOf } from "../../errors.ts";
import { aborted, type Cause, firstOf, onEvent } from "../../waiting.ts";
import { BROKEN_OFF, CLOSED, ConnectionError } from "../network/errors.ts";
import { TlsError } from "./errors.ts";

/** "SSLRequest" in the manual's "Message Formats". */
const SSL_REQUEST = new Uint8Array([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/** Whether to encrypt a connection; `offered`: if the server can. */
export type Encryption = "none" | "offered" | "required";

/** A connection before the login. */
export interface PlainOrSecure {
  readonly socket: Socket;
  readonly encrypted: boolean;
}

/**
 * Connects to one host, and encrypts as asked.
 *
 * @param server Its sslmode decides only how to verify the certificate.
 * @param signal Aborts the attempt.
 * @param certificateOnly Whether to fetch only the server's certificate, see {@linkcode TlsOptions}.
 * @throws {TlsError} When the connection cannot be encrypted, or the server's certificate is not accepted.
 * @throws {ConfigError} When a file that TLS needs cannot be read.
 * @throws The system's error when connecting fails, or the signal's reason.
 */
export async function openSocket(
  host: PostgresHost,
  server: PostgresServer,
  encryption: Encryption,
  signal: AbortSignal,
  certificateOnly = false,
): Promise<PlainOrSecure> {
  const tls = encryption === "none" ? undefined : await prepareTls(host, server, certificateOnly);
  signal.throwIfAborted();
  const { address } = host;
  const plain = connect(address.transport === "unix" ? { path: address.path } : address);
  // An error without a listener would end the process. Whoever waits for the socket has another listener.
  plain.on("error", () => undefined);
  try {
    await awaitStep<void>(plain, signal, (resolve) => onEvent(plain, "connect", resolve));
    if (address.transport === "tcp") {
      plain.setNoDelay(true);
      if (server.keepalives) plain.setKeepAlive(true, (server.keepalives.idle ?? 0) * 1000);
    }
    if (!tls) return { socket: plain, encrypted: false };
    if (server.sslnegotiation === "postgres") {
      const answer = awaitStep<Uint8Array>(plain, signal, (resolve) => onEvent(plain, "data", resolve));
      plain.write(SSL_REQUEST);
      const [first, ...rest] = await answer;
      if (first !== "S".charCodeAt(0) || rest.length > 0) {
        if (first === "N".charCodeAt(0) && rest.length === 0 && encryption === "offered") {
          return { socket: plain, encrypted: false };
        }
        if (first === "N".charCodeAt(0)) {
          throw new TlsError({
            what: `the server offers no TLS, which sslmode=${asWritten(server.sslmode)} requires: it has none, or ` +
              "something in between removes it",
            cure: "set ssl=on on the server (client_tls_sslmode on PgBouncer), and check any proxy in between",
          }, false);
        }
        // From a server that cannot start a process. Not shown: unencrypted, anybody could have sent it. CVE-2024-10977
        if (first === "E".charCodeAt(0)) {
          const what = "the server answered the request for TLS with an error, as when it cannot start a process";
          throw new TlsError({ what, cure: "see its log" }, true, true);
        }
        // More than one byte may have been injected on the way. CVE-2021-23222
        throw new TlsError({
          what: "the server did not answer the request for TLS as PostgreSQL does",
          cure: "check host and port, and any proxy in between",
        });
      }
    }
    return { socket: await tls(plain, signal), encrypted: true };
  } catch (error) {
    plain.destroy();
    throw error;
  }
}

/** The sslmode for messages: as in libpq, `require` with a file of CAs became `verify-ca`. */
function asWritten(sslmode: string): string {
  return sslmode === "verify-ca" ? "verify-ca (or require with sslrootcert)" : sslmode;
}

/** Loads and reads what TLS needs before connecting, so that the server does not have to wait for it. */
async function prepareTls(
  host: PostgresHost,
  server: PostgresServer,
  certificateOnly: boolean,
): Promise<(plain: Socket, signal: AbortSignal) => Promise<Socket>> {
  const { sslmode, sslrootcert, sslcert, sslkey, sslnegotiation } = server;
  const { address, certificateName } = host;
  const verifyHost = sslmode === "verify-full";
  // As in libpq, an existing root file is used in every mode.
  const verify = verifyHost || sslmode === "verify-ca" || sslrootcert !== undefined;
  if (verifyHost && certificateName === undefined) {
    throw new ConfigError("Cannot use sslmode=verify-full without a host's name: add host next to hostaddr");
  }
  const [{ setDefaultTrust }, { readCertificates }] = await Promise.all([
    import("../network/runtime_cas.ts"),
    import("../network/tls_files.ts"),
  ]);
  const isNamed = sslrootcert !== undefined && sslrootcert !== "system";
  setDefaultTrust(verify && !isNamed ? "defaults" : "nobody");
  const client = sslcert === undefined || sslkey === undefined
    ? {}
    : await (await import("../network/client_certificate.ts")).readClientCertificate(sslcert, sslkey);
  const options = {
    host: certificateName ?? (address.transport === "tcp" ? address.host : "localhost"),
    verify,
    verifyHost,
    ca: isNamed
      ? await readCertificates({ path: sslrootcert, what: "CA file", setting: "sslrootcert or tls-ca" })
      : undefined,
    ...client,
    // Lets a server tell it from other protocols on the same port.
    alpn: sslnegotiation === "direct" ? "postgresql" : undefined,
    certificateOnly,
  };
  const { encrypt } = await import("../network/tls.ts");
  return async (plain, signal) => {
    try {
      return await awaitStep<Socket>(plain, signal, (resolve, reject) => {
        const secure = encrypt(plain, options, (error) => error ? reject(error) : resolve(secure));
        secure.on("error", () => undefined);
      });
    } catch (error) {
      if (signal.aborted || certificateOnly) throw error;
      const { describeTlsFailure } = await import("../network/tls_trouble.ts");
      const otherwise = sslnegotiation === "direct"
        ? "see the server's log; before version 17 a server takes no sslnegotiation=direct"
        : undefined;
      const fetchCertificate = () => openSocket(host, server, "required", signal, true);
      const brokenOff = error instanceof ConnectionError || BROKEN_OFF.test(messageOf(error));
      throw new TlsError(
        await describeTlsFailure(error, { ...options, setting: "sslrootcert", otherwise, fetchCertificate }),
        true,
        brokenOff,
      );
    }
  };
}

/** Waits for one step of connecting; fails if the socket fails or closes, or the signal aborts. */
function awaitStep<T>(socket: Socket, signal: AbortSignal, step: Cause<T>): Promise<T> {
  return firstOf<T>(
    (_, reject) => onEvent(socket, "error", reject),
    // Deno 2.7 reports the close of a Unix socket before the error that caused it.
    (_, reject) =>
      onEvent(socket, "close", () => queueMicrotask(() => reject(new ConnectionError(CLOSED.what, CLOSED.cure)))),
    aborted(signal, ({ reason }) => {
      throw reason;
    }),
    step,
  );
}
