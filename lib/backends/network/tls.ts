import { isIP, type Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { isFor, namesOf, versionOf } from "./certificate.ts";
import { toPem } from "./pem.ts";
import { isReadable } from "./tls_files.ts";

/** Which servers to trust, and the client's own certificate. */
export interface TlsOptions {
  /** The name or address that the server's certificate must be for. */
  readonly host: string;
  /** The trusted CA in PEM; without one the runtime's defaults are trusted. */
  readonly ca?: string | undefined;
  /** Whether the certificate is checked at all. */
  readonly verify: boolean;
  /** Whether it must be for the host; if not, a certificate that the CA signed for any name is accepted. */
  readonly verifyHost?: boolean | undefined;
  /** The client's certificate and its key in PEM. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The protocol to negotiate by ALPN. */
  readonly alpn?: string | undefined;
  /** Only fetches the certificate: nothing is checked, and the result is always an error that contains it. */
  readonly certificateOnly?: boolean | undefined;
}

/** A connection that could not be encrypted, or a server that is not trusted. */
export class HandshakeError extends Error {
  /**
   * @param message The runtime's, or one of the constants below.
   * @param certificate The server's, in DER, if the runtime gives it.
   */
  constructor(message: string, readonly certificate?: Uint8Array) {
    super(message);
  }
}

/** Message of a {@linkcode HandshakeError}: the certificate is for other names. */
export const OTHER_NAMES = "other names";
/** The certificate is not of version 3. */
export const OLD_VERSION = "UnsupportedCertVersion";
/** The certificate is not encoded as it should be. */
export const BAD_ENCODING = "BadEncoding";

/**
 * Encrypts a connection. This is not left to the databases' drivers: not all of them pass the host on to the runtime if
 * it is an address, and Deno then accepts any certificate for `localhost`, and none for the address.
 *
 * @param done Called once: with a {@linkcode HandshakeError}, or with nothing when the connection is encrypted and the
 * server trusted. An error after that is the socket's own.
 */
export function encrypt(plain: Socket, options: TlsOptions, done: (error?: Error) => void): TLSSocket {
  const { host, ca, cert, key, verifyHost = true, alpn, certificateOnly = false } = options;
  const verify = options.verify && !certificateOnly;
  let settled = false;
  const settle = (problem?: string, certificate?: Uint8Array) => {
    if (settled) return;
    settled = true;
    done(problem === undefined ? undefined : new HandshakeError(problem, certificate));
  };
  const secure = connect({
    socket: plain,
    host,
    servername: isIP(host) ? undefined : host,
    // With an empty list the runtime does not load its defaults, which could fail.
    ca: verify ? ca : [],
    cert,
    key,
    rejectUnauthorized: verify,
    // Names are compared by libpq's rules in problemWith(); the runtime's rules differ between versions.
    checkServerIdentity: () => undefined,
    ...(alpn === undefined ? {} : { ALPNProtocols: [alpn] }),
  }, () => {
    const certificate = secure.getPeerCertificate()?.raw;
    // Deno 2.7 calls this after a failed handshake too; the error event follows, unless something is written first.
    if (certificate === undefined) return;
    const problem = certificateOnly
      ? "certificate only"
      : verify
      ? problemWith(certificate, verifyHost ? host : undefined)
      : undefined;
    settle(problem, certificate);
    if (problem !== undefined) secure.destroy();
  });
  secure.on("error", (error) => settle(error.message));
  return secure;
}

/** What is wrong with a certificate that the runtime has accepted. */
function problemWith(certificate: Uint8Array, host: string | undefined): string | undefined {
  // If Deno 2.9 cannot read a certificate, it trusts the name of the issuer, and checks neither signature nor key.
  if (!isReadable(toPem("CERTIFICATE", certificate))) return BAD_ENCODING;
  try {
    if (versionOf(certificate) !== 3) return OLD_VERSION;
    return host === undefined || isFor(host, namesOf(certificate)) ? undefined : OTHER_NAMES;
  } catch (error) {
    if (error instanceof RangeError) return BAD_ENCODING;
    throw error;
  }
}
